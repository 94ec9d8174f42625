"""Held readings that nobody decided on for 4 h are a task (SF18)."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from hub.domain.custody import WHY_HELD
from hub.services.hub import Hub
from hub.services.ports.alerting import NewTask
from hub.services.ports.storage import UnitOfWork

WAITS = timedelta(hours=4)
EVERY = timedelta(minutes=1)


class Inbox:
    """The inbox of readings without an owner."""

    name = "inbox"
    deadline = timedelta(seconds=10)

    def __init__(self) -> None:
        self._looked_at: datetime | None = None

    def run(self, hub: Hub, now: datetime) -> int:
        """One open task a gateway and reason. Done while readings still wait, it is asked anew the next day."""
        if self._looked_at is not None and timedelta(0) <= now - self._looked_at < EVERY:
            return 0
        with hub.unit_of_work() as uow:
            waiting = uow.journal.held_since(now - WAITS)
            asked = uow.tasks.open_keys("unassigned") if waiting else set()
            made = sum(_ask(uow, hub, gateway_id, code, asked, now) for gateway_id, code in waiting)
            if made:
                uow.commit()
        self._looked_at = now
        return made


def _ask(uow: UnitOfWork, hub: Hub, gateway_id: str, code: str, asked: set[str], now: datetime) -> bool:
    duty = f"unassigned:{gateway_id}:{code}:"
    if any(key.startswith(duty) for key in asked):
        return False
    gateway = uow.gateways.find(gateway_id)
    task = NewTask(
        kind="unassigned",
        title=f"Readings from {gateway.name if gateway else gateway_id} wait for an owner: {WHY_HELD[code]}",
        due_at=now + timedelta(hours=4),
        role="nurse",
        key=f"{duty}{now.astimezone(ZoneInfo(hub.site.zone)).date()}",
    )
    return uow.tasks.add(task, now) is not None
