"""The texts with a patient as a conversation."""

import re
from collections.abc import Callable
from datetime import timedelta

import pytest

from hub.services import consents
from tests.web.people import Person
from tests.web.talk import Talk
from tests.web.ward import NOW, Ward, Watched


def _text(html: str) -> str:
    words = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html)).replace("&#39;", "'")
    return words.replace("( ", "(").replace(" )", ")")


def _page(person: Person, watched: Watched) -> str:
    return person.get(f"/patients/{watched.id}/texts").text


def test_texts_stand_in_order_with_who_wrote_them_and_how_far_they_came(
    ana: Person, people: dict[str, Watched]
) -> None:
    words = _text(_page(ana, people["ada"]))
    asked = words.index("Check-in · Fri 20 Nov 14:04 Riverside: nothing has come")
    answer = words.index("The patient · Fri 20 Nov 14:13 131 over 82 understood as “131/82”")
    saved = words.index("Answer · Fri 20 Nov 14:13 Riverside: saved, thank you. Wrong? Reply 0. delivered")
    free = words.index("The patient · Fri 20 Nov 17:13 My son is &lt;b&gt;coming&lt;/b&gt; on Sunday")
    courtesy = words.index("Courtesy answer · Fri 20 Nov 17:13 Riverside: a nurse will read this")
    assert asked < answer < saved < free < courtesy
    assert "read by a person Fri 20 Nov 17:13" in words


def test_a_check_in_has_its_name_its_cause_and_its_end(ana: Person, people: dict[str, Watched]) -> None:
    ada = _text(_page(ana, people["ada"]))
    assert "Check-in: A blood pressure that did not come Version 1, asked Fri 20 Nov 14:04: an expected reading" in ada
    assert "Answered Fri 20 Nov 14:13" in ada
    assert "Texts with Ada Nonesuch" in ada


def test_times_are_the_patients_and_the_clinics_where_they_differ(ana: Person, people: dict[str, Watched]) -> None:
    words = _text(_page(ana, people["elsa"]))
    assert "Times are the patient's: Europe/Lisbon (UTC+00:00). The clinic is in Europe/Berlin (UTC+01:00)." in words
    assert "asked 05:04 (clinic 06:04): the reading due 03:00 (clinic 04:00) had not come" in words
    assert "Expired without an answer 11:04 (clinic 12:04)" in words
    assert "(clinic" not in _text(_page(ana, people["ada"]))


@pytest.mark.parametrize(
    ("state", "error", "says"),
    [
        ("pending", None, "waiting to be sent"),
        ("sent", None, "sent"),
        ("undelivered", "30003 the phone is off or out of reach", "not delivered: 30003 the phone is off"),
        ("failed", "21211 not a phone number", "not sent: 21211 not a phone number"),
        ("cancelled", "no consent", "cancelled: no consent"),
        ("cancelled", None, "cancelled: no longer needed"),
        ("stale", None, "too old, not sent"),
    ],
)
def test_how_far_a_text_came_is_said_in_words(
    ana: Person, ward: Ward, people: dict[str, Watched], state: str, error: str | None, says: str
) -> None:
    Talk(ward, people["ada"].id).sends("Riverside: how are you?", state=state, error=error)
    assert f"Riverside: how are you? {says}" in _text(_page(ana, people["ada"]))


def test_what_a_consent_took_with_it_says_so(ana: Person, ward: Ward, people: dict[str, Watched]) -> None:
    later = NOW + timedelta(hours=1)
    Talk(ward, people["ada"].id).sends("Riverside: how are you?", state="pending", send_after=later)
    consents.revoke(ward.hub, ward.actor("ana"), people["ada"].id, "sms", "spoken")
    words = _text(_page(ana, people["ada"]))
    assert "Check-in · 15:04 Riverside: how are you? cancelled: the consent ended" in words
    assert "Texts: ended 14:04 by word of mouth: no texts are sent" in words


def test_what_is_over_because_a_device_measured_says_so(ana: Person, ward: Ward, people: dict[str, Watched]) -> None:
    talk = Talk(ward, people["bruno"].id)
    with ward.hub.unit_of_work() as uow:
        version = uow.checkins.all_current()[-1].version_id
    number = talk.opens(version, "schedule")
    talk.sends("Riverside: how are you?", talk=number, state="cancelled")
    talk.ends(number, "measured")
    words = _text(_page(ana, people["bruno"]))
    assert "asked 14:04: as planned" in words
    assert "cancelled: the reading came from a device" in words
    assert "Over: the reading came from a device 14:04" in words


def test_an_unread_text_is_marked_as_read_and_the_page_comes_back(
    sign_in: Callable[[str], Person], ward: Ward, people: dict[str, Watched]
) -> None:
    number = Talk(ward, people["ada"].id).hears("can somebody <i>ring</i> me", media=2)
    ana = sign_in("ana")
    page = _page(ana, people["ada"])
    assert "1 text unread." in _text(page)
    assert f'href="#text-in-{number}"' in page
    assert "2 pictures came with it: see it at the provider unread: not understood" in _text(page)
    chart = ana.get(f"/patients/{people['ada'].id}").text
    assert "1 unread" in _text(chart.split('id="texts-title"')[1].split("</section>")[0])
    answer = ana.post(f"/texts/{number}/read", back=str(people["ada"].id))
    assert answer.location == f"/patients/{people['ada'].id}/texts#text-in-{number}"
    assert ana.post(f"/texts/{number}/read", back="9" * 5000).location == "/"
    page = _text(_page(ana, people["ada"]))
    assert "unread" not in page
    assert "read by a person 14:04" in page


def test_words_of_danger_are_marked_where_they_stand(ana: Person, ward: Ward, people: dict[str, Watched]) -> None:
    Talk(ward, people["ada"].id).hears("I have chest pain")
    assert "▲ words of danger: chest pain" in _text(_page(ana, people["ada"]))


def test_what_was_withdrawn_says_when(ana: Person, ward: Ward, people: dict[str, Watched]) -> None:
    with ward.hub.unit_of_work() as uow:
        last = uow.conversations.last_answer(people["ada"].id, NOW - timedelta(days=9))
        assert last is not None
        uow.conversations.withdraw(last.id, NOW - timedelta(days=2) + timedelta(minutes=20))
        uow.commit()
    assert "understood as “131/82”, withdrawn by the patient Fri 20 Nov 14:24" in _text(_page(ana, people["ada"]))


def test_a_number_that_several_have_is_no_ones(ana: Person, ward: Ward, people: dict[str, Watched]) -> None:
    kim = ward.patient("Kim Invented", "RV-101199", (), (), phone="+15555550111")
    Talk(ward, people["ada"].id).hears("late today", whose=False)
    for one in (people["ada"], kim):
        words = _text(_page(ana, one))
        assert "1 other patient has this number" in words
        assert "From this number, which several patients have · 14:04 late today" in words


def test_nothing_yet_says_why_and_what_is_next(ana: Person, ward: Ward, people: dict[str, Watched]) -> None:
    assert "No texts: the patient has no phone number." in _text(_page(ana, people["farid"]))
    assert "No texts: no consent to texts stands." in _text(_page(ana, people["cora"]))
    consents.give(ward.hub, ward.actor("ana"), people["cora"].id, "sms", "Yes.", "paper")
    assert "no check-in is in force for this patient" in _text(_page(ana, people["cora"]))
    consents.give(ward.hub, ward.actor("ana"), people["dario"].id, "sms", "Yes.", "paper")
    assert "The check-ins below are asked when their time comes" in _text(_page(ana, people["dario"]))


def test_check_ins_in_force_say_when_and_why_not(ana: Person, ward: Ward, people: dict[str, Watched]) -> None:
    def section(name: str) -> str:
        chart = ana.get(f"/patients/{people[name].id}").text
        return _text(chart.split("Check-ins in force")[1].split("</section>")[0])

    ada, dario = section("ada"), section("dario")
    assert "version 1, signed by Dr Imaginary when an expected blood pressure reading is late" in ada
    assert "not asked" not in ada
    assert "daily 09:00, the patient's time not asked: no consent" in dario
    assert "Check-ins in force" not in ana.get(f"/patients/{people['cora'].id}").text


def test_a_check_in_that_goes_on_after_other_texts_ends_once(
    ana: Person, ward: Ward, people: dict[str, Watched]
) -> None:
    bruno = Talk(ward, people["bruno"].id)
    with ward.hub.unit_of_work() as uow:
        version = uow.checkins.all_current()[0].version_id
    first = bruno.opens(version, "schedule")
    bruno.sends("Riverside: how is your breathing today?", talk=first)
    bruno.ends(first, "answered")
    ward.clock.forward(timedelta(minutes=3))
    bruno.hears("by the way, the cuff is new")
    ward.clock.forward(timedelta(minutes=3))
    bruno.hears("2", "check-in answer", answer=(first, "breathing", '"2"'))
    words = _text(_page(ana, people["bruno"]))
    assert words.count("Answered 14:04") == 1
    assert "It goes on below." in words
    assert "Continued. Version 1, asked 14:04: as planned" in words
    assert "understood as “a bit worse” Answered 14:04" in words


def test_an_answer_that_was_taken_back_is_no_answer(ana: Person, ward: Ward, people: dict[str, Watched]) -> None:
    bruno = Talk(ward, people["bruno"].id)
    with ward.hub.unit_of_work() as uow:
        version = uow.checkins.all_current()[0].version_id
    talk = bruno.opens(version, "schedule")
    bruno.sends("Riverside: how is your breathing today?", talk=talk)
    bruno.hears("1", "check-in answer", answer=(talk, "breathing", '"1"'))
    bruno.ends(talk, "answered")
    ward.clock.forward(timedelta(minutes=3))
    with ward.hub.unit_of_work() as uow:
        uow.conversations.withdraw(uow.conversations.answers(talk)[0].id, ward.clock.now())
        uow.commit()
    bruno.hears("0", "check-in answer")
    words = _text(_page(ana, people["bruno"]))
    assert "Answered 14:04, then taken back: no answer stands" in words
    assert "0 understood: takes the answer before it back" in words


def test_older_unread_texts_are_counted_too(ana: Person, ward: Ward, people: dict[str, Watched]) -> None:
    talk = Talk(ward, people["ada"].id)
    for number in range(203):
        talk.hears(f"text {number}")
    words = _text(_page(ana, people["ada"]))
    assert "203 texts unread. Go to the first Older ones are on the worklist ." in words
    assert "these are the newest 200" in words
    assert "203 unread" in _text(ana.get(f"/patients/{people['ada'].id}").text)


def test_the_chart_shows_the_newest_exchange(ana: Person, people: dict[str, Watched]) -> None:
    chart = ana.get(f"/patients/{people['elsa'].id}").text
    words = _text(chart.split('id="texts-title"')[1].split("</section>")[0])
    assert "Check-in: A blood pressure that did not come" in words
    assert "Expired without an answer 11:04 (clinic 12:04)" in words
    assert f'href="/patients/{people["elsa"].id}/texts"' in chart


def test_an_unknown_patient_has_no_texts(ana: Person) -> None:
    assert ana.get("/patients/999/texts").status_code == 404
