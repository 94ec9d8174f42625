"""The words that end and begin texts to a phone, and the plain wishes that mean the same (SF16).

A wish ends texts only where it is clearly about them: "stop" is also said of tablets, of bleeding and of coughing. What
is not clear is an unread text for a person.
"""

from enum import StrEnum
from typing import Final

from hub.domain.plain_words import phrases, plain_words


class Keyword(StrEnum):
    """What a single word asks for, as every carrier has it."""

    STOP = "STOP"
    HELP = "HELP"
    START = "START"


_FAMILIES: Final = {
    Keyword.STOP: {"stop", "stopall", "unsubscribe", "cancel", "end", "quit", "revoke", "optout"},
    Keyword.HELP: {"help", "info"},
    Keyword.START: {"start", "yes", "unstop"},
}
_FAMILY_OF: Final = {word: family for family, words in _FAMILIES.items() for word in words}
_SPELLED: Final = {"opt out": Keyword.STOP, "stop all": Keyword.STOP}

RESERVED: Final = frozenset(_FAMILY_OF)
"""No answer to a question may be one of these: the provider keeps them for itself (S7)."""


def keyword(body: str) -> Keyword | None:
    """What ``body`` asks for, where it is one of these words alone: ``Stop.``, ``"STOP"``, ``opt-out``."""
    said = plain_words(body)
    return _FAMILY_OF.get(said) or _SPELLED.get(said)


def is_bare(body: str) -> bool:
    """Whether ``body`` is such a word and nothing else, as a provider looks for it: ``STOP.`` is left to the hub."""
    return body.strip().casefold() in _FAMILY_OF


_WORDS: Final = {
    "please": "please|pls|plz|kindly|just|por favor",
    "polite": "please|pls|plz|thanks|thank you|por favor|now|at once|immediately|any ?more|again|ever|at all",
    "ever": "any ?more|again|ever|at all",
    "texts": "texts?|txts?|text messages?|messages?|mesages?|msgs?|sms|reminders?|notifications?",
    "texting": "texting|txting|messaging|msging|contacting|bothering|bugging|harassing|spamming|sending"
    "|writing(?: to)?",
    "text": "text|txt|message|msg|contact|write(?: to)?|bother|sms",
    "these": "(?:(?:all|any|of|these|those|this|the|your|such|me|my|more|further|from|with) )*",
    "me": "me|us|this number|my (?:phone|number|cell|mobile)",
    "not": "dont|do not|no longer",
}

_WISHES: Final = phrases(
    r"""
    ^(<please> )*(stop|stopp|stpo|unsubscribe|opt out|parar|basta)( (it|this|that|me|all|already|<polite>))*$
    (stop|stopp|quit|cease|turn off|switch off) <these>(<texts>|texting|messaging)
    ^(<please> )*(end|cancel|discontinue) <these>(<texts>|texting|messaging)
    (stop|quit|cease) (<texting>|<text>) <me>
    ^stop( stop)+$
    <not> want to be (texted|messaged|contacted|written to)
    stop sending <these>(<texts>|these|this|those|them)
    (<not>|never) <text> <me> (<ever>|<polite>$)
    (<not>|never) <text> <me>$
    (<not>|never) send <these><texts>( to <me>)?( <ever>|( <polite>)*$)
    <not> (want|wish)( to (get|receive|have))? <these><texts>( from you)?( <ever>|( <polite>)*$)
    <not> want you to <text> <me>
    ^(<please> )*no more <these><texts>( from you| to <me>)?( <polite>)*$
    want no more <these><texts>
    (take|get|remove|delete) (me|us|my (phone|number|name)|this number) (off|from|out of) <these>(text |call )?lists?
    (take|get|remove|delete) (me|us|my (phone|number|name)|this number) (off|from|out of) <these><texts>
    (remove|delete) (my|this) (phone )?number
    unsubscribe
    opt (me |us )?out( of <these><texts>)?( <polite>)*$
    no (quiero|deseo) ((recibir|mas|sus|estos|los) )*mensajes
    no mas mensajes
    (deje|dejen|deja) de (mandar|enviar|escribir)(me)?
    no me (escriba|escriban|mande|manden|envie|envien) mas
    """,
    _WORDS,
)
# Asked, told of somebody else, denied, or about the hour only: a person reads it.
_NOT_A_WISH: Final = phrases(
    r"""
    (should|shall|do|did|can|could|may|must|will|would|when|if|how) (i|we) (\w+ )?<to stop>
    (do|did|when|if|why|should) (you|they|he|she) (\w+ )?<to stop>
    (i|we) (\w+ )?(will|must|had to|have to|cant|cannot|did|didnt|never|wont) (\w+ )?<to stop>
    ill (\w+ )?<to stop>
    (<texting>|<text>) <me> (<texts> )?(before|after|during|until|while|when|so|too|in the)
    (<texting>|<text>) <me> (<texts> )?(at(?! once| all)|on(?! this| my))
    (dont|do not|didnt|did not|never|not|wont) (\w+ )?<to stop>
    """,
    {**_WORDS, "to stop": "stop|quit|end|cancel|turn off|unsubscribe|opt out"},
)


def wants_to_stop(body: str) -> bool:
    """Whether ``body`` plainly says that no more texts are wanted: ``please stop texting me``, ``no more messages``."""
    said = plain_words(body)
    return _WISHES.search(said) is not None and _NOT_A_WISH.search(said) is None
