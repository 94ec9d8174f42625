"""The words that end and begin texts, and the wishes that mean the same; what is not clear is left to a person."""

import pytest

from hub.domain.keywords import Keyword, is_bare, keyword, wants_to_stop

STOPS = ["stop", "stopall", "unsubscribe", "cancel", "end", "quit", "revoke", "optout"]


@pytest.mark.parametrize("word", STOPS)
@pytest.mark.parametrize("shape", ["{}", " {} ", "{}.", "{}!!", '"{}"', "‘{}’", "({})", "{}\n"])
def test_each_word_of_the_stop_family_alone(word: str, shape: str) -> None:
    assert keyword(shape.format(word)) is Keyword.STOP
    assert keyword(shape.format(word.upper())) is Keyword.STOP
    assert keyword(shape.format(word.capitalize())) is Keyword.STOP


@pytest.mark.parametrize("body", ["opt out", "Opt-out", "OPT OUT.", "stop all"])
def test_the_same_words_apart(body: str) -> None:
    assert keyword(body) is Keyword.STOP


@pytest.mark.parametrize(("body", "means"), [("HELP", "HELP"), ("info?", "HELP"), ("Start", "START"), ("yes", "START")])
def test_help_and_start(body: str, means: str) -> None:
    assert keyword(body) is Keyword(means)


@pytest.mark.parametrize("body", ["", "stopp", "stop it", "the end", "help me", "yes please", "STOPSTOP", "1", "never"])
def test_whatever_else_is_no_keyword(body: str) -> None:
    assert keyword(body) is None


@pytest.mark.parametrize(("body", "bare"), [("STOP", True), (" stop\n", True), ("STOP.", False), ("opt out", False)])
def test_the_provider_sees_the_bare_word_only(body: str, *, bare: bool) -> None:
    assert is_bare(body) is bare


@pytest.mark.parametrize(
    "body",
    [
        "please stop texting me",
        "Please STOP texting!!",
        "stop texting me now",
        "can you please stop texting me",
        "would you stop messaging me",
        "I want you to stop texting me.",
        "STOP PLEASE",
        "please stop",
        "pls stop",
        "stop it",
        "just stop",
        "Stop the messages",
        "stop all these texts",
        "stop sending me messages",
        "please stop sending these",
        "stop contacting me",
        "stop text me",
        "stop texting me at once",
        "please stop texting me on this number",
        "STOP STOP STOP",
        "stop spamming me",
        "I don't want to be texted",
        "stop writing to me",
        "Don't text me any more",
        "dont text me anymore",
        "don’t text me.",
        "Do not text this number again",
        "do not contact me ever again",
        "never text me again",
        "don't message me again please",
        "don't send me any more texts",
        "do not send me messages",
        "I don't want these texts",
        "i dont want to get any more messages",
        "I do not want to receive your texts anymore",
        "I no longer want texts from you",
        "I dont want you to text me",
        "no more texts",
        "no more messages please",
        "Please, no more texts from you",
        "I want no more texts",
        "take me off this list",
        "Take me off your list please",
        "take me off the text list",
        "remove me from your list",
        "remove me from these messages",
        "delete my number",
        "unsubscribe me",
        "please unsubscribe",
        "opt me out",
        "I want to opt out",
        "I'd like to opt out of these texts",
        "cancel these texts",
        "end these messages please",
        "turn off the reminders",
        "quit texting me",
        "no quiero más mensajes",
        "No más mensajes por favor",
        "dejen de mandarme mensajes",
        "no me escriban más",
        "parar",
    ],
)
def test_plain_wishes_end_texts(body: str) -> None:
    assert wants_to_stop(body)


@pytest.mark.parametrize(
    "body",
    [
        "it won't stop",
        "my breathing does not stop hurting",
        "should I stop my tablets?",
        "Should I stop texting you my weight?",
        "do I stop the water pill",
        "I stopped my tablets",
        "the bleeding won't stop",
        "I can't stop coughing",
        "I cannot stop texting my sister about it",
        "don't stop texting me",
        "please do not stop the messages",
        "why did you stop texting me?",
        "when do you stop sending texts?",
        "I will stop by tomorrow",
        "please stop by tomorrow",
        "I'll stop texting now, good night",
        "the bus stop is far",
        "dont text me at night",
        "please stop texting me at night",
        "stop texting me so early",
        "stop sending me reminders before 8",
        "don't text me before 9",
        "I got no more messages today",
        "no more tablets left",
        "take me off the water pill",
        "remove me from oxygen?",
        "cancel my appointment",
        "please cancel",
        "the end of the month",
        "at the end of my text",
        "I don't want to eat",
        "I dont want my tablets any more",
        "leave me alone",
        "120/80",
        "ok",
        "alto",
        "",
    ],
)
def test_whatever_is_not_clearly_about_the_texts_is_left_to_a_person(body: str) -> None:
    assert not wants_to_stop(body)
    assert keyword(body) is None
