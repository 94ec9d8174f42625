"""What follows from how a message fared: the next person now, or the alarm that nobody was reached (E10, SF12).

Of a patient's text: see ``hub.services.unreachable``.
"""

from datetime import datetime

from hub.domain.messages import ARRIVING, DEAD, Sending
from hub.domain.severity import Severity
from hub.services.alerting import technical, technical_over
from hub.services.hub import Hub
from hub.services.paging import nobody_reached, not_reached
from hub.services.ports.alerting import Message
from hub.services.ports.storage import UnitOfWork
from hub.services.unreachable import not_delivered

PROBLEM = "nobody-reached"


def receive_status(
    hub: Hub, provider_id: str, told: Sending, error: str | None = None, *, message_id: int | None = None, to: str = ""
) -> bool:
    """A provider's word about a message. False: late, doubled, or about no message of ours; nothing changed.

    ``message_id`` and ``to``: what it was sent as, which finds a message whose sending nobody saw the end of.
    """
    now = hub.clock.now()
    with hub.unit_of_work() as uow:
        if message_id is not None:
            uow.outbox.adopt(message_id, to, provider_id)
        message = uow.outbox.status(provider_id, told, error, now)
        if message is None:
            return False
        settle(uow, hub, message, told, error, now)
        uow.commit()
    return True


def status_not_understood(hub: Hub) -> None:
    """The provider says something that this version cannot read: until it can, a page that fails may go unnoticed."""
    sentence = f"Delivery reports of {hub.channel.name} are not understood: a page that fails waits for its step."
    with hub.unit_of_work() as uow:
        technical(uow, hub, _subject(hub), "status-not-understood", Severity.AMBER, sentence, hub.clock.now())
        uow.commit()


def settle(uow: UnitOfWork, hub: Hub, message: Message, told: Sending, error: str | None, now: datetime) -> None:
    """Draw the consequence of ``told`` and the provider's ``error``, which the message's row already says."""
    if told in DEAD:
        not_delivered(uow, hub, message, error, now)
    if message.kind != "page" or message.alert_id is None:
        return
    counts = hub.channel.reaches_people or hub.site.demo
    if told in ARRIVING and counts:
        technical_over(uow, hub, _subject(hub), PROBLEM, now)
    elif told in ARRIVING:
        _raise(uow, hub, message.alert_id, f"Pages go to {hub.channel.name}, which reaches no person.", now)
    elif (told in DEAD or told is Sending.UNKNOWN) and not not_reached(uow, hub, message, now):
        _raise(uow, hub, message.alert_id, "Every page of an alert failed: nobody was reached.", now)


def _raise(uow: UnitOfWork, hub: Hub, alert_id: int, sentence: str, now: datetime) -> None:
    nobody_reached(uow, alert_id, now)
    technical(uow, hub, _subject(hub), PROBLEM, Severity.RED, sentence, now)


def _subject(hub: Hub) -> str:
    return f"channel:{hub.channel.name}"
