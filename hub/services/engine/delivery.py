"""Messages that have to leave: claimed under a lease, sent outside any transaction, recorded under the same fence.

A process may die at any line of this. Before the claim nothing happened; after it the lease ends, and the message is
sent again only where the channel shows a second one once. Where it might show twice the message is ``unknown``: never
resent blindly, the next person is paged instead (G5).
"""

import logging
from datetime import datetime, timedelta

from hub.domain.alerts import State
from hub.domain.messages import Sending, try_again
from hub.domain.severity import Severity
from hub.services.alerting import technical
from hub.services.delivery import settle
from hub.services.hub import Hub
from hub.services.ports.alerting import Message
from hub.services.ports.base import Delivery as Told
from hub.services.ports.storage import UnitOfWork
from hub.services.texting import why_not_sent

log = logging.getLogger(__name__)

LEASE = timedelta(seconds=20)
AT_ONCE = 200
"""Messages one tick sends at most; the next goes on."""
CRASHES = 5
"""A message begun this often and never finished kills whoever sends it."""


class Delivery:
    """Sends what is due. Any number of workers may run it at once."""

    name = "delivery"
    deadline = timedelta(seconds=20)
    enough = 10.0
    """Seconds after which the rest waits for the next tick: the other modules are due as well."""

    def run(self, hub: Hub, now: datetime) -> int:
        """How many messages were sent, given up or found stale."""
        changed = _tidy(hub, now)
        started = hub.clock.monotonic()
        for _ in range(AT_ONCE):
            message = None if hub.clock.monotonic() - started > self.enough else _claim(hub, now)
            if message is None:
                break
            changed += _send(hub, message)
        return changed


def _claim(hub: Hub, now: datetime) -> Message | None:
    """The next message. One at a time: of a whole batch the last leases would run out behind a slow provider."""
    at = max(now, hub.clock.now())
    with hub.unit_of_work() as uow:
        claimed = uow.outbox.claim(at, at + LEASE, hub.channel.name, 1)
        if claimed:
            uow.commit()
    return claimed[0] if claimed else None


def _tidy(hub: Hub, now: datetime) -> int:
    """Give up what is too old, and what a dead worker left half done."""
    with hub.unit_of_work() as uow:
        changed = uow.outbox.expire(now)
        for message in uow.outbox.lapsed(now, AT_ONCE):
            with uow.savepoint():
                _recover(uow, hub, message, now)
            changed += 1
        if changed:
            uow.commit()
    return changed


def _recover(uow: UnitOfWork, hub: Hub, message: Message, now: datetime) -> None:
    if hub.channel.idempotent and message.attempts_started < CRASHES:
        uow.outbox.again(message.id, message.fence, now, "the worker died before it was known to be sent")
        return
    told = Sending.FAILED if hub.channel.idempotent else Sending.UNKNOWN
    error = "the worker died while sending"
    if uow.outbox.record(message.id, message.fence, told, None, error, now):
        settle(uow, hub, message, told, error, now)


def _send(hub: Hub, message: Message) -> bool:
    try:
        now = hub.clock.now()
        if not _still_to_be_sent(hub, message, now):
            return False
        told = _told(hub, message, now)
        _record(hub, message, told)
    except Exception as error:  # the lease ends by itself; the messages behind this one are due as well
        log.exception("a message could not be recorded", extra={"outbox": message.id})
        _alarm(hub, message, error)
        return False
    return True


def _still_to_be_sent(hub: Hub, message: Message, now: datetime) -> bool:
    """Asked immediately before sending: the lease is ours, consent still stands, the page is still about something."""
    with hub.unit_of_work() as uow:
        if not uow.outbox.mine(message.id, message.fence, now):
            return False
        why_not = why_not_sent(uow, message) or _moved_on(uow, message)
        if why_not is None:
            return True
        uow.outbox.record(message.id, message.fence, Sending.CANCELLED, None, why_not, now)
        uow.commit()
    return False


def _moved_on(uow: UnitOfWork, message: Message) -> str | None:
    if message.kind != "page" or message.alert_id is None:
        return None
    alert = uow.alerts.get(message.alert_id)
    return None if alert.state is State.OPEN and alert.round == message.round else "the alert moved on"


def _told(hub: Hub, message: Message, now: datetime) -> Told:
    try:
        return hub.channel.send(message.id, message.to, message.body, now)
    except Exception as error:  # a channel's fault is like a line that went dead: it may have left
        log.exception("a channel failed", extra={"outbox": message.id})
        return Told(Sending.UNKNOWN.value, error=type(error).__name__)


def _record(hub: Hub, message: Message, told: Told) -> None:
    now = hub.clock.now()
    state = Sending(told.state)
    with hub.unit_of_work() as uow:
        wait = None
        if state is Sending.FAILED:
            wait = try_again(message.attempts_started, permanent=told.permanent)
        if wait is not None:
            moved = uow.outbox.again(message.id, message.fence, now + wait, told.error)
        else:
            moved = uow.outbox.record(message.id, message.fence, state, told.provider_id, told.error, now)
        if moved:
            settle(uow, hub, message, state, told.error, now)
            uow.commit()


def _alarm(hub: Hub, message: Message, error: Exception) -> None:
    sentence = f"Message {message.id} could not be handled ({type(error).__name__})"
    with hub.unit_of_work() as uow:
        technical(uow, hub, "engine:delivery", "row-failed", Severity.RED, sentence, hub.clock.now())
        uow.commit()
