"""Keeping a text that came in. What it asks for is the worker's to find out: whoever brings it is answered at once."""

from datetime import datetime

from hub.domain.severity import Severity
from hub.services.alerting import technical
from hub.services.hub import Hub
from hub.services.ports.alerting import InboundText

UNREADABLE = "A text that came in cannot be read: look at Quarantine. It may be a patient's."
PROBLEM = "text-not-understood"


def keep_text(
    hub: Hub,
    provider_id: str,
    sender: str,
    body: str,
    to: str | None = None,
    media: int = 0,
    opt_out: str | None = None,
    received_at: datetime | None = None,
) -> bool:
    """Whether the text is new; once the provider has told of it, telling again changes nothing.

    ``received_at``: when it came, where that was before now.
    """
    now = hub.clock.now()
    text = InboundText(
        provider_id=provider_id,
        sender=sender,
        body=body,
        received_at=now if received_at is None else min(received_at, now),
        to=to,
        media=media,
        opt_out=opt_out,
    )
    with hub.unit_of_work() as uow:
        new = uow.outbox.inbound.add(text) is not None
        uow.commit()
    return new


def keep_unreadable(hub: Hub, provider: str, path: str, detail: str, raw: bytes) -> None:
    """A text that the provider brought and nobody can read as one: all of it is kept, and somebody is told."""
    now = hub.clock.now()
    with hub.unit_of_work() as uow:
        uow.quarantine.add(provider, path, "inbound_text", detail, raw, now)
        technical(uow, hub, f"channel:{hub.channel.name}", PROBLEM, Severity.RED, UNREADABLE, now)
        uow.commit()
