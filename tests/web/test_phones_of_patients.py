"""Patients' phones in the demo: after staff's, with the answers their question offers, folded while nothing came."""

import re
from datetime import timedelta

from hub.services.incoming.keeping import keep_text
from tests.web.people import Person
from tests.web.talk import Talk
from tests.web.ward import Ward, Watched


def _text(html: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html))


def _phone(page: str, number: str) -> str:
    return page.split(f'id="phone-{number}"')[1].split("</section>")[0]


def _buttons(page: str, number: str) -> list[str]:
    return re.findall(r'name="body" value="([^"]+)">', _phone(page, number))


def _asked(ward: Ward, watched: Watched, checkin: str) -> None:
    """Dario's phone gets what the hub sends."""
    with ward.hub.unit_of_work() as uow:
        version = next(one for one in uow.checkins.all_current() if one.checkin.id == checkin)
        one = uow.patients.get(watched.id)
        uow.consents.give(one.id, "sms", "Yes.", "paper", "Ana Invented", ward.clock.now(), one.phone)
        uow.commit()
    talk = Talk(ward, watched.id)
    number = talk.opens(version.version_id, "schedule")
    body = version.checkin.steps[0].ask.replace("{clinic}", "Riverside").replace("{emergency}", "112")
    sent = talk.sends(f"{body} STOP to end.", talk=number)
    ward.hub.channel.send(sent, talk.phone, f"{body} STOP to end.", ward.clock.now())


def test_phones_without_a_text_are_folded_and_stand_last(ana: Person) -> None:
    page = ana.get("/phones/").text
    shown, folded = page.split('<details class="silent">')
    assert re.search(r"Patients&#39; phones without a text \(\d\)|Patients' phones without a text \(\d\)", folded)
    assert "Ada Nonesuch" not in folded  # she has written
    assert shown.index("phone-15555550101") < shown.index("phone-15555550199") < shown.index("phone-15555550111")
    assert "Dario Fictional" in folded
    assert "whatever is written here reaches the hub too" in folded


def test_the_options_of_the_open_question_are_buttons(ana: Person, ward: Ward, people: dict[str, Watched]) -> None:
    _asked(ward, people["dario"], "daily-breathing")
    page = ana.get("/phones/").text
    assert _buttons(page, "15555550114") == ["1", "2", "3", "STOP"]
    assert "2: a bit worse" in _text(_phone(page, "15555550114"))
    ward.clock.forward(timedelta(minutes=1))
    assert ana.post("/phones/reply", phone="+15555550114", body="2").status_code == 303
    assert _buttons(ana.get("/phones/").text, "15555550114") == []
    ward.tick()
    assert "understood as “a bit worse”" in _text(ana.get(f"/patients/{people['dario'].id}/texts").text)


def test_the_example_of_a_question_is_a_button_too(ana: Person, ward: Ward, people: dict[str, Watched]) -> None:
    _asked(ward, people["gita"], "missed-pressure")
    page = ana.get("/phones/").text
    assert _buttons(page, "15555550117") == ["120/80", "9", "STOP"]
    assert "9: I cannot" in _text(_phone(page, "15555550117"))


def test_a_household_names_both(ana: Person, ward: Ward) -> None:
    ward.patient("Kim Invented", "RV-101199", (), (), phone="+15555550114")
    keep_text(ward.hub, "p-1", "+15555550114", "hello")
    assert "Dario Fictional, Kim Invented patient · +15555550114" in _text(
        _phone(ana.get("/phones/").text, "15555550114")
    )
