"""What follows where a number takes no texts, by whose it is (S5, S10). The codes are Twilio's."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from hub.domain.patients import Patient
from hub.services.hub import Hub
from hub.services.incoming.staff import opted_out
from hub.services.opting_out import BY_PROVIDER, stop_texts
from hub.services.paging import LAST_RESORT
from hub.services.ports.alerting import Message, NewTask
from hub.services.ports.storage import UnitOfWork
from hub.services.texting import SMS, TO_PATIENTS

OPTED_OUT = "21610"
NO_TEXTS = frozenset({"21211", "21612", "21614", "30005", "30006"})
"""No such number, a landline, or one that no carrier brings texts to: trying again is of no use."""
UNDELIVERED = "30"
"""What the carriers' codes begin with: off, out of reach, filtered; the next text may arrive."""

_PHONE_WITHIN = timedelta(hours=24)
_NO_TEXTS = "This patient's number takes no texts: get another one, and phone meanwhile."
_UNDELIVERED = "Texts do not reach this patient: phone, and ask about the number."


def not_delivered(uow: UnitOfWork, hub: Hub, message: Message, error: str | None, now: datetime) -> None:
    """A message did not arrive, or was refused with ``error``."""
    if message.kind not in TO_PATIENTS:
        if error == OPTED_OUT:
            name = LAST_RESORT if message.staff_id is None else uow.staff.get(message.staff_id).name
            opted_out(uow, hub, name, message.staff_id, now)
        return
    for patient_id in uow.outbox.inbound.patients_with_phone(message.to):  # a number that was changed is nobody's
        patient = uow.patients.get(patient_id)
        if error == OPTED_OUT:
            if uow.consents.stands(patient.id, SMS, message.to):  # one for another number is none of its business
                stop_texts(uow, patient, BY_PROVIDER, "the provider", now)
        elif error in NO_TEXTS:
            _ask(uow, patient, _NO_TEXTS, f"takes-no-texts:{patient.id}:{message.to}", now)
        elif error is not None and error.startswith(UNDELIVERED):
            today = now.astimezone(ZoneInfo(hub.site.zone)).date()
            _ask(uow, patient, _UNDELIVERED, f"undelivered:{patient.id}:{today}", now)


def _ask(uow: UnitOfWork, patient: Patient, title: str, key: str, now: datetime) -> None:
    task = NewTask(
        kind="review",
        title=title,
        due_at=now + _PHONE_WITHIN,
        patient_id=patient.id,
        owner_id=patient.care_manager_id,
        role=None if patient.care_manager_id else "nurse",
        key=key,
    )
    uow.tasks.add(task, now)
