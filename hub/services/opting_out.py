"""A patient wants no more texts, by their own word or the provider's: the ledger says so, and somebody hears of it."""

from datetime import datetime, timedelta

from hub.domain.patients import Patient
from hub.services.consents import SMS, end
from hub.services.ports.alerting import NewTask
from hub.services.ports.storage import UnitOfWork

BY_TEXT, IN_OWN_WORDS, BY_PROVIDER = "text", "own words by text", "provider 21610"
"""In own words: the hub understood what the provider did not, so START is news to the provider as well."""
TALK_WITHIN = timedelta(hours=24)
_TITLE = "Wants no more texts: agree on another way to be reached."


def stop_texts(uow: UnitOfWork, patient: Patient, source: str, by: str, now: datetime) -> bool:
    """End the consent, cancel what has not left, end what was asked; False if there was no consent to end."""
    if not end(uow, patient.id, SMS, source, by, now):
        return False
    task = NewTask(
        kind="review",
        title=_TITLE,
        due_at=now + TALK_WITHIN,
        patient_id=patient.id,
        owner_id=patient.care_manager_id,
        role=None if patient.care_manager_id else "nurse",
        key=f"no-texts-wanted:{patient.id}:{now:%Y-%m-%d}",
    )
    uow.tasks.add(task, now)
    return True


def start_texts(uow: UnitOfWork, patient: Patient, now: datetime) -> str | None:
    """Give again, in its own wording, a consent that ended by text or by the provider; how it had ended.

    None: whoever gave none gives none.
    """
    last = next((line for line in uow.consents.of_patient(patient.id) if line.scope == SMS), None)
    if last is None or last.revoked_source not in {BY_TEXT, IN_OWN_WORDS, BY_PROVIDER}:
        return None
    if last.phone is None or last.phone != patient.phone:
        return None
    uow.consents.give(patient.id, SMS, last.wording, "text", "the patient", now, last.phone)
    detail = {"scope": SMS, "source": "text"}
    uow.audit.write(now, "the patient", "consent.give", f"patient:{patient.id}", detail)
    return last.revoked_source
