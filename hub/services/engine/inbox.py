"""A held reading that nobody decided on for 4 h is a task (SF18)."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from hub.services.hub import Hub
from hub.services.ports.alerting import NewTask

WAITS = timedelta(hours=4)


@dataclass(frozen=True, slots=True)
class Inbox:
    """The inbox of readings without an owner."""

    name: str = "inbox"
    deadline: timedelta = timedelta(seconds=10)

    def run(self, hub: Hub, now: datetime) -> int:
        """One task a device and day of its oldest held reading: what is decided and begins anew is asked anew."""
        with hub.unit_of_work() as uow:
            made = 0
            for device, oldest in uow.journal.held_since(now - WAITS):
                task = NewTask(
                    kind="unassigned",
                    title=f"Readings of device {device} wait for an owner",
                    due_at=now + timedelta(hours=4),
                    role="nurse",
                    key=f"unassigned:{device}:{oldest:%Y-%m-%d}",
                )
                made += uow.tasks.add(task, now) is not None
            if made:
                uow.commit()
        return made
