"""Escalation as the phones see it: time is moved, and every text that is not expected fails the test."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select

from hub.adapters.sql.reads.stories import story
from hub.adapters.sql.tables.measurements import finding
from hub.adapters.sql.tables.operations import audit
from hub.domain.severity import Severity
from hub.errors import Conflict
from hub.services.acknowledge import acknowledge, pass_on
from hub.services.contact import chart_opened, record_contact
from hub.services.hub import Actor
from hub.services.ports.alerting import AlertEvent
from hub.services.resolve import resolve
from tests.unit.alerting.clinic import ANA, BEN, LAST, Clinic, clinics

URL = "https://rpm.example.org/a/K7Q2"


def page(at: str, then: str, *, who: str = "Next person is paged", severity: str = "RED", digit: int = 1) -> str:
    how = f"Reply {digit}a to take it, {digit}e to pass on."
    return f"Riverside {severity} {at} ref K7Q2. {how} {who} {then}. Open {URL}"


@pytest.fixture
def clinic(tmp_path: Path) -> Iterator[Clinic]:
    yield from clinics(tmp_path)


@pytest.fixture
def ana(clinic: Clinic) -> Actor:
    return clinic.staff("Ana Example", ANA)


@pytest.fixture
def ben(clinic: Clinic, ana: Actor) -> Actor:
    return clinic.staff("Ben Sample", BEN, "physician")


@pytest.mark.usefixtures("ben")
def test_a_red_that_nobody_answers_pages_the_chain_and_then_the_last_resort_for_ever(clinic: Clinic) -> None:
    clinic.finds(clinic.patient())
    assert clinic.tick() == [("Ana", page("07:04", "07:09"))]
    assert clinic.forward(39) == [
        (5, "Ben", page("07:04", "07:14")),
        (10, "last resort", page("07:04", "07:24", who="We page you again")),
        (20, "last resort", page("07:04", "07:34", who="We page you again")),
        (30, "last resort", page("07:04", "07:44", who="We page you again")),
    ]
    assert clinic.transitions() == ["OPEN-1", "ESC-1", "ESC-1", "ESC-1", "ESC-2", "ESC-2"]
    assert clinic.alert().next_page_at is not None


@pytest.mark.usefixtures("ben")
def test_taking_it_by_text_stops_the_pages_and_stands_the_others_down(clinic: Clinic) -> None:
    clinic.finds(clinic.patient())
    clinic.tick()
    clinic.forward(5)
    assert clinic.text(BEN, "1a") == [
        ("Ana", "K7Q2 is with Ben since 07:09. You need do nothing."),
        ("Ben", "You have K7Q2. Contact the patient by 07:39 and record it on the page, or we page again."),
    ]
    assert clinic.forward(14) == []
    assert clinic.transitions() == ["OPEN-1", "ESC-1", "ESC-1", "ACK-2"]


@pytest.mark.usefixtures("ben")
def test_a_page_that_was_not_sent_yet_is_cancelled_by_the_acknowledgement(clinic: Clinic, ana: Actor) -> None:
    clinic.finds(clinic.patient())
    clinic.take(ana)
    assert clinic.tick() == []
    assert clinic.outbox() == [("page", "cancelled")]


@pytest.mark.usefixtures("ana", "ben")
def test_a_late_answer_hears_who_has_it(clinic: Clinic) -> None:
    clinic.finds(clinic.patient())
    clinic.tick()
    clinic.forward(5)
    clinic.text(BEN, "1a")
    clinic.clock.forward(timedelta(minutes=1))
    assert clinic.text(ANA, "1a") == [("Ana", "K7Q2 is with Ben since 07:09. You need do nothing.")]
    assert clinic.alert().acknowledged_name == "Ben Sample"


@pytest.mark.usefixtures("ana", "ben")
def test_passing_on_pages_the_next_person_now(clinic: Clinic) -> None:
    clinic.finds(clinic.patient())
    clinic.tick()
    clinic.clock.forward(timedelta(minutes=1))
    assert clinic.text(ANA, "1e") == [
        ("Ben", page("07:04", "07:10")),
        ("Ana", "K7Q2 is passed on. You need do nothing."),
    ]
    assert clinic.text(ANA, "1 E.") == [("Ana", "K7Q2 was not passed on: it has gone on to Ben Sample. " + URL)]
    assert clinic.forward(5) == [(6, "last resort", page("07:04", "07:20", who="We page you again"))]


@pytest.mark.usefixtures("ben")
def test_who_took_it_may_give_it_back_and_the_next_person_is_paged(clinic: Clinic, ana: Actor) -> None:
    clinic.finds(clinic.patient())
    clinic.tick()
    clinic.take(ana)
    pass_on(clinic.hub, ana, "K7Q2")
    assert clinic.tick() == [("Ben", page("07:04", "07:09"))]
    assert clinic.transitions()[-2:] == ["PASS-2", "ESC-1"]


@pytest.mark.usefixtures("ana")
def test_the_last_resort_may_take_it_too(clinic: Clinic) -> None:
    clinic.finds(clinic.patient())
    clinic.tick()
    clinic.forward(5)
    assert clinic.text(LAST, "1A") == [
        ("Ana", "K7Q2 is with the last resort since 07:09. You need do nothing."),
        ("last resort", "You have K7Q2. Contact the patient by 07:39 and record it on the page, or we page again."),
    ]


def test_two_nurses_take_it_at_once_and_the_loser_is_told_who_was_first(clinic: Clinic, ana: Actor, ben: Actor) -> None:
    clinic.finds(clinic.patient())
    clinic.tick()
    acknowledge(clinic.hub, ana, "K7Q2")
    clinic.clock.forward(timedelta(seconds=10))
    with pytest.raises(Conflict, match="Ana Example acknowledged 10 s ago"):
        acknowledge(clinic.hub, ben, "K7Q2")
    assert clinic.alert().acknowledged_by == ana.staff_id


def test_an_acknowledgement_without_the_chart_opened_lapses_after_15_minutes(
    clinic: Clinic, ana: Actor, ben: Actor
) -> None:
    clinic.finds(clinic.patient())
    clinic.tick()
    clinic.take(ana)
    assert clinic.forward(20) == [(15, "Ana", page("07:04", "07:24")), (20, "Ben", page("07:04", "07:29"))]
    assert clinic.transitions()[2:] == ["ACK-1", "LAPSE-1", "ESC-1", "ESC-1"]


def test_with_the_chart_opened_it_lapses_after_30_minutes_without_a_contact(clinic: Clinic, ana: Actor) -> None:
    patient = clinic.patient()
    clinic.finds(patient)
    clinic.tick()
    clinic.take(ana)
    assert chart_opened(clinic.hub, ana, patient.id)
    assert clinic.forward(30) == [(30, "Ana", page("07:04", "07:39"))]
    assert clinic.transitions()[2:] == ["ACK-1", "CHART-1", "LAPSE-2", "ESC-1"]


def test_the_chart_opened_by_somebody_else_keeps_nothing_alive(clinic: Clinic, ana: Actor, ben: Actor) -> None:
    patient = clinic.patient()
    clinic.finds(patient)
    clinic.tick()
    clinic.take(ana)
    assert not chart_opened(clinic.hub, ben, patient.id)
    assert [who for _, who, _ in clinic.forward(15)] == ["Ana"]


def test_a_contact_and_a_resolution_end_it(clinic: Clinic, ana: Actor, ben: Actor) -> None:
    clinic.finds(clinic.patient())
    clinic.tick()
    clinic.take(ana)
    record_contact(clinic.hub, ana, "K7Q2", "phone", True, "feels better")
    assert clinic.forward(60, every=10) == []
    resolve(clinic.hub, ana, "K7Q2", "true", "spoke to the patient")
    assert clinic.forward(300, every=30) == []
    assert clinic.transitions()[2:] == ["ACK-1", "CON-1", "RES-1"]


def test_worse_pages_through_the_acknowledgement(clinic: Clinic, ana: Actor, ben: Actor) -> None:
    patient = clinic.patient()
    clinic.finds(patient, inputs={"oxygen_saturation": "88 % at 07:04"})
    clinic.tick()
    clinic.take(ana)
    clinic.clock.forward(timedelta(minutes=3))
    clinic.finds(patient, inputs={"oxygen_saturation": "87 % at 07:07"})
    assert clinic.tick() == []
    clinic.finds(patient, inputs={"oxygen_saturation": "86 % at 07:07"})
    assert clinic.tick() == [("Ana", page("07:07", "07:12"))]
    assert clinic.transitions()[2:] == ["ACK-1", "ADD-1", "WORSE-1", "ESC-1"]


def test_an_amber_that_becomes_red_pages_at_once_whoever_had_the_amber(clinic: Clinic, ana: Actor) -> None:
    patient = clinic.patient()
    clinic.finds(patient, Severity.AMBER)
    assert clinic.forward(1) == []
    seen = clinic.take(ana).version
    clinic.finds(patient, Severity.RED)
    assert clinic.tick() == [("Ana", page("07:05", "07:10"))]
    with pytest.raises(Conflict, match="it became worse since you looked"):
        acknowledge(clinic.hub, ana, "K7Q2", seen_version=seen)


def test_an_answer_to_the_amber_page_does_not_take_the_red(clinic: Clinic, ana: Actor, ben: Actor) -> None:
    patient = clinic.patient()
    clinic.finds(patient, Severity.AMBER)
    amber = [
        (120, "Ana", page("07:04", "09:19", severity="AMBER")),
        (135, "Ben", page("07:04", "09:34", severity="AMBER")),
    ]
    assert clinic.forward(136) == amber
    clinic.finds(patient, Severity.RED)
    assert clinic.tick() == [("Ana", page("09:20", "09:25"))]
    again = f"K7Q2 became worse 09:20: it is RED now. Reply 1a again to take it. {URL}"
    assert clinic.text(BEN, "1a") == [("Ben", again)]
    assert clinic.alert().acknowledged_name is None
    assert [who for who, _ in clinic.text(BEN, "1a")] == ["Ana", "Ben"]
    assert clinic.alert().acknowledged_name == "Ben Sample"


def test_a_resolved_problem_that_comes_back_is_a_new_alert(clinic: Clinic, ana: Actor) -> None:
    patient = clinic.patient()
    first = clinic.finds(patient)
    clinic.tick()
    record_contact(clinic.hub, ana, "K7Q2", "phone", True)
    resolve(clinic.hub, ana, "K7Q2", "technique")
    with pytest.raises(Conflict, match="Ana Example resolved it 0 s ago"):
        acknowledge(clinic.hub, ana, "K7Q2")
    assert clinic.finds(patient) != first
    assert [body[:46] for _, body in clinic.tick()] == ["Riverside RED 07:04 ref M3XT. Reply 2a to take"]
    assert clinic.text(ANA, "1a") == [
        ("Ana", "Page 1 was K7Q2: Ana Example resolved it 0 s ago. You need do nothing."),
    ]


def test_resolving_an_open_red_tells_everybody_who_was_paged(clinic: Clinic, ana: Actor, ben: Actor) -> None:
    clinic.finds(clinic.patient())
    clinic.tick()
    resolve(clinic.hub, ben, "K7Q2", "no_contact", "rang three times, asked the police to look")
    assert clinic.forward(1) == [(1, "Ana", "K7Q2 is over: resolved by Ben Sample. You need do nothing.")]
    assert clinic.forward(30, every=5) == []


def test_an_amber_waits_two_hours_on_the_worklist_and_a_low_for_ever(clinic: Clinic, ana: Actor) -> None:
    patient = clinic.patient()
    clinic.finds(patient, Severity.LOW, problem="weight-up")
    clinic.finds(patient, Severity.AMBER, problem="pulse-high")
    assert [(at, who) for at, who, _ in clinic.forward(500, every=5)] == [
        (120, "Ana"),
        (135, "last resort"),
        (255, "last resort"),
        (375, "last resort"),
        (495, "last resort"),
    ]


def test_the_care_manager_is_first_and_a_member_without_a_phone_is_left_out(clinic: Clinic, ana: Actor) -> None:
    clinic.staff("Nora Nophone", None)
    manager = clinic.staff("Mia Manager", BEN, "social_worker")
    clinic.finds(clinic.patient(care_manager_id=manager.staff_id))
    clinic.tick()
    assert [step.name for step in clinic.alert().chain.steps] == [
        "Mia Manager",
        "Ana Example",
        "the last resort",
    ]


def test_an_old_reading_says_how_old(clinic: Clinic, ana: Actor) -> None:
    clinic.finds(clinic.patient(), at=clinic.now - timedelta(hours=2, minutes=10))
    assert clinic.tick()[0][1].startswith("Riverside RED 07:04 (reading 2 h 10 min old) ref K7Q2. Reply 1a")


def test_a_technical_red_pages_operators_and_then_the_last_resort(clinic: Clinic, ana: Actor) -> None:
    clinic.staff("Olga Operator", BEN, "operator")
    clinic.technical(Severity.AMBER, "gateway:g-2")
    clinic.technical(Severity.RED)
    assert [(who, body[:32]) for who, body in clinic.tick()] == [("Ben", "Riverside SYSTEM RED 07:04 ref M")]
    assert [(at, who) for at, who, _ in clinic.forward(10)] == [(5, "last resort")]


def test_a_device_that_sends_every_second_adds_one_line_a_minute(clinic: Clinic, ana: Actor) -> None:
    patient = clinic.patient()
    for number in range(130):
        clinic.finds(patient, reading_id=16 * (number + 1))
        clinic.clock.forward(timedelta(seconds=1))
    assert clinic.transitions().count("ADD-1") == 3
    with clinic.engine.connect() as connection:
        audited = connection.execute(select(audit.c.act)).scalars().all()
        kept = connection.execute(select(func.count()).select_from(finding)).scalar_one()
    assert audited.count("alert.ADD-1") == 3
    assert kept == clinic.alert().findings == 130


def test_a_story_is_bounded_and_keeps_what_people_did(clinic: Clinic, ana: Actor) -> None:
    clinic.finds(clinic.patient())
    clinic.take(ana)
    with clinic.hub.unit_of_work() as uow:
        for number in range(700):
            uow.alerts.note(1, AlertEvent(clinic.now, "ADD-1", "hub", str(number)))
        uow.commit()
    with clinic.engine.connect() as connection:
        page = story(connection, "K7Q2", clinic.now)
    assert page is not None
    lines = [event.transition for event in page.events]
    assert lines[:2] == ["OPEN-1", "ESC-1"]
    assert "ACK-1" in lines
    assert len(lines) == 503
    assert page.events[-1].words == "699"
