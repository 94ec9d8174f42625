"""Texts of staff beside their answers to pages: STOP, START, HELP, and danger that is not theirs."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from hub.domain.severity import Severity
from hub.services.hub import Actor
from hub.services.incoming.keeping import keep_text
from tests.scenario.texted import SAFETY, agrees, stands
from tests.unit.alerting.clinic import ANA, LAST, SITE, Clinic, clinics


@pytest.fixture
def clinic(tmp_path: Path) -> Iterator[Clinic]:
    yield from clinics(tmp_path, replace(SITE, clinic_phone="5550100"))


@pytest.fixture
def ana(clinic: Clinic) -> Actor:
    return clinic.staff("Ana Invented", ANA)


# Staff ---------------------------------------------------------------------------------------------------------------


def test_staff_are_not_searched_for_danger(clinic: Clinic, ana: Actor) -> None:
    clinic.text(ANA, "he has chest pain, I am calling 911")
    assert clinic.all_alerts() == []


@pytest.mark.parametrize(("phone", "word"), [(ANA, "START"), (ANA, "unstop"), (LAST, "YES")])
def test_staff_who_opt_out_are_an_alarm_until_they_start_again(
    clinic: Clinic, ana: Actor, phone: str, word: str
) -> None:
    assert clinic.text(phone, "Stop.") == []
    assert clinic.all_alerts() == ["opted-out open"]
    clinic.text(phone, word)
    assert clinic.all_alerts() == ["opted-out closed"]


def test_staff_who_say_yes_to_nothing_are_not_understood(clinic: Clinic, ana: Actor) -> None:
    ((_, body),) = clinic.text(ANA, "yes")
    assert body.startswith("Not understood")


@pytest.mark.parametrize("provider", [True, False])
def test_staff_who_ask_for_help_are_told_how_to_answer(clinic: Clinic, ana: Actor, *, provider: bool) -> None:
    clinic.phones.answers_keywords = provider
    words = (
        "Riverside: pages of home monitoring. Reply a page's number with a to take it (1a) or e to pass it on (1e). "
        "https://rpm.example.org/"
    )
    assert clinic.text(ANA, "help") == ([] if provider else [("Ana", words)])


# A number that is a patient's as well --------------------------------------------------------------------------------


@pytest.mark.parametrize("phone", [ANA, LAST])
def test_danger_is_heard_where_the_number_is_a_patients_as_well(clinic: Clinic, ana: Actor, phone: str) -> None:
    patient = clinic.patient(phone=phone)
    seen = clinic.text(phone, "I have chest pain")
    assert clinic.all_alerts() == ["text-danger open"]
    assert clinic.alert().patient_id == patient.id
    assert SAFETY in [body for _, body in seen]


def test_stop_ends_both_where_the_number_is_a_patients_as_well(clinic: Clinic, ana: Actor) -> None:
    patient = agrees(clinic, ana, clinic.patient(phone=ANA))
    clinic.text(ANA, "stop")
    assert clinic.all_alerts() == ["opted-out open"]
    assert not stands(clinic, patient)


def test_an_answer_to_a_page_stays_one_where_the_number_is_a_patients_as_well(clinic: Clinic, ana: Actor) -> None:
    clinic.patient(phone=ANA)
    ((_, body),) = clinic.text(ANA, "1a")
    assert "1" in body
    assert clinic.all_alerts() == []


# Brought late --------------------------------------------------------------------------------------------------------


def test_a_bare_ack_that_is_brought_late_takes_no_page_that_came_after_it(clinic: Clinic, ana: Actor) -> None:
    patient = clinic.patient()
    clinic.finds(patient)
    clinic.tick()
    clinic.clock.forward(timedelta(minutes=3))
    said = clinic.now
    clinic.clock.forward(timedelta(minutes=13))
    clinic.finds(patient, problem="pulse-high")
    clinic.tick()
    keep_text(clinic.hub, "SM-fetched", ANA, "ack", received_at=said)
    assert "You have K7Q2" in " ".join(body for _, body in clinic.tick())
    assert clinic.alert("M3XT").acknowledged_name is None


def test_an_answer_that_is_brought_late_does_not_take_what_became_worse_since(clinic: Clinic, ana: Actor) -> None:
    patient = clinic.patient()
    clinic.finds(patient, Severity.AMBER)
    clinic.forward(121)
    said = clinic.now
    clinic.clock.forward(timedelta(minutes=1))
    clinic.finds(patient, Severity.RED)
    clinic.tick()
    keep_text(clinic.hub, "SM-fetched", ANA, "1a", received_at=said)
    assert "became worse" in " ".join(body for _, body in clinic.tick())
    assert clinic.alert().acknowledged_name is None
