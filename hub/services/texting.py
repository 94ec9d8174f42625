"""The only two ways to queue a text to a patient: with a consent that stands, or as the answer to their own (SF16)."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from hub.domain.patient_texts import Signature
from hub.domain.patients import Monitoring, Patient
from hub.services.hub import Hub
from hub.services.ports.alerting import Message, NewMessage
from hub.services.ports.storage import UnitOfWork
from hub.services.restored import WHY_NO_TEXT, texts_wait

SMS = "sms"
ANSWER_VALID = timedelta(minutes=10)
"""An answer that could not leave by then is to a text whose writer has stopped waiting."""

TEXTED = frozenset({Monitoring.INVITED, Monitoring.ACTIVE})
"""Whoever is paused may be in hospital, and whoever has ended is left alone (SF17)."""

CHECKIN, ANSWER, COURTESY = "checkin", "answer", "courtesy"
TO_PATIENTS = frozenset({CHECKIN, ANSWER, COURTESY})


@dataclass(frozen=True, slots=True)
class NewText:
    """A text the hub wants to send to a patient. ``dedupe`` makes one cause one text."""

    kind: str  # checkin | courtesy
    body: str
    dedupe: str
    send_after: datetime
    valid_until: datetime
    conversation_id: int | None = None


def text_patient(
    uow: UnitOfWork,
    hub: Hub,  # noqa: ARG001 (as its neighbours)
    patient: Patient,
    text: NewText,
    now: datetime,
) -> int | None:
    """The queued message; None: this patient may not be texted, or the cause has queued it before.

    Consent is asked for once more when the message is claimed for sending.
    """
    if not may_text(uow, patient) or patient.phone is None:
        return None
    message = NewMessage(
        dedupe=text.dedupe,
        kind=text.kind,
        to=patient.phone,
        body=text.body,
        send_after=text.send_after,
        valid_until=text.valid_until,
        patient_id=patient.id,
        consent=SMS,
        conversation_id=text.conversation_id,
    )
    return uow.outbox.add(message, now)


def may_text(uow: UnitOfWork, patient: Patient) -> bool:
    """Whether the patient is watched, has a number, and agreed to be texted on it: and that is surely known (SF22)."""
    if texts_wait(uow):
        return False
    return patient.state in TEXTED and patient.phone is not None and uow.consents.stands(patient.id, SMS, patient.phone)


def why_not_sent(uow: UnitOfWork, message: Message) -> str | None:
    """Why a message that needs consent must not leave now; None: it may."""
    if message.consent is None:
        return None
    if texts_wait(uow):
        return WHY_NO_TEXT
    if message.patient_id is None or not uow.consents.stands(message.patient_id, message.consent, message.to):
        return "no consent"
    state = uow.patients.get(message.patient_id).state
    return None if state in TEXTED else f"monitoring is {state.value}"


@dataclass(frozen=True, slots=True)
class Answer:
    """What is texted back to whoever wrote, who need not be a patient. ``cause`` makes one cause one answer."""

    to: str
    body: str
    cause: str
    said_at: datetime
    patient_id: int | None = None
    urgent: bool = False


def answer_text(uow: UnitOfWork, answer: Answer, now: datetime) -> int | None:
    """Queue the direct answer to a text, which needs no consent: who asks is answered, once and soon or not at all.

    An urgent one goes out however late the text is handled: it says whom to call.
    """
    until = (now if answer.urgent else min(answer.said_at, now)) + ANSWER_VALID
    if until <= now:
        return None
    message = NewMessage(
        dedupe=f"{answer.cause}:answer",
        kind=ANSWER,
        to=answer.to,
        body=answer.body,
        send_after=now,
        valid_until=until,
        patient_id=answer.patient_id,
        urgent=answer.urgent,
    )
    return uow.outbox.add(message, now)


def signature(hub: Hub, patient: Patient | None = None) -> Signature:
    """Who writes; a test patient's texts are real, and say that it is a test."""
    label = "DEMO" if hub.site.demo else "TEST" if patient is not None and patient.is_test else ""
    return Signature(hub.site.clinic_name, hub.site.emergency_number, hub.site.clinic_phone, label)
