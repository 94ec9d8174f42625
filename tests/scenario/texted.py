"""Patients who text, on the small clinic of ``tests.unit.alerting.clinic``: consent, what waits, what is answered."""

from datetime import timedelta

from sqlalchemy import select

from hub.adapters.sql.tables.care import task
from hub.domain.patients import Patient
from hub.services import consents
from hub.services.hub import Actor
from hub.services.texting import NewText, text_patient
from tests.unit.alerting.clinic import Clinic

PAT, STRANGER = "+15555550150", "+15555550160"
MINUTE = timedelta(minutes=1)
WORDING = "I agree to get texts from Riverside on this phone."

STOPPED = "Riverside: you get no more texts from us. Your care goes on. Questions? Call 5550100. Reply START for texts."
STARTED = "Riverside: you get our texts again. Emergency? Call 911, do not text. Reply HELP for help, STOP to end."
HELPED = (
    "Riverside: home monitoring. Questions? Call 5550100. Emergency? Call 911. Msg & data rates may apply. STOP to end."
)
SAFETY = "Riverside: if this may be an emergency call 911 now, do not wait for us. Texts are not watched day and night."
COURTESY = (
    "Riverside: a nurse will read this. Texts are not watched day and night. Emergency? Call 911 now. STOP to end."
)


def agrees(clinic: Clinic, ana: Actor, patient: Patient) -> Patient:
    consents.give(clinic.hub, ana, patient.id, "sms", WORDING, "paper")
    return patient


def queue(clinic: Clinic, patient: Patient, dedupe: str = "one", after: timedelta = timedelta(0)) -> None:
    at = clinic.now + after
    text = NewText("checkin", "Riverside: how are you?", dedupe, at, at + timedelta(hours=1))
    with clinic.hub.unit_of_work() as uow:
        text_patient(uow, clinic.hub, patient, text, clinic.now)
        uow.commit()


def stands(clinic: Clinic, patient: Patient) -> bool:
    with clinic.hub.unit_of_work() as uow:
        return uow.consents.stands(patient.id, "sms", patient.phone)


def unread(clinic: Clinic) -> list[tuple[int | None, str]]:
    with clinic.hub.unit_of_work() as uow:
        return [(text.patient_id, text.body) for _, text in uow.outbox.inbound.unread(50)]


def waiting(clinic: Clinic) -> int:
    with clinic.hub.unit_of_work() as uow:
        return len(uow.outbox.inbound.unhandled(50))


def tasks(clinic: Clinic) -> list[tuple[int | None, int | None, str]]:
    with clinic.engine.connect() as connection:
        rows = connection.execute(select(task).order_by(task.c.id)).all()
    return [(row.patient_id, row.owner_id, row.title.split(":")[0]) for row in rows]


def patients_only(seen: list[tuple[str, str]]) -> list[tuple[str, str]]:
    return [(who, body) for who, body in seen if who.startswith("+")]
