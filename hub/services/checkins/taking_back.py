"""An answer that was mistyped: 0 within half an hour takes it back, and it is asked for anew."""

from dataclasses import replace
from datetime import datetime, timedelta

from hub.domain.checkin_texts import taken_back
from hub.domain.patients import Patient
from hub.services.checkins.asking import LOOKS_AGAIN, following, put
from hub.services.checkins.ending import change
from hub.services.checkins.heard import Heard
from hub.services.checkins.reported import take_reading_back
from hub.services.checkins.talk import Talk, talk_of
from hub.services.hub import Hub
from hub.services.paging import clinic
from hub.services.ports.checkins import OPEN, Asked
from hub.services.ports.storage import UnitOfWork
from hub.services.texting import ANSWER, ANSWER_VALID, NewText, text_patient
from hub.services.waiting import wait_without

WITHIN = timedelta(minutes=30)


def take_back(uow: UnitOfWork, hub: Hub, patient: Patient, inbound_id: int, now: datetime) -> Heard:
    """What became of it: ``UNDERSTOOD`` if it is asked for anew; ``NOTHING`` if there was no answer to take back."""
    said_at = min(uow.outbox.inbound.get(inbound_id).received_at, now)
    last = uow.conversations.last_answer(patient.id, said_at - WITHIN)
    if last is None or uow.outbox.inbound.get(last.inbound_id).received_at > said_at:
        return Heard.NOTHING  # it was said before the answer, and brought late
    if not uow.conversations.withdraw(last.id, now):
        return Heard.NOTHING
    talk = talk_of(uow, patient, uow.conversations.get(last.conversation_id))
    if last.journal_id is not None:
        wait_without(uow, patient, take_reading_back(uow, patient, last.journal_id), now)
    if _asked_anew(uow, hub, talk, last, said_at, now):
        return Heard.UNDERSTOOD
    reply(uow, hub, talk, inbound_id, taken_back(clinic(hub, patient)), now)
    return Heard.TAKEN_BACK


def _asked_anew(uow: UnitOfWork, hub: Hub, talk: Talk, last: Asked, said_at: datetime, now: datetime) -> bool:
    """Put its question again, if it was not put anew before and nothing else is being asked."""
    other = uow.conversations.open_of(talk.patient.id)
    if talk.row.prompts or (other is not None and other.id != talk.row.id):
        return False
    place = next((n for n, step in enumerate(talk.checkin.steps) if step.id == last.step), None)
    if place is None:
        return False
    uow.outbox.cancel_of_conversation(talk.row.id)
    between = following(hub, talk, said_at, now)
    if not put(uow, hub, talk, talk.checkin.steps[place].ask_again, between, now):
        return False
    prompts = talk.row.prompts + 1
    again = replace(talk.row, state=OPEN, step=place, prompts=prompts, check_at=now + LOOKS_AGAIN, ended_at=None)
    change(uow, again)
    return True


def reply(uow: UnitOfWork, hub: Hub, talk: Talk, inbound_id: int, body: str, now: datetime) -> None:
    """Say what became of a text, while whoever wrote it waits to hear: not in the night after."""
    until = min(uow.outbox.inbound.get(inbound_id).received_at, now) + ANSWER_VALID
    if until <= now:
        return
    text = NewText(ANSWER, body, f"inbound:{inbound_id}:checkin", now, until, talk.row.id)
    text_patient(uow, hub, talk.patient, text, now)
