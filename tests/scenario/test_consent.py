"""No text without consent (SF16): none by default, asked for when queued and again when claimed, ended in many ways."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from hub.adapters.sql.tables.alerting import outbox
from hub.adapters.sql.tables.care import task
from hub.adapters.sql.tables.operations import audit
from hub.domain.messages import Sending
from hub.domain.patients import EndReason, Monitoring, Patient
from hub.errors import Conflict, Invalid, NotFound, NotPermitted
from hub.services import consents
from hub.services.delivery import receive_status
from hub.services.enrolment import end, pause
from hub.services.hub import Actor
from hub.services.ports.base import Delivery as Told
from hub.services.ports.consents import ConsentEntry
from hub.services.texting import Answer, NewText, answer_text, text_patient
from tests.unit.alerting.clinic import ANA, Clinic, clinics

PAT, OTHER = "+15555550150", "+15555550151"
WORDING = "I agree to get texts from Riverside on this phone."
MINUTE = timedelta(minutes=1)


@pytest.fixture
def clinic(tmp_path: Path) -> Iterator[Clinic]:
    yield from clinics(tmp_path)


@pytest.fixture
def ana(clinic: Clinic) -> Actor:
    return clinic.staff("Ana Invented", ANA)


def agrees(clinic: Clinic, ana: Actor, **fields: object) -> Patient:
    patient = clinic.patient(phone=PAT, **fields)
    consents.give(clinic.hub, ana, patient.id, "sms", WORDING, "paper")
    return patient


def queue(clinic: Clinic, patient: Patient, dedupe: str = "one", after: timedelta = timedelta(0)) -> int | None:
    at = clinic.now + after
    text = NewText("checkin", "Riverside: how are you?", dedupe, at, at + timedelta(hours=1))
    with clinic.hub.unit_of_work() as uow:
        message = text_patient(uow, clinic.hub, uow.patients.get(patient.id), text, clinic.now)
        uow.commit()
    return message


def ledger(clinic: Clinic, patient: Patient) -> list[ConsentEntry]:
    with clinic.hub.unit_of_work() as uow:
        return list(uow.consents.of_patient(patient.id))


def states(clinic: Clinic) -> list[tuple[str, str | None]]:
    with clinic.engine.connect() as connection:
        found = connection.execute(select(outbox.c.state, outbox.c.error).order_by(outbox.c.id))
        return [(row.state, row.error) for row in found]


def tasks(clinic: Clinic) -> list[str]:
    with clinic.engine.connect() as connection:
        return list(connection.execute(select(task.c.title).order_by(task.c.id)).scalars())


# The ledger ----------------------------------------------------------------------------------------------------------


def test_nobody_consents_by_default(clinic: Clinic) -> None:
    patient = clinic.patient(phone=PAT)
    assert ledger(clinic, patient) == []
    assert queue(clinic, patient) is None
    assert clinic.outbox() == []


def test_the_ledger_keeps_wording_source_time_person_and_number(clinic: Clinic, ana: Actor) -> None:
    patient = agrees(clinic, ana)
    (line,) = ledger(clinic, patient)
    assert (line.scope, line.wording, line.source, line.phone) == ("sms", WORDING, "paper", PAT)
    assert (line.given_at, line.given_by, line.revoked_at) == (clinic.now, "Ana Invented", None)
    clinic.clock.forward(MINUTE)
    consents.revoke(clinic.hub, ana, patient.id, "sms", "spoken")
    (line,) = ledger(clinic, patient)
    assert (line.revoked_at, line.revoked_source, line.revoked_by) == (clinic.now, "spoken", "Ana Invented")


def test_the_audit_has_neither_wording_nor_number(clinic: Clinic, ana: Actor) -> None:
    patient = agrees(clinic, ana)
    consents.set_phone(clinic.hub, ana, patient.id, OTHER)
    with clinic.engine.connect() as connection:
        rows = connection.execute(select(audit)).all()
    assert [row.act for row in rows] == ["consent.give", "consent.revoke", "patient.phone"]
    for told in map(str, rows):
        assert "agree" not in told
        assert "55555" not in told


def test_a_consent_that_stands_is_not_given_twice(clinic: Clinic, ana: Actor) -> None:
    patient = agrees(clinic, ana)
    with pytest.raises(Conflict, match="stands already"):
        consents.give(clinic.hub, ana, patient.id, "sms", WORDING, "paper")
    consents.give(clinic.hub, ana, patient.id, "monitoring", "I want to be watched.", "paper")
    consents.revoke(clinic.hub, ana, patient.id, "sms", "paper")
    with pytest.raises(Conflict, match="no such consent"):
        consents.revoke(clinic.hub, ana, patient.id, "sms", "paper")
    consents.give(clinic.hub, ana, patient.id, "sms", WORDING, "spoken")
    assert [(line.scope, line.revoked_at is None) for line in ledger(clinic, patient)] == [
        ("sms", True),
        ("monitoring", True),
        ("sms", False),
    ]


@pytest.mark.parametrize(
    ("scope", "wording", "source", "field"),
    [
        ("calls", WORDING, "paper", "scope"),
        ("sms", " ", "paper", "wording"),
        ("sms", "x" * 501, "paper", "wording"),
        ("sms", WORDING, "rumour", "source"),
    ],
)
def test_what_is_wrong_is_named(clinic: Clinic, ana: Actor, scope: str, wording: str, source: str, field: str) -> None:
    patient = clinic.patient(phone=PAT)
    with pytest.raises(Invalid) as refused:
        consents.give(clinic.hub, ana, patient.id, scope, wording, source)
    assert list(refused.value.fields) == [field]


def test_texts_need_a_number_a_patient_and_a_clinician(clinic: Clinic, ana: Actor) -> None:
    patient = clinic.patient()
    with pytest.raises(Invalid, match="no number"):
        consents.give(clinic.hub, ana, patient.id, "sms", WORDING, "paper")
    with pytest.raises(NotFound):
        consents.give(clinic.hub, ana, 99, "sms", WORDING, "paper")
    operator = clinic.staff("Otto Invented", None, "operator")
    for forbidden in (
        lambda: consents.give(clinic.hub, operator, patient.id, "sms", WORDING, "paper"),
        lambda: consents.revoke(clinic.hub, operator, patient.id, "sms", "paper"),
        lambda: consents.set_phone(clinic.hub, operator, patient.id, PAT),
    ):
        with pytest.raises(NotPermitted):
            forbidden()


@pytest.mark.parametrize("number", ["5555550150", "+1 555", "+0155555501", "+1555555015022222", ""])
def test_a_number_is_in_international_form(clinic: Clinic, ana: Actor, number: str) -> None:
    with pytest.raises(Invalid, match="international"):
        consents.set_phone(clinic.hub, ana, clinic.patient().id, number)


# When queued, and again when claimed ---------------------------------------------------------------------------------


def test_a_text_leaves_while_consent_stands(clinic: Clinic, ana: Actor) -> None:
    queue(clinic, agrees(clinic, ana))
    assert clinic.tick() == [(PAT, "Riverside: how are you?")]


@pytest.mark.parametrize("state", [Monitoring.PAUSED, Monitoring.ENDED])
def test_whoever_is_not_watched_is_not_texted(clinic: Clinic, ana: Actor, state: Monitoring) -> None:
    patient = agrees(clinic, ana)
    clinic.set_state(patient, state)
    assert queue(clinic, patient) is None


def test_whoever_is_invited_may_be_texted(clinic: Clinic, ana: Actor) -> None:
    patient = agrees(clinic, ana)
    clinic.set_state(patient, Monitoring.INVITED)
    assert queue(clinic, patient) is not None


def test_ending_the_consent_cancels_what_has_not_left(clinic: Clinic, ana: Actor) -> None:
    patient = agrees(clinic, ana)
    queue(clinic, patient, after=MINUTE)
    consents.revoke(clinic.hub, ana, patient.id, "sms", "spoken")
    assert clinic.forward(5) == []
    assert states(clinic) == [("cancelled", None)]
    assert queue(clinic, patient, "two") is None


def test_a_consent_that_ended_between_queue_and_claim_stops_the_text(clinic: Clinic, ana: Actor) -> None:
    patient = agrees(clinic, ana)
    queue(clinic, patient)
    with clinic.hub.unit_of_work() as uow:  # the ledger alone, as a restore or another process may leave it
        uow.consents.revoke(patient.id, "sms", "paper", "somebody", clinic.now)
        uow.commit()
    assert clinic.forward(5) == []
    assert states(clinic) == [("cancelled", "no consent")]


def test_a_consent_for_another_number_stops_the_text(clinic: Clinic, ana: Actor) -> None:
    patient = agrees(clinic, ana)
    queue(clinic, patient)
    with clinic.hub.unit_of_work() as uow:
        uow.consents.revoke(patient.id, "sms", "paper", "somebody", clinic.now)
        uow.consents.give(patient.id, "sms", WORDING, "paper", "somebody", clinic.now, OTHER)
        uow.commit()
    assert clinic.tick() == []
    assert states(clinic) == [("cancelled", "no consent")]


@pytest.mark.parametrize("state", [Monitoring.PAUSED, Monitoring.ENDED])
def test_a_state_that_changed_between_queue_and_claim_stops_the_text(
    clinic: Clinic, ana: Actor, state: Monitoring
) -> None:
    patient = agrees(clinic, ana)
    queue(clinic, patient)
    clinic.set_state(patient, state)
    assert clinic.tick() == []
    assert states(clinic) == [("cancelled", f"monitoring is {state.value}")]


def test_a_pause_and_an_ending_by_a_person_stop_texts(clinic: Clinic, ana: Actor) -> None:
    patient = agrees(clinic, ana)
    queue(clinic, patient)
    pause(clinic.hub, ana, patient.id, "in hospital", clinic.now + timedelta(days=2))
    assert clinic.tick() == []
    end(clinic.hub, ana, patient.id, EndReason.DIED)
    assert clinic.forward(5) == []
    with pytest.raises(Conflict, match="ended"):
        consents.give(clinic.hub, ana, patient.id, "sms", WORDING, "paper")


def test_a_text_tried_again_asks_for_consent_again(clinic: Clinic, ana: Actor) -> None:
    patient = agrees(clinic, ana)
    clinic.phones.behaves[PAT] = lambda: Told("failed", error="20429")
    queue(clinic, patient)
    assert clinic.tick() == []
    assert states(clinic) == [("pending", "20429")]
    del clinic.phones.behaves[PAT]
    consents.revoke(clinic.hub, ana, patient.id, "sms", "spoken")
    assert clinic.forward(5) == []


def test_another_number_needs_another_consent(clinic: Clinic, ana: Actor) -> None:
    patient = agrees(clinic, ana)
    queue(clinic, patient, after=MINUTE)
    consents.set_phone(clinic.hub, ana, patient.id, OTHER)
    assert clinic.forward(5) == []
    assert ledger(clinic, patient)[0].revoked_source == "number changed"
    assert queue(clinic, patient, "two") is None
    consents.give(clinic.hub, ana, patient.id, "sms", WORDING, "spoken")
    queue(clinic, patient, "three")
    assert clinic.tick() == [(OTHER, "Riverside: how are you?")]
    with pytest.raises(Conflict):
        consents.set_phone(clinic.hub, ana, patient.id, OTHER)


def test_a_number_may_be_taken_away(clinic: Clinic, ana: Actor) -> None:
    patient = agrees(clinic, ana)
    consents.set_phone(clinic.hub, ana, patient.id, None)
    assert queue(clinic, patient) is None
    assert ledger(clinic, patient)[0].revoked_source == "number changed"


def test_the_answer_to_their_own_text_needs_no_consent(clinic: Clinic) -> None:
    clinic.patient(phone=PAT)
    with clinic.hub.unit_of_work() as uow:
        answer_text(uow, Answer(PAT, "Riverside: call 911 now.", "inbound:1", clinic.now), clinic.now)
        answer_text(uow, Answer(PAT, "Riverside: call 911 now.", "inbound:1", clinic.now), clinic.now)
        uow.commit()
    assert clinic.tick() == [(PAT, "Riverside: call 911 now.")]


def test_an_answer_that_is_ten_minutes_late_is_not_sent(clinic: Clinic) -> None:
    with clinic.hub.unit_of_work() as uow:
        answer_text(uow, Answer(PAT, "Riverside: call 911 now.", "inbound:1", clinic.now), clinic.now)
        uow.commit()
    clinic.clock.forward(11 * MINUTE)
    assert clinic.tick() == []
    assert states(clinic) == [("stale", None)]


# What the provider says ----------------------------------------------------------------------------------------------


def test_the_providers_refusal_writes_the_ledger(clinic: Clinic, ana: Actor) -> None:
    patient = agrees(clinic, ana, care_manager_id=ana.staff_id)
    clinic.phones.behaves[PAT] = lambda: Told("failed", error="21610", permanent=True)
    queue(clinic, patient)
    queue(clinic, patient, "later", after=MINUTE)
    clinic.tick()
    (line,) = ledger(clinic, patient)
    assert (line.revoked_source, line.revoked_by) == ("provider 21610", "the provider")
    assert states(clinic) == [("failed", "21610"), ("cancelled", None)]
    assert tasks(clinic) == ["Wants no more texts: agree on another way to be reached."]


def test_the_providers_refusal_told_later_writes_the_ledger(clinic: Clinic, ana: Actor) -> None:
    patient = agrees(clinic, ana)
    message = queue(clinic, patient)
    clinic.tick()
    for _ in range(2):
        receive_status(clinic.hub, f"sid-{message}", Sending.FAILED, "21610")
    assert ledger(clinic, patient)[0].revoked_source == "provider 21610"
    assert len(tasks(clinic)) == 1


def test_a_refusal_of_the_number_before_does_not_end_the_consent_for_this_one(clinic: Clinic, ana: Actor) -> None:
    patient = agrees(clinic, ana)
    message = queue(clinic, patient)
    clinic.tick()
    consents.set_phone(clinic.hub, ana, patient.id, OTHER)
    consents.give(clinic.hub, ana, patient.id, "sms", WORDING, "spoken")
    receive_status(clinic.hub, f"sid-{message}", Sending.FAILED, "21610")
    assert ledger(clinic, patient)[0].revoked_at is None
    assert tasks(clinic) == []


def test_a_refused_page_is_an_operators_alarm_until_start(clinic: Clinic, ana: Actor) -> None:
    clinic.phones.behaves[ANA] = lambda: Told("failed", error="21610", permanent=True)
    clinic.finds(clinic.patient(phone=PAT))
    clinic.tick()
    assert "opted-out open" in clinic.all_alerts()
    del clinic.phones.behaves[ANA]
    clinic.text(ANA, "START")
    assert "opted-out closed" in clinic.all_alerts()


@pytest.mark.parametrize("code", ["30005", "30006", "21211", "21614", "21612"])
def test_a_number_that_takes_no_texts_is_one_task(clinic: Clinic, ana: Actor, code: str) -> None:
    patient = agrees(clinic, ana)
    clinic.phones.behaves[PAT] = lambda: Told("failed", error=code, permanent=True)
    for number in range(3):
        queue(clinic, patient, f"text {number}")
        clinic.tick()
        clinic.forward(24 * 60, every=24 * 60)
    assert tasks(clinic) == ["This patient's number takes no texts: get another one, and phone meanwhile."]
    assert ledger(clinic, patient)[0].revoked_at is None


def test_texts_that_do_not_arrive_are_a_task_once_a_day(clinic: Clinic, ana: Actor) -> None:
    patient = agrees(clinic, ana)
    for day in range(2):
        for number in range(3):
            message = queue(clinic, patient, f"text {day} {number}")
            clinic.tick()
            receive_status(clinic.hub, f"sid-{message}", Sending.UNDELIVERED, "30003")
        clinic.forward(24 * 60, every=24 * 60)
    assert tasks(clinic) == ["Texts do not reach this patient: phone, and ask about the number."] * 2
