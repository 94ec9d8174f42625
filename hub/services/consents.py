"""Consent, kept as the patient gave it: nobody is texted without one that stands for the number in use (SF16).

A number that the provider blocks stays blocked whatever the ledger says: only START from that phone lifts it.
"""

import re
from datetime import datetime

from hub.domain.patients import Monitoring, Patient
from hub.errors import Conflict, Invalid
from hub.services.checkins.ending import end_conversations
from hub.services.hub import CLINICAL, Actor, Hub, require
from hub.services.ports.consents import SCOPES
from hub.services.ports.storage import UnitOfWork

SMS = "sms"
SOURCES = ("paper", "spoken", "portal", "text", "command line")
"""How a consent was given, or ended, as far as people record it."""
LONGEST_WORDING = 500
NUMBER_CHANGED = "number changed"

_E164 = re.compile(r"\+[1-9][0-9]{6,14}")


def give(
    hub: Hub, actor: Actor, patient_id: int, scope: str, wording: str, source: str, seen_phone: str | None = None
) -> int:
    """Record a consent in its own words; the new line's id. One to texts holds for the patient's present number.

    ``Conflict`` if it stands already, or the number is not the one that was seen when it was agreed to; ``Invalid``
    where texts have no number to go to.
    """
    require(actor, CLINICAL)
    check(scope, wording, source)
    now = hub.clock.now()
    with hub.unit_of_work() as uow:
        patient = uow.patients.get(patient_id)
        phone = _phone_for(patient, scope)
        if phone is not None and seen_phone is not None and seen_phone != phone:
            raise Conflict("the patient's number changed meanwhile; ask whether this one may be texted")
        if uow.consents.stands(patient_id, scope, phone):
            raise Conflict("this consent stands already; end it first if its wording has changed")
        uow.consents.revoke(patient_id, scope, NUMBER_CHANGED, actor.name, now)
        line = uow.consents.give(patient_id, scope, wording.strip(), source, actor.name, now, phone)
        detail = {"scope": scope, "source": source, "consent": line}
        uow.audit.write(now, actor.name, "consent.give", f"patient:{patient_id}", detail)
        uow.commit()
    return line


def revoke(hub: Hub, actor: Actor, patient_id: int, scope: str, source: str) -> None:
    """End a consent. Without one to texts nothing unsent leaves, and what was being asked is over."""
    require(actor, CLINICAL)
    check(scope, "-", source)
    now = hub.clock.now()
    with hub.unit_of_work() as uow:
        uow.patients.get(patient_id)
        if not end(uow, patient_id, scope, source, actor.name, now):
            raise Conflict("no such consent stands")
        uow.commit()


def set_phone(hub: Hub, actor: Actor, patient_id: int, phone: str | None) -> None:
    """Change the patient's own number; None: there is none. The consent was given for the old one and ends with it."""
    require(actor, CLINICAL)
    if phone is not None and not _E164.fullmatch(phone):
        raise Invalid({"phone": "must be a number in international form, such as +15555550100"})
    now = hub.clock.now()
    with hub.unit_of_work() as uow:
        patient = uow.patients.get(patient_id)
        if patient.phone == phone:
            raise Conflict("this is the patient's number already")
        end(uow, patient_id, SMS, NUMBER_CHANGED, actor.name, now)
        uow.patients.set_phone(patient_id, phone)
        detail = {"has_number": phone is not None}
        uow.audit.write(now, actor.name, "patient.phone", f"patient:{patient_id}", detail)
        uow.commit()


def end(uow: UnitOfWork, patient_id: int, scope: str, source: str, by: str, now: datetime) -> int:
    """End what stands of ``scope`` and audit it; how many lines. Of texts: whatever has not left is cancelled too."""
    ended = uow.consents.revoke(patient_id, scope, source, by, now)
    if ended:
        detail = {"scope": scope, "source": source}
        uow.audit.write(now, by, "consent.revoke", f"patient:{patient_id}", detail)
    if scope == SMS:
        uow.outbox.cancel_texts(patient_id)
        end_conversations(uow, patient_id, "cancelled", now)
    return ended


def check(scope: str, wording: str, source: str) -> None:
    """Raise ``Invalid`` with a sentence for each field that is wrong."""
    wrong: dict[str, str] = {}
    if scope not in SCOPES:
        wrong["scope"] = f"must be one of {', '.join(SCOPES)}"
    if not 1 <= len(wording.strip()) <= LONGEST_WORDING:
        wrong["wording"] = f"write what was agreed to, at most {LONGEST_WORDING} characters"
    if source not in SOURCES:
        wrong["source"] = f"must be one of {', '.join(SOURCES)}"
    if wrong:
        raise Invalid(wrong)


def _phone_for(patient: Patient, scope: str) -> str | None:
    if patient.state is Monitoring.ENDED:
        raise Conflict("monitoring of this patient has ended")
    if scope != SMS:
        return None
    if patient.phone is None:
        raise Invalid({"phone": "the patient has no number to text: record it first"})
    return patient.phone
