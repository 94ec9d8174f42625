"""A text that came in: staff answer pages with it; all else is an unread row on the worklist."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from hub.domain import texts
from hub.domain.alerts import Acknowledge, Alert, State
from hub.domain.escalation import CONTACT, RESOLUTION
from hub.domain.lifecycle import why_not
from hub.domain.messages import NEWS_VALID
from hub.domain.replies import BARE, NOT_REUSED, Reply, Verb, parse
from hub.domain.severity import Severity
from hub.errors import Conflict
from hub.services.acknowledge import hand_over, take
from hub.services.alerting import technical
from hub.services.hub import CLINICAL, Actor, Hub, require
from hub.services.paging import LAST_RESORT, clinic
from hub.services.ports.alerting import InboundText, NewMessage, ReplyCode
from hub.services.ports.storage import UnitOfWork
from hub.services.transitions import Changed

STOP_WORDS = frozenset({"stop", "stopall", "unsubscribe", "cancel", "end", "quit", "revoke", "optout"})
ANSWERS = 10
"""More texts than this from one number within ``BARE`` are no longer answered, unless they are understood."""


@dataclass(frozen=True, slots=True)
class _Text:
    """One text being answered."""

    actor: Actor
    phone: str
    body: str
    codes: list[ReplyCode]
    now: datetime


@dataclass(frozen=True, slots=True)
class _Answer:
    """What is texted back, and what the text was understood as; None: it stays unread."""

    body: str
    understood: str | None
    kind: str = "reply"
    alert_id: int | None = None


def receive_text(hub: Hub, provider_id: str, from_phone: str, body: str) -> None:
    """Keep the text and act on it, once however often the provider tells of it."""
    now = hub.clock.now()
    with hub.unit_of_work() as uow:
        member = uow.staff.by_phone(from_phone)
        patients = [] if member else uow.outbox.inbound.patients_with_phone(from_phone)
        row = InboundText(
            provider_id=provider_id,
            sender=from_phone,
            body=body,
            received_at=now,
            staff_id=member.id if member else None,
            patient_id=patients[0] if len(patients) == 1 else None,
            understood=None,
        )
        inbound_id = uow.outbox.inbound.add(row)
        if inbound_id is None or not uow.outbox.inbound.handled(inbound_id, row.staff_id, row.patient_id, now):
            return
        codes = uow.outbox.codes(from_phone, now - NOT_REUSED)
        if member or from_phone == hub.site.last_resort_phone:  # an old code is no proof: its phone may be a leaver's
            actor = Actor(member.name, member.role, member.id) if member else Actor(LAST_RESORT, "last_resort")
            _answer(uow, hub, _Text(actor, from_phone, body, codes, now), inbound_id)
        uow.commit()


def mark_read(hub: Hub, actor: Actor, inbound_id: int) -> None:
    """Somebody has read a text that was not understood, and answers for what it asks (SF16); the text stays."""
    require(actor, CLINICAL)
    now = hub.clock.now()
    with hub.unit_of_work() as uow:
        if not uow.outbox.inbound.mark_read(inbound_id, now):
            raise Conflict("somebody has read this text before")
        uow.audit.write(now, actor.name, "text.read", f"inbound:{inbound_id}", {})
        uow.commit()


def _answer(uow: UnitOfWork, hub: Hub, text: _Text, inbound_id: int) -> None:
    if text.body.strip().lower() in STOP_WORDS:
        # The provider now blocks this number: whoever had it is no longer paged, and must not find out at night.
        sentence = f"{text.actor.name} has opted out of texts: pages no longer reach this phone"
        subject = f"staff:{text.actor.staff_id or 'last-resort'}"
        technical(uow, hub, subject, "opted-out", Severity.AMBER, sentence, text.now)
        uow.outbox.inbound.understood(inbound_id, "opted-out", text.now)
        return
    reply = parse(text.body)
    found = _Answer(texts.not_understood(clinic(hub)), None) if reply is None else _obey(uow, hub, text, reply)
    if found.understood is not None:
        uow.outbox.inbound.understood(inbound_id, found.understood, text.now)
    elif uow.outbox.inbound.count_from(text.phone, text.now - BARE) > ANSWERS:
        return  # two machines answering each other
    message = NewMessage(
        dedupe=f"inbound:{inbound_id}:reply",
        kind=found.kind,
        to=text.phone,
        body=found.body,
        send_after=text.now,
        valid_until=text.now + NEWS_VALID,
        staff_id=text.actor.staff_id,
        alert_id=found.alert_id,
    )
    uow.outbox.add(message, text.now)


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
    recent = {message.alert_id for message in uow.outbox.pages_to(text.phone, text.now - BARE)}
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
