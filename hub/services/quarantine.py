"""Bad messages: a person looks at each."""

from hub.errors import Conflict
from hub.services.hub import CLINICAL, OPERATORS, Actor, Hub, require


def mark_seen(hub: Hub, actor: Actor, quarantine_id: int, note: str) -> None:
    """Somebody looked at this message; its bytes stay."""
    require(actor, CLINICAL | OPERATORS)
    now = hub.clock.now()
    with hub.unit_of_work() as uow:
        if actor.staff_id is None or not uow.quarantine.mark_seen(quarantine_id, actor.staff_id, note.strip(), now):
            raise Conflict("somebody has looked at this message before")
        uow.audit.write(now, actor.name, "quarantine.seen", f"quarantine:{quarantine_id}", {})
        uow.commit()
