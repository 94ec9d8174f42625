"""Danger in a text that comes in (SF16): a red from anybody, before all else, and an answer at once."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import select, update

from hub.adapters.sql.tables.measurements import finding
from hub.adapters.sql.tables.people import patient as patient_table
from hub.domain.patients import Monitoring, Patient
from hub.services.acknowledge import acknowledge
from hub.services.contact import record_contact
from hub.services.hub import Actor
from tests.scenario.texted import (
    MINUTE,
    PAT,
    SAFETY,
    STOPPED,
    STRANGER,
    agrees,
    patients_only,
    stands,
    unread,
)
from tests.unit.alerting.clinic import ANA, SITE, Clinic, clinics


@pytest.fixture
def clinic(tmp_path: Path) -> Iterator[Clinic]:
    yield from clinics(tmp_path, replace(SITE, clinic_phone="5550100"))


@pytest.fixture
def ana(clinic: Clinic) -> Actor:
    return clinic.staff("Ana Invented", ANA)


@pytest.fixture
def pat(clinic: Clinic, ana: Actor) -> Patient:
    return agrees(clinic, ana, clinic.patient(phone=PAT, care_manager_id=ana.staff_id))


# Danger --------------------------------------------------------------------------------------------------------------


def test_danger_pages_and_is_answered_at_once(clinic: Clinic, ana: Actor) -> None:
    patient = clinic.patient(phone=PAT)  # who never consented is told to call for help all the same
    seen = clinic.text(PAT, "chest pian since 7")
    assert (PAT, SAFETY) in seen
    assert {who for who, _ in seen} == {"Ana", PAT}
    alert = clinic.alert()
    assert (alert.problem, alert.subject, alert.patient_id) == ("text-danger", f"patient:{patient.id}", patient.id)
    assert (alert.red, alert.kind) == (True, "clinical")
    assert alert.sentence == "A text from the patient's phone speaks of chest pain: “chest pian since 7”"
    assert unread(clinic) == [(patient.id, "chest pian since 7")]
    with clinic.engine.connect() as connection:
        rests_on = connection.execute(select(finding.c.inputs)).scalar_one()
    assert "chest pian since 7" in str(rests_on)


def test_no_word_of_a_danger_text_is_in_any_message(clinic: Clinic, pat: Patient) -> None:
    for _, body in clinic.text(PAT, "chest pain, Pat Invented"):
        assert "chest" not in body
        assert "Pat" not in body


def test_danger_is_followed_by_no_courtesy(clinic: Clinic, pat: Patient) -> None:
    assert patients_only(clinic.text(PAT, "I feel faint")) == [(PAT, SAFETY)]


def test_the_same_danger_again_attaches_and_pages_whoever_took_it_again(
    clinic: Clinic, ana: Actor, pat: Patient
) -> None:
    clinic.text(PAT, "chest pain")
    clinic.clock.forward(MINUTE)
    assert [who for who, _ in clinic.text(PAT, "chest pain")] == [PAT]  # her page waits to be answered
    assert clinic.transitions() == ["OPEN-1", "ESC-1", "ADD-1"]
    for body in ("chest pain", "it hurts more, chest pain"):
        acknowledge(clinic.hub, ana, "K7Q2")
        record_contact(clinic.hub, ana, "K7Q2", "phone", reached=True)
        clinic.tick()
        clinic.clock.forward(2 * MINUTE)
        assert "Ana" in [who for who, _ in clinic.text(PAT, body)]
        assert clinic.transitions()[-2:] == ["WORSE-1", "ESC-1"]
    assert clinic.all_alerts() == ["text-danger open"]
    assert "it hurts more" in clinic.alert().sentence


def test_danger_from_a_stranger_is_a_red_about_nobody(clinic: Clinic, ana: Actor) -> None:
    seen = clinic.text(STRANGER, "I can't breathe")
    assert (STRANGER, SAFETY) in seen
    assert "Ana" in [who for who, _ in seen]
    alert = clinic.alert()
    assert (alert.patient_id, alert.red, alert.subject) == (None, True, f"phone:{STRANGER}")
    assert "which is no patient's phone, speaks of hard to breathe" in alert.sentence
    assert unread(clinic) == [(None, "I can't breathe")]


def test_danger_from_a_shared_number_names_whose_it_may_be(clinic: Clinic, ana: Actor, pat: Patient) -> None:
    agrees(clinic, ana, clinic.patient(mrn="B2", phone=PAT))
    with clinic.engine.begin() as connection:
        connection.execute(update(patient_table).where(patient_table.c.mrn == "B2").values(name="Kim Invented"))
    seen = clinic.text(PAT, "passed out")
    assert (PAT, SAFETY) in seen
    assert "Pat Invented or Kim Invented: whose?" in clinic.alert().sentence
    assert clinic.alert().patient_id is None


@pytest.mark.parametrize("state", [Monitoring.INVITED, Monitoring.PAUSED, Monitoring.ENDED])
def test_danger_pages_whatever_the_patients_state(clinic: Clinic, pat: Patient, state: Monitoring) -> None:
    clinic.set_state(pat, state)
    seen = clinic.text(PAT, "I want to die")
    assert [who for who, _ in seen if who == "Ana"]
    assert (PAT, SAFETY) in seen


def test_danger_and_stop_in_one_text_are_both_heeded(clinic: Clinic, pat: Patient) -> None:
    body = "chest pain, stop texting me"
    assert patients_only(clinic.text(PAT, body)) == [(PAT, SAFETY), (PAT, STOPPED)]
    assert clinic.alert().problem == "text-danger"
    assert not stands(clinic, pat)
    assert unread(clinic) == [(pat.id, body)]


def test_negated_danger_is_a_red_all_the_same(clinic: Clinic, pat: Patient) -> None:
    clinic.text(PAT, "no chest pain today")
    assert clinic.alert().red


def test_what_turns_a_line_around_is_not_quoted(clinic: Clinic, pat: Patient) -> None:
    clinic.text(PAT, "\u202echest\u200b pain\n=1+1")
    assert clinic.alert().sentence == "A text from the patient's phone speaks of chest pain: “chest pain =1+1”"
    assert unread(clinic) == [(pat.id, "\u202echest\u200b pain\n=1+1")]
