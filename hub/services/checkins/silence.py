"""A conversation that nobody has answered yet: asked once more, then over. Counted from when its question left."""

from dataclasses import replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from hub.domain.findings import Finding
from hub.domain.messages import ARRIVING, Sending
from hub.domain.severity import Severity
from hub.domain.slots import RECENT, missing_problem, silence_severity
from hub.services.alerting import Raised, raise_alert
from hub.services.checkins.asking import LOOKS_AGAIN, leaving, put
from hub.services.checkins.ending import change, finish
from hub.services.checkins.talk import Talk, talk_of
from hub.services.hub import Hub
from hub.services.ports.alerting import Message
from hub.services.ports.checkins import CANCELLED, EXPIRED, NOT_SENT, OPEN, SCHEDULE
from hub.services.ports.storage import UnitOfWork
from hub.services.texting import CHECKIN, TEXTED

_NOT_LEFT = frozenset({Sending.PENDING, Sending.SENDING})


def attend(uow: UnitOfWork, hub: Hub, conversation_id: int, now: datetime) -> None:
    """Look at an open conversation whose time has come."""
    row = uow.conversations.get(conversation_id)
    if row.state != OPEN or row.check_at is None or row.check_at > now:
        return
    talk = talk_of(uow, uow.patients.get(row.patient_id), row)
    questions = [message for message in uow.outbox.of_conversation(row.id) if message.kind == CHECKIN]
    left = [at for at in map(_left_at, questions) if at is not None]
    if talk.patient.state not in TEXTED:
        finish(uow, row, CANCELLED, now)
    elif questions and questions[-1].state in _NOT_LEFT:
        change(uow, replace(row, check_at=max(now, questions[-1].send_after) + LOOKS_AGAIN))
    elif left:
        _silent(uow, hub, talk, max(left), now)
    else:
        _over(uow, hub, talk, NOT_SENT, now)


def _left_at(message: Message) -> datetime | None:
    """When the question left; None if it surely did not arrive. One that may have left is waited for like any other."""
    if message.state in ARRIVING:
        return message.sent_at or message.send_after
    return message.send_after if message.state is Sending.UNKNOWN else None


def _silent(uow: UnitOfWork, hub: Hub, talk: Talk, left_at: datetime, now: datetime) -> None:
    asks_again, expires = left_at + _span(hub, talk.checkin.ask_again), left_at + _span(hub, talk.checkin.expires)
    if now >= expires:
        _over(uow, hub, talk, EXPIRED, now)
    elif not talk.row.prompts and now < asks_again:
        change(uow, replace(talk.row, check_at=asks_again))
    elif talk.row.prompts or not _ask_anew(uow, hub, talk, now):
        change(uow, replace(talk.row, check_at=expires))


def _ask_anew(uow: UnitOfWork, hub: Hub, talk: Talk, now: datetime) -> bool:
    """Put the question once more; False if it may not leave soon, and then it is not."""
    leaves, over = leaving(hub, talk.patient, talk.checkin, now), now + talk.checkin.too_old
    if leaves >= over or not put(uow, hub, talk, talk.step.ask_again, (leaves, over), now):
        return False
    change(uow, replace(talk.row, prompts=talk.row.prompts + 1, check_at=leaves + LOOKS_AGAIN))
    return True


def _span(hub: Hub, span: timedelta) -> timedelta:
    """As signed; a demo, which nobody watches for hours, is as many times faster as its escalation."""
    return span * hub.site.escalation_scale if hub.site.demo else span


def _over(uow: UnitOfWork, hub: Hub, talk: Talk, state: str, now: datetime) -> None:
    """End it. What was asked for a late reading goes its own way; what was asked by the clock is an alert (SF8)."""
    finish(uow, talk.row, state, now)
    if talk.row.cause != SCHEDULE:
        return
    patient, checkin = talk.patient, talk.checkin
    worst = uow.findings.worst_since(patient.id, now - RECENT)
    asked = talk.row.asked_at.astimezone(ZoneInfo(patient.zone))
    some = any(answer.withdrawn_at is None for answer in uow.conversations.answers(talk.row.id))
    why = "the text did not leave" if state == NOT_SENT else "the rest is open" if some else "no answer came"
    finding = Finding(
        rule=f"checkin-{checkin.id}",
        problem=missing_problem(silent_about(checkin.id)),
        severity=silence_severity(now, [] if worst is None else [(Severity(worst), now)]),
        at=now,
        sentence=f"{'Half an' if some else 'No'} answer: {checkin.title}, asked {asked:%a %d %b %H:%M}, and {why}",
        inputs={"check-in": f"{checkin.id} version {checkin.version}", "asked anew": str(talk.row.prompts)},
    )
    raised = Raised(finding, "missing", checkin.signed_by is not None, None, page=True)
    raise_alert(uow, hub, patient, raised, f"patient:{patient.id}", now)


def silent_about(checkin_id: str) -> str:
    """What stands for a metric where silence is about a check-in: its next answer closes the alert."""
    return f"checkin-{checkin_id}"
