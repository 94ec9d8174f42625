"""Texts that wait for a person."""

from hub.errors import Conflict
from hub.services.hub import CLINICAL, Actor, Hub, require


def mark_read(hub: Hub, actor: Actor, inbound_id: int) -> None:
    """Somebody has read a text that was not understood, and answers for what it asks (SF16); the text stays."""
    require(actor, CLINICAL)
    now = hub.clock.now()
    with hub.unit_of_work() as uow:
        if not uow.outbox.inbound.mark_read(inbound_id, now):
            raise Conflict("somebody has read this text before")
        uow.audit.write(now, actor.name, "text.read", f"inbound:{inbound_id}", {})
        uow.commit()
