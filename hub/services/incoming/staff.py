"""Texts of staff, who answer pages with them.

They are not searched for danger: a nurse who writes of a patient's chest pain has read the page, and must not be paged
for writing.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from hub.domain import texts
from hub.domain.alerts import Acknowledge, Alert, State
from hub.domain.escalation import CONTACT, RESOLUTION
from hub.domain.keywords import Keyword
from hub.domain.lifecycle import why_not
from hub.domain.messages import NEWS_VALID
from hub.domain.replies import BARE, NOT_REUSED, Reply, Verb, parse
from hub.domain.severity import Severity
from hub.services.acknowledge import hand_over, take
from hub.services.alerting import technical, technical_over
from hub.services.hub import Actor, Hub
from hub.services.incoming.received import Received, provider_answered, too_many
from hub.services.paging import LAST_RESORT, clinic
from hub.services.ports.alerting import NewMessage, ReplyCode
from hub.services.ports.staff import StaffMember
from hub.services.ports.storage import UnitOfWork
from hub.services.transitions import Changed

OPTED_OUT = "opted-out"


@dataclass(frozen=True, slots=True)
class _Text:
    """One text being answered."""

    actor: Actor
    phone: str
    body: str
    codes: list[ReplyCode]
    """Those that were told before it was written, the newest first."""
    said_at: datetime
    now: datetime


@dataclass(frozen=True, slots=True)
class _Answer:
    """What is texted back, and what the text was understood as; None: it stays unread."""

    body: str
    understood: str | None
    kind: str = "reply"
    alert_id: int | None = None


def answer_staff(uow: UnitOfWork, hub: Hub, member: StaffMember | None, received: Received) -> None:
    """Do what a member of staff asks for by text, and answer. ``member`` None: it is the contact of last resort."""
    phone, body, now = received.text.sender, received.text.body, received.now
    actor = Actor(member.name, member.role, member.id) if member else Actor(LAST_RESORT, "last_resort")
    understood = _keyword(uow, hub, actor, received)
    if understood is not None:
        uow.outbox.inbound.understood(received.id, understood, now)
        return
    said_at = min(received.text.received_at, now)  # it may be brought late: it answers nothing that was told since
    codes = [code for code in uow.outbox.codes(phone, said_at - NOT_REUSED) if code.issued_at <= said_at]
    text = _Text(actor, phone, body, codes, said_at, now)
    found = _answer(uow, hub, text, received)
    if found.understood is not None:
        uow.outbox.inbound.understood(received.id, found.understood, now)
    elif too_many(uow, received):
        return
    message = NewMessage(
        dedupe=f"inbound:{received.id}:reply",
        kind=found.kind,
        to=phone,
        body=found.body,
        send_after=now,
        valid_until=now + NEWS_VALID,
        staff_id=actor.staff_id,
        alert_id=found.alert_id,
    )
    uow.outbox.add(message, now)


def _keyword(uow: UnitOfWork, hub: Hub, actor: Actor, received: Received) -> str | None:
    """What a keyword was understood as that the hub need not answer; None: the text is to be answered."""
    subject, now = opted_out_subject(actor.staff_id), received.now
    if received.said is Keyword.STOP:
        opted_out(uow, hub, actor.name, actor.staff_id, now)
        return OPTED_OUT
    if received.said is Keyword.START and uow.alerts.open_of(subject, OPTED_OUT):
        technical_over(uow, hub, subject, OPTED_OUT, now)
        return "opted-in"
    return "help" if received.said is Keyword.HELP and provider_answered(hub, received) else None


def opted_out(uow: UnitOfWork, hub: Hub, name: str, staff_id: int | None, now: datetime) -> None:
    """The provider now blocks this phone: whoever had it is not paged any more, and must not find out at night."""
    sentence = f"{name} has opted out of texts: pages no longer reach this phone"
    technical(uow, hub, opted_out_subject(staff_id), OPTED_OUT, Severity.AMBER, sentence, now)


def opted_out_subject(staff_id: int | None) -> str:
    """What the alarm is of: this person's phone."""
    return f"staff:{staff_id or 'last-resort'}"


def _answer(uow: UnitOfWork, hub: Hub, text: _Text, received: Received) -> _Answer:
    reply = parse(text.body)
    if reply is not None:
        return _obey(uow, hub, text, reply)
    if received.said is Keyword.HELP:
        return _Answer(texts.how_to_answer(clinic(hub)), "help")
    return _Answer(texts.not_understood(clinic(hub)), None)


def _obey(uow: UnitOfWork, hub: Hub, text: _Text, reply: Reply) -> _Answer:
    code = _code(uow, text, reply)
    if code is None:
        return _Answer(texts.no_such_code(clinic(hub), reply.digit, _open_codes(uow, text)), "unknown code")
    alert = uow.alerts.get(code.alert_id)
    if not alert.live:
        why = why_not(alert, Acknowledge(text.actor.name, text.actor.staff_id), text.now)
        return _Answer(texts.old_code(clinic(hub), code.digit, alert.ref, why), "old code")
    if reply.verb is Verb.CLOSE:
        return _Answer(texts.not_by_text(clinic(hub), alert.ref), "close refused")
    if reply.verb is Verb.PASS:
        return _pass(uow, hub, text, alert)
    return _take(uow, hub, text, alert, code)


def _code(uow: UnitOfWork, text: _Text, reply: Reply) -> ReplyCode | None:
    """The newest code with this number; for a bare word the one alert paged here in the last 15 min (SF14)."""
    if reply.digit is not None:
        return next((code for code in text.codes if code.digit == reply.digit), None)
    pages = uow.outbox.pages_to(text.phone, text.said_at - BARE)
    recent = {message.alert_id for message in pages if message.send_after <= text.said_at}
    if len(recent) != 1:
        return None
    return next((code for code in text.codes if code.alert_id in recent), None)


def _open_codes(uow: UnitOfWork, text: _Text) -> list[tuple[int, str]]:
    newest = {code.alert_id: code.digit for code in reversed(text.codes)}
    alerts = [uow.alerts.get(alert_id) for alert_id in newest]
    return sorted((newest[alert.id], alert.ref) for alert in alerts if alert.live)


def _take(uow: UnitOfWork, hub: Hub, text: _Text, alert: Alert, code: ReplyCode) -> _Answer:
    if alert.worse_at is not None and code.issued_at < alert.worse_at and alert.state is State.OPEN:
        # They answer a page about less than this: an acknowledgement never covers a later red (SF13).
        uow.outbox.issue_code(ReplyCode(text.phone, code.digit, alert.id, text.now))
        return _Answer(texts.worse_since(clinic(hub), alert.severity, alert.ref, code.digit, alert.worse_at), "worse")
    outcome = take(uow, hub, alert, text.actor, text.phone, text.now, by_text=True)
    if isinstance(outcome, Changed):
        return _Answer(_taken(hub, outcome.after, text.now), outcome.transition, "taken", alert.id)
    after = uow.alerts.get(alert.id)
    mine = after.acknowledged_by == text.actor.staff_id and after.acknowledged_name == text.actor.name
    if mine:
        return _Answer(_taken(hub, after, after.acknowledged_at or text.now), "taken before")
    since = after.acknowledged_at or text.now
    return _Answer(texts.stand_down(clinic(hub), alert.ref, after.acknowledged_name or "", since), "taken by another")


def _taken(hub: Hub, alert: Alert, since: datetime) -> str:
    if not alert.red:
        return texts.taken(clinic(hub), alert.ref, None)
    wait = CONTACT if alert.one_patients else RESOLUTION
    by = since + timedelta(seconds=wait.total_seconds() * hub.site.escalation_scale)
    if alert.one_patients:
        return texts.taken(clinic(hub), alert.ref, by)
    return texts.taken_technical(clinic(hub), alert.ref, by)


def _pass(uow: UnitOfWork, hub: Hub, text: _Text, alert: Alert) -> _Answer:
    outcome = hand_over(uow, hub, alert, text.actor, text.phone, text.now)
    if isinstance(outcome, Changed):
        return _Answer(texts.passed_on(clinic(hub), alert.ref), outcome.transition, "stand_down", alert.id)
    return _Answer(texts.not_passed_on(clinic(hub), alert.ref, outcome.sentence), "not passed on")
