"""A patient's text taken as the answer to what they were asked."""

import json
from dataclasses import replace
from datetime import datetime

from hub.domain.answers import Answer, Chosen, Measured, beyond_belief, parse_answer, says_bound, takes_back
from hub.domain.checkin_texts import saved, saved_and_looked_at
from hub.domain.messages import LEFT
from hub.domain.patients import Patient
from hub.domain.wording import plain
from hub.services.alerting import data_returned
from hub.services.checkins.asking import LOOKS_AGAIN, following, put
from hub.services.checkins.ending import change, finish
from hub.services.checkins.heard import Heard
from hub.services.checkins.raising import hear_late, raise_chosen, raise_unbelieved
from hub.services.checkins.reported import keep_reading
from hub.services.checkins.silence import silent_about
from hub.services.checkins.taking_back import reply, take_back
from hub.services.checkins.talk import Talk, talk_of
from hub.services.hub import Hub
from hub.services.paging import clinic
from hub.services.ports.checkins import ANSWERED, NOT_UNDERSTOOD, Conversation
from hub.services.ports.storage import UnitOfWork
from hub.services.texting import CHECKIN


def answer(uow: UnitOfWork, hub: Hub, patient: Patient, inbound_id: int, body: str, now: datetime) -> Heard:
    """Take ``body`` as an answer to the patient's open conversation.

    Raises ``Transient`` if something changed meanwhile: the caller rolls back and handles the text again.
    """
    taken = take_back(uow, hub, patient, inbound_id, now) if takes_back(body) else Heard.NOTHING
    if taken is not Heard.NOTHING:
        return taken
    said_at = min(uow.outbox.inbound.get(inbound_id).received_at, now)
    row = uow.conversations.open_of(patient.id)
    talk = talk_of(uow, patient, row) if row is not None and _was_asked(uow, row, said_at) else None
    found = parse_answer(talk.step, body) if talk is not None else None
    if talk is None or found is None:
        hear_late(uow, hub, patient, body, said_at, now)
        return Heard.NOTHING if talk is None else _not_understood(uow, hub, talk, body, said_at, now)
    _keep(uow, hub, talk, inbound_id, found, said_at, now)
    return Heard.UNDERSTOOD


def _was_asked(uow: UnitOfWork, row: Conversation, said_at: datetime) -> bool:
    """Nobody answers a question that has not left: a doubled answer is none to the question after it."""
    answers = uow.conversations.answers(row.id)
    changed = max((one.withdrawn_at or one.answered_at for one in answers), default=row.asked_at)
    questions = [message for message in uow.outbox.of_conversation(row.id) if message.kind == CHECKIN]
    waiting = [message for message in questions if message.send_after >= changed] or questions[-1:]
    return any(message.state in LEFT and message.send_after <= said_at for message in waiting)


def _not_understood(uow: UnitOfWork, hub: Hub, talk: Talk, body: str, said_at: datetime, now: datetime) -> Heard:
    """Ask once more, at once: whoever just wrote is awake. The second time a person reads it."""
    if says_bound(talk.step, body):
        raise_unbelieved(uow, hub, talk, body, now)
    between = following(hub, talk, said_at, now)
    if not talk.row.prompts and put(uow, hub, talk, talk.step.ask_again, between, now):
        change(uow, replace(talk.row, prompts=talk.row.prompts + 1, check_at=now + LOOKS_AGAIN))
        return Heard.ASKED_AGAIN
    finish(uow, talk.row, NOT_UNDERSTOOD, now)
    if beyond_belief(talk.step, body):
        raise_unbelieved(uow, hub, talk, body, now)
    return Heard.GAVE_UP


def _keep(
    uow: UnitOfWork, hub: Hub, talk: Talk, inbound_id: int, found: Answer, said_at: datetime, now: datetime
) -> None:
    patient, row = talk.patient, talk.row
    uow.outbox.cancel_of_conversation(row.id)
    journal_id, spoke = None, False
    if isinstance(found, Measured):
        journal_id, spoke = keep_reading(uow, hub, patient, inbound_id, found.values, now)
    elif found.choice.severity is not None:
        raise_chosen(uow, hub, talk, found.choice, found.choice.severity, now)
        spoke = True
    uow.conversations.keep_answer(row.id, inbound_id, talk.step.id, _kept(found), now, journal_id)
    data_returned(uow, hub, patient.id, silent_about(talk.checkin.id), now)
    if not _go_on(uow, hub, talk, said_at, now):
        finish(uow, row, ANSWERED, now)
        here = clinic(hub, patient)
        thanks = saved_and_looked_at(here, hub.site.emergency_number) if spoke else saved(here)
        reply(uow, hub, talk, inbound_id, thanks, now)


def _go_on(uow: UnitOfWork, hub: Hub, talk: Talk, said_at: datetime, now: datetime) -> bool:
    """Put the next question; False if there is none, or none may be put any more."""
    checkin, place = talk.checkin, talk.row.step + 1
    if place >= len(checkin.steps):
        return False
    if not put(uow, hub, talk, checkin.steps[place].ask, following(hub, talk, said_at, now), now):
        return False
    change(uow, replace(talk.row, step=place, check_at=now + LOOKS_AGAIN))
    return True


def _kept(found: Answer) -> str:
    """What is kept of it as JSON: the option's digit, or each value in its metric's unit."""
    if isinstance(found, Chosen):
        return json.dumps(found.choice.digit)
    return json.dumps({value.metric: plain(value.value) for value in found.values})
