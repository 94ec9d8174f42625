"""A patient's text taken as the answer to what they were asked."""

import json
from dataclasses import replace
from datetime import datetime

from hub.domain.answers import Answer, Chosen, Measured, parse_answer, takes_back
from hub.domain.checkin_texts import saved, saved_and_looked_at
from hub.domain.checkins import Choice
from hub.domain.findings import Finding
from hub.domain.messages import LEFT
from hub.domain.patients import Patient
from hub.domain.severity import Severity
from hub.domain.wording import plain
from hub.services.alerting import Raised, data_returned, raise_alert
from hub.services.checkins.asking import LOOKS_AGAIN, put
from hub.services.checkins.ending import change, finish
from hub.services.checkins.heard import Heard
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
    if takes_back(body) and take_back(uow, hub, patient, inbound_id, now):
        return Heard.UNDERSTOOD
    row = uow.conversations.open_of(patient.id)
    if row is None or not _was_asked(uow, row):
        return Heard.NOTHING
    talk = talk_of(uow, patient, row)
    found = parse_answer(talk.step, body)
    if found is None:
        return _not_understood(uow, hub, talk, now)
    _keep(uow, hub, talk, inbound_id, found, now)
    return Heard.UNDERSTOOD


def _was_asked(uow: UnitOfWork, row: Conversation) -> bool:
    """Nobody answers a question that has not left."""
    return any(message.state in LEFT for message in uow.outbox.of_conversation(row.id) if message.kind == CHECKIN)


def _not_understood(uow: UnitOfWork, hub: Hub, talk: Talk, now: datetime) -> Heard:
    """Ask once more, at once: whoever just wrote is awake. The second time a person reads it."""
    between = (now, now + talk.checkin.too_old)
    if not talk.row.prompts and put(uow, hub, talk, talk.step.ask_again, between, now):
        change(uow, replace(talk.row, prompts=talk.row.prompts + 1, check_at=now + LOOKS_AGAIN))
        return Heard.ASKED_AGAIN
    finish(uow, talk.row, NOT_UNDERSTOOD, now)
    return Heard.GAVE_UP


def _keep(uow: UnitOfWork, hub: Hub, talk: Talk, inbound_id: int, found: Answer, now: datetime) -> None:
    patient, row = talk.patient, talk.row
    uow.outbox.cancel_of_conversation(row.id)
    journal_id, spoke = None, False
    if isinstance(found, Measured):
        journal_id, spoke = keep_reading(uow, hub, patient, inbound_id, found.values, now)
    elif found.choice.severity is not None:
        _raise(uow, hub, talk, found.choice, found.choice.severity, now)
        spoke = True
    uow.conversations.keep_answer(row.id, inbound_id, talk.step.id, _kept(found), now, journal_id)
    data_returned(uow, hub, patient.id, silent_about(talk.checkin.id), now)
    if not _go_on(uow, hub, talk, now):
        finish(uow, row, ANSWERED, now)
        here = clinic(hub, patient)
        thanks = saved_and_looked_at(here, hub.site.emergency_number) if spoke else saved(here)
        reply(uow, hub, talk, inbound_id, thanks, now)


def _go_on(uow: UnitOfWork, hub: Hub, talk: Talk, now: datetime) -> bool:
    """Put the next question; False if there is none, or none may be put any more."""
    checkin, following = talk.checkin, talk.row.step + 1
    if following >= len(checkin.steps):
        return False
    if not put(uow, hub, talk, checkin.steps[following].ask, (now, now + checkin.too_old), now):
        return False
    change(uow, replace(talk.row, step=following, check_at=now + LOOKS_AGAIN))
    return True


def _raise(uow: UnitOfWork, hub: Hub, talk: Talk, choice: Choice, severity: Severity, now: datetime) -> None:
    checkin = talk.checkin
    finding = Finding(
        rule=f"checkin-{checkin.id}",
        problem=f"checkin-{checkin.id}-{talk.step.id}",
        severity=severity,
        at=now,
        sentence=f"{choice.sentence}, says the patient by text",
        inputs={"check-in": f"{checkin.id} version {checkin.version}", "answer": f"{choice.digit}, {choice.words}"},
    )
    raised = Raised(finding, "clinical", checkin.signed_by is not None, None, page=True)
    raise_alert(uow, hub, talk.patient, raised, f"patient:{talk.patient.id}", now)


def _kept(found: Answer) -> str:
    """What is kept of it as JSON: the option's digit, or each value in its metric's unit."""
    if isinstance(found, Chosen):
        return json.dumps(found.choice.digit)
    return json.dumps({value.metric: plain(value.value) for value in found.values})
