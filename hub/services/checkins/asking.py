"""Putting questions: one conversation at a time, not at night, not too late, not too often, not without consent."""

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from hub.domain.checkin_texts import question
from hub.domain.checkins import CheckIn, may_leave, must_have_left
from hub.domain.patients import Patient
from hub.domain.slots import local_instant
from hub.services.checkins.talk import Talk, talk_of
from hub.services.hub import Hub
from hub.services.paging import clinic
from hub.services.ports.checkins import CheckInForce
from hub.services.ports.storage import UnitOfWork
from hub.services.texting import ANSWER_VALID, CHECKIN, NewText, text_patient

A_DAY = 3
"""Texts with questions that one patient gets on one local day at most."""

LOOKS_AGAIN = timedelta(minutes=1)
"""How soon it is looked whether a question has left."""


@dataclass(frozen=True, slots=True)
class Cause:
    """Why somebody is asked. ``since``: when there was reason to; ``until``: when there is no more."""

    kind: str  # schedule | missing
    key: str
    since: datetime
    until: datetime | None = None


class _NotAsked(Exception):
    """What was begun is undone."""


def ask(uow: UnitOfWork, hub: Hub, patient: Patient, in_force: CheckInForce, cause: Cause, now: datetime) -> int | None:
    """The new conversation. None: this cause has asked before, another conversation is open, or no text may leave."""
    checkin = in_force.checkin
    if checkin.signed_by is None and not hub.site.demo:
        return None  # production asks nobody what no clinician answers for (SF21)
    leaves, over = leaving(hub, patient, checkin, now), cause.since + checkin.too_old
    over = over if cause.until is None else min(over, cause.until)
    if leaves >= over:
        return None
    try:
        with uow.savepoint():
            return _begin(uow, hub, patient, in_force, cause, (leaves, over), now)
    except _NotAsked:
        return None


def _begin(
    uow: UnitOfWork,
    hub: Hub,
    patient: Patient,
    in_force: CheckInForce,
    cause: Cause,
    between: tuple[datetime, datetime],
    now: datetime,
) -> int:
    leaves, _ = between
    check_at = leaves + LOOKS_AGAIN
    opened = uow.conversations.open(patient.id, in_force.version_id, cause.kind, cause.key, leaves, check_at)
    if opened is None:
        raise _NotAsked
    talk = talk_of(uow, patient, uow.conversations.get(opened))
    if not put(uow, hub, talk, talk.step.ask, between, now):
        raise _NotAsked
    return opened


def leaving(hub: Hub, patient: Patient, checkin: CheckIn, now: datetime) -> datetime:
    """When a question may leave. A demo's phones wake nobody: there no hour is quiet."""
    return now if hub.site.demo else may_leave(checkin, ZoneInfo(patient.zone), now)


def following(hub: Hub, talk: Talk, said_at: datetime, now: datetime) -> tuple[datetime, datetime]:
    """When a question may leave that follows a text: at once while its writer is surely awake, later like any other."""
    awake = now - said_at <= ANSWER_VALID
    return now if awake else leaving(hub, talk.patient, talk.checkin, now), now + talk.checkin.too_old


def put(
    uow: UnitOfWork, hub: Hub, talk: Talk, template: str, between: tuple[datetime, datetime], now: datetime
) -> bool:
    """Queue a question; False if the patient may not be texted, has been texted enough today, or it would be too late.

    What has not left when the quiet hours begin does not leave: a provider or a worker may be down for hours.
    """
    patient, talk_id, (leaves, over) = talk.patient, talk.row.id, between
    if not hub.site.demo:
        over = min(over, must_have_left(talk.checkin, ZoneInfo(patient.zone), leaves) or leaves + ANSWER_VALID)
    if leaves >= over:
        return False
    if patient.phone is None or len(uow.outbox.inbound.patients_with_phone(patient.phone)) > 1:
        return False  # whose answer it is could not be told
    if uow.outbox.texts_to(patient.id, CHECKIN, _midnight(patient, now)) >= A_DAY:
        return False
    before = sum(message.kind == CHECKIN for message in uow.outbox.of_conversation(talk_id))
    body = question(clinic(hub, patient), hub.site.emergency_number, template, first=before == 0)
    text = NewText(CHECKIN, body, f"conversation:{talk_id}:question:{before}", leaves, over, talk_id)
    return text_patient(uow, hub, patient, text, now) is not None


def _midnight(patient: Patient, now: datetime) -> datetime:
    """The beginning of the patient's day."""
    zone = ZoneInfo(patient.zone)
    return local_instant(time(0), now.astimezone(zone).date(), zone) or now
