"""Consent on the chart: what stands, what was, and how it is recorded and ended."""

import re

import pytest

from hub.services import consents
from tests.web.people import Person
from tests.web.ward import Ward, Watched

WORDS = "Riverside may text me about my readings."


def _text(html: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html))


def _texts_line(html: str) -> str:
    return _text(html.split("<dt>Texts</dt>")[1].split("</div>")[0]).strip()


def _section(html: str) -> str:
    return _text(html.split('id="consent-title"')[1].split("</section>")[0])


def test_the_facts_say_whether_texts_may_be_sent(ana: Person, people: dict[str, Watched]) -> None:
    ada, bruno = (ana.get(f"/patients/{people[name].id}").text for name in ("ada", "bruno"))
    assert _texts_line(ada).startswith("agreed Fri 6 Nov 08:04, on paper")
    assert _texts_line(bruno).startswith("none: no texts are sent")


def test_the_ledger_holds_words_source_number_and_who(ana: Person, people: dict[str, Watched]) -> None:
    words = _section(ana.get(f"/patients/{people['ada'].id}").text)
    assert "Texts number …0111 · stands You may text me." in words
    assert "Given Fri 6 Nov 08:04 on paper, recorded by Ana Example." in words


def test_a_consent_is_recorded_and_ended_and_both_stay(ana: Person, people: dict[str, Watched]) -> None:
    one = people["bruno"].id
    page = ana.get(f"/patients/{one}").text
    assert "Riverside may send texts to my phone +15555550112" in page
    assert "In an emergency I call 112." in page
    answer = ana.post(f"/patients/{one}/consents", scope="sms", wording=WORDS, source="spoken")
    assert (answer.status_code, answer.location) == (303, f"/patients/{one}?done=consent#consent")
    page = ana.get(answer.location).text
    assert "Consent recorded." in page
    assert _texts_line(page).startswith("agreed 14:04, by word of mouth")
    ended = ana.post(f"/patients/{one}/consents/end", scope="sms", end_source="paper")
    assert ended.status_code == 303
    page = ana.get(ended.location).text
    assert _texts_line(page).startswith("ended 14:04 on paper: no texts are sent")
    words = _section(page)
    assert f"ended {WORDS} Given 14:04 by word of mouth, recorded by Ana Invented." in words
    assert "Ended 14:04 on paper, recorded by Ana Invented." in words


@pytest.mark.parametrize(
    ("field", "sent", "says"),
    [
        ("source", {"source": ""}, "Choose how the patient said so."),
        ("source", {"source": "command line"}, "Choose how the patient said so."),
        ("wording", {"wording": " "}, "Write what was agreed to"),
        ("wording", {"wording": "x " * 251}, "at most 500 characters"),
        ("wording", {"wording": "ok"}, "Write the sentence that the patient agreed to"),
        ("scope", {"scope": ""}, "Choose what the patient agreed to."),
        ("scope", {"scope": "everything"}, "Must be one of"),
    ],
)
def test_what_is_wrong_stands_beside_its_field_with_what_was_typed(
    ana: Person, people: dict[str, Watched], field: str, sent: dict[str, str], says: str
) -> None:
    fields = {"scope": "sms", "wording": WORDS, "source": "paper"} | sent
    answer = ana.post(f"/patients/{people['bruno'].id}/consents", **fields)
    assert answer.status_code == 422
    assert f'id="{field}-wrong">' in answer.text
    assert says in _section(answer.text)
    assert f'href="#{field}"' in answer.text
    assert fields["wording"] in answer.text


def test_words_about_texts_are_no_consent_to_anything_else(ana: Person, people: dict[str, Watched]) -> None:
    one = people["bruno"].id
    proposal = re.search(r'data-wording="([^"]+)"', ana.get(f"/patients/{one}").text)
    assert proposal
    refused = ana.post(f"/patients/{one}/consents", scope="sharing", wording=proposal[1], source="paper")
    assert "These words are about texts." in _section(refused.text)
    assert (
        ana.post(
            f"/patients/{one}/consents", scope="sharing", wording="My son may see them.", source="paper"
        ).status_code
        == 303
    )


def test_what_was_done_is_said_where_it_was_done(ana: Person, people: dict[str, Watched]) -> None:
    answer = ana.post(f"/patients/{people['bruno'].id}/consents", scope="sms", wording=WORDS, source="spoken")
    assert "Consent recorded." in _section(ana.get(answer.location).text)


def test_beside_a_consent_to_texts_nothing_is_chosen_beforehand(ana: Person, people: dict[str, Watched]) -> None:
    page = ana.get(f"/patients/{people['ada'].id}").text
    form = page.split('id="consent-form"')[1].split("</form>")[0]
    assert '<option value="" data-wording="">choose</option>' in form
    assert re.search(r"<textarea[^>]*></textarea>", form)


def test_a_consent_is_not_recorded_for_a_number_that_nobody_saw(ana: Person, people: dict[str, Watched]) -> None:
    """Somebody else changed it between the page and the form."""
    one = people["bruno"].id
    assert 'name="seen_phone" value="+15555550112"' in ana.get(f"/patients/{one}").text
    assert ana.post(f"/patients/{one}/phone", phone="+15555550119").status_code == 303
    fields = {"scope": "sms", "wording": WORDS, "source": "paper", "seen_phone": "+15555550112"}
    answer = ana.post(f"/patients/{one}/consents", **fields)
    assert answer.status_code == 409
    assert _texts_line(ana.get(f"/patients/{one}").text).startswith("none")


def test_how_it_ended_must_be_said_and_nothing_ends_twice(ana: Person, people: dict[str, Watched]) -> None:
    one = people["ada"].id
    refused = ana.post(f"/patients/{one}/consents/end", scope="sms", end_source="")
    assert refused.status_code == 422
    assert 'id="end-sms-wrong">Choose how the patient said so.' in refused.text
    assert ana.post(f"/patients/{one}/consents/end", scope="sms", end_source="spoken").status_code == 303
    again = ana.post(f"/patients/{one}/consents/end", scope="sms", end_source="spoken")
    assert again.status_code == 409
    assert "No such consent stands." in again.text


def test_another_number_needs_another_consent(ana: Person, people: dict[str, Watched]) -> None:
    one = people["ada"].id
    refused = ana.post(f"/patients/{one}/phone", phone="0151 555")
    assert refused.status_code == 422
    assert 'id="phone-wrong">Must be a number in international form' in refused.text
    assert 'value="0151 555"' in refused.text
    answer = ana.post(f"/patients/{one}/phone", phone="+1 555 555 0122")
    page = ana.get(answer.location).text
    assert "Texts to it need a consent of their own." in page
    assert 'href="tel:+15555550122"' in page
    assert "because the number changed: no texts are sent" in _texts_line(page)
    ana.post(f"/patients/{one}/phone", phone="")
    page = ana.get(f"/patients/{one}").text
    assert "Texts are not in this list: the patient has no phone number yet." in page


def test_a_number_that_sent_stop_is_blocked_by_the_provider_whatever_is_recorded(
    ana: Person, ward: Ward, people: dict[str, Watched]
) -> None:
    one = people["ada"].id
    with ward.hub.unit_of_work() as uow:
        consents.end(uow, one, "sms", "text", "hub", ward.clock.now())
        uow.commit()
    page = ana.get(f"/patients/{one}").text
    assert _texts_line(page).startswith("ended 14:04 by text (STOP): no texts are sent")
    assert "Unless the patient has sent START from that phone since" in _section(page)
    ana.post(f"/patients/{one}/consents", scope="sms", wording=WORDS, source="paper")
    page = ana.get(f"/patients/{one}").text
    assert "Unless the patient has sent START from that phone since" in _section(page)
    assert _texts_line(page).startswith("agreed 14:04, on paper; the provider may block them since STOP")
    with ward.hub.unit_of_work() as uow:
        consents.end(uow, one, "sms", "spoken", "Ana Invented", ward.clock.now())
        uow.consents.give(one, "sms", WORDS, "text", "the patient", ward.clock.now(), "+15555550111")
        uow.commit()
    words = _section(ana.get(f"/patients/{one}").text)
    assert "Unless the patient has sent START" not in words
    assert "Given 14:04 by text (START)." in words


def test_nobody_records_anything_for_a_patient_whose_monitoring_has_ended(
    ana: Person, people: dict[str, Watched]
) -> None:
    one = people["ada"].id
    ana.post(f"/patients/{one}/end", reason="moved", sure="yes")
    words = _section(ana.get(f"/patients/{one}").text)
    assert "You may text me." in words
    assert "Record a consent" not in words
    assert "Change the phone number" not in words
