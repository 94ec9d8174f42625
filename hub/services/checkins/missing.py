"""A reading that is late is asked for, where a check-in in force asks for its metric."""

from datetime import datetime

from hub.domain.patients import Patient
from hub.domain.slots import Occurrence, Slot
from hub.services.checkins.asking import Cause, ask
from hub.services.hub import Hub
from hub.services.ports.checkins import MISSING
from hub.services.ports.measuring import Expectation
from hub.services.ports.storage import UnitOfWork


def key_of(waited: Expectation) -> str:
    """One occurrence of a slot asks once."""
    return f"{MISSING}:{waited.patient_id}:{waited.slot_id}:{waited.due_at.isoformat()}"


def waited_for(key: str) -> tuple[str, datetime] | None:
    """The slot and when it was due, of a cause that ``key_of`` named."""
    cause, _, rest = key.partition(":")
    if cause != MISSING:
        return None
    version, slot, due_at = rest.split(":", 3)[1:]
    return f"{version}:{slot}", datetime.fromisoformat(due_at)


def ask_for_reading(
    uow: UnitOfWork,
    hub: Hub,
    patient: Patient,
    slot: Slot,
    waited: Expectation,
    occurrence: Occurrence,
    now: datetime,
) -> bool:
    """Ask for what is late, if a check-in in force does so for a protocol the patient is on.

    False: the patient is in the middle of another check-in, and is asked when that is over. One for another late
    reading is not waited for: it would end in the same question.
    """
    asking = [one for one in uow.checkins.all_current() if slot.metric in one.checkin.missing]
    if not asking:
        return True
    on = {enrolment.in_force.protocol.id for enrolment in uow.protocols.of_patient(patient.id, now)}
    meant = next((one for one in asking if on.intersection(one.checkin.for_protocols)), None)
    if meant is None:
        return True
    asked = ask(uow, hub, patient, meant, Cause(MISSING, key_of(waited), now, occurrence.no_data_at), now)
    other = None if asked is not None else uow.conversations.open_of(patient.id)
    return other is None or other.cause == MISSING
