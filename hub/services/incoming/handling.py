"""What a text that came in asks for, in an order that is a matter of safety.

1. Whose number it is, and that nobody else handles the text: from here on it is handled, whatever becomes of it.
2. Staff and the last resort: what they answer to a page. Is the number a patient's as well, danger and STOP count too.
3. Danger words: a red and the emergency number back. They are looked for in every other text.
4. STOP, HELP, START, and the plain wish for no more texts: danger does not stop them. A person reads a patient's HELP.
5. The answer to what the patient was asked. A text of danger is none, and its writer is asked nothing.
6. All else is an unread row; its writer is told so once a day.

Each step has a savepoint. One that fails takes nothing of the others with it: a fault in the check-ins must not undo
the red or the STOP of the same text. The text is handled all the same and stays unread, for a person: tried again, it
would fail every second.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Generic, TypeVar

from hub.domain import patient_texts
from hub.domain.danger import found
from hub.domain.severity import Severity
from hub.errors import Transient
from hub.services.alerting import technical
from hub.services.checkins.answering import answer
from hub.services.checkins.heard import Heard
from hub.services.hub import Hub
from hub.services.incoming.danger import answer_danger, raise_danger
from hub.services.incoming.received import Received, too_many
from hub.services.incoming.staff import answer_staff
from hub.services.incoming.wishes import HELP, heed, heed_stop
from hub.services.ports.alerting import InboundText
from hub.services.ports.storage import UnitOfWork
from hub.services.texting import COURTESY, NewText, signature, text_patient

log = logging.getLogger(__name__)
Value = TypeVar("Value")

TRIED_FOR = timedelta(minutes=1)
"""What may succeed on the next try is tried for so long; a red must not wait for it any longer."""
COURTESY_EVERY = timedelta(hours=24)
COURTESY_VALID = timedelta(minutes=30)


def handle(uow: UnitOfWork, hub: Hub, inbound_id: int, text: InboundText, now: datetime) -> None:
    """Act on one text, once however many workers find it."""
    received = Received(inbound_id, text, now)
    if _step(uow, hub, received, lambda: _handle(uow, hub, received)) is None:
        uow.outbox.inbound.handled(inbound_id, None, None, now)


def _handle(uow: UnitOfWork, hub: Hub, received: Received) -> None:
    phone = received.text.sender
    member = uow.staff.by_phone(phone)
    staffed = member is not None or phone == hub.site.last_resort_phone
    ids = uow.outbox.inbound.patients_with_phone(phone)
    whose = (member.id if member else None, ids[0] if len(ids) == 1 and not staffed else None)
    if not uow.outbox.inbound.handled(received.id, *whose, received.now):
        return  # another worker was faster
    patients = tuple(uow.patients.get(patient_id) for patient_id in ids)
    theirs = Received(received.id, received.text, received.now, patients)
    if not staffed:  # an old code is no proof: its phone may be a leaver's
        _from_outside(uow, hub, theirs)
        return
    _step(uow, hub, received, lambda: answer_staff(uow, hub, member, received))
    if patients:  # a carer, or a nurse who is watched: whoever of the two wrote, danger is a red and STOP is one
        _danger(uow, hub, theirs)
        _step(uow, hub, received, lambda: heed_stop(uow, theirs))


def _danger(uow: UnitOfWork, hub: Hub, received: Received) -> str | None:
    """The danger that the text speaks of, with all that is done about it."""
    danger = found(received.text.body)
    if danger is not None:
        _step(uow, hub, received, lambda: raise_danger(uow, hub, received, danger))
        _step(uow, hub, received, lambda: answer_danger(uow, hub, received))
    return danger


def _from_outside(uow: UnitOfWork, hub: Hub, received: Received) -> None:
    danger = _danger(uow, hub, received)
    wish = _step(uow, hub, received, lambda: heed(uow, hub, received))
    if wish is None:
        return
    reply = None
    if wish.value is None and danger is None:  # whoever writes of danger is not asked for numbers
        reply = _step(uow, hub, received, lambda: _to_what_was_asked(uow, hub, received))
    understood = wish.value or (reply.value if reply is not None else None)
    if understood == HELP and received.patients:
        return  # the carriers' word for "who are you?" is also what a patient in distress writes
    if understood is not None and danger is None:
        uow.outbox.inbound.understood(received.id, understood, received.now)


def _to_what_was_asked(uow: UnitOfWork, hub: Hub, received: Received) -> str | None:
    patient = received.one
    if patient is None:
        return None
    heard = answer(uow, hub, patient, received.id, received.text.body, received.now)
    if heard in {Heard.NOTHING, Heard.GAVE_UP}:
        _be_courteous(uow, hub, received)
    return "check-in answer" if heard is Heard.UNDERSTOOD else None


def _be_courteous(uow: UnitOfWork, hub: Hub, received: Received) -> None:
    """Say that a person will read it and when not to wait for that: no answer to a question, so it needs consent."""
    patient, now = received.one, received.now
    until = min(received.text.received_at, now) + COURTESY_VALID
    if patient is None or until <= now or too_many(uow, received):
        return
    if uow.outbox.texts_to(patient.id, COURTESY, now - COURTESY_EVERY):
        return
    text = NewText(
        kind=COURTESY,
        body=patient_texts.courtesy(signature(hub, patient)),
        dedupe=f"inbound:{received.id}:courtesy",
        send_after=now,
        valid_until=until,
    )
    text_patient(uow, hub, patient, text, now)


@dataclass(frozen=True, slots=True)
class _Done(Generic[Value]):
    """A step that succeeded, with what it found."""

    value: Value


def _step(uow: UnitOfWork, hub: Hub, received: Received, act: Callable[[], Value]) -> _Done[Value] | None:
    """What ``act`` found. None: it failed, nothing of it is left, and an operator hears of it."""
    try:
        with uow.savepoint():
            return _Done(act())
    except Exception as error:  # what is left of the text must still be done
        if isinstance(error, Transient) and received.now - received.text.received_at < TRIED_FOR:
            raise  # the whole text is tried again
        log.exception("a text that came in could not be handled", extra={"inbound": received.id})
        _alarm(uow, hub, received, error)
    return None


def _alarm(uow: UnitOfWork, hub: Hub, received: Received, error: Exception) -> None:
    sentence = f"Text {received.id} that came in could not be handled ({type(error).__name__}): read it on the worklist"
    try:
        with uow.savepoint():
            technical(uow, hub, "module:texts", "row-failed", Severity.RED, sentence, received.now)
    except Exception:  # the text stays unread, which people see as well
        log.exception("no alarm could be raised", extra={"inbound": received.id})
