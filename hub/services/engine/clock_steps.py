"""The wall clock is set anew: what was due in five minutes is due in five minutes, and not two hours later (G6)."""

import logging
from collections.abc import Callable
from datetime import datetime, timedelta

from hub.services.hub import HUB, Hub
from hub.services.ports.storage import UnitOfWork

log = logging.getLogger(__name__)

NOTHING = timedelta(0)
TOLERATED = timedelta(seconds=2)
"""Between two ticks; more is no clock that runs unevenly."""


class ClockSteps:
    """Moves deadlines along with a clock that steps. Each line of ticks has its own, before whatever they are for.

    Where the clock was set before the worker started, nothing tells of it. Tasks and questions belong to an hour of the
    day, and keep it.
    """

    deadline = timedelta(seconds=5)

    def __init__(self, name: str, follow: Callable[[UnitOfWork, timedelta], int]) -> None:
        """``follow`` moves deadlines by so much and says how many."""
        self.name = name
        self._follow = follow
        self._ahead_s: float | None = None
        """Seconds by which the wall clock is ahead of the monotonic one."""

    def run(self, hub: Hub, now: datetime) -> int:
        """How many deadlines were moved."""
        ahead_s = now.timestamp() - hub.clock.monotonic()
        step = timedelta(seconds=0 if self._ahead_s is None else ahead_s - self._ahead_s)
        moved = 0
        if abs(step) > TOLERATED:
            with hub.unit_of_work() as uow:
                moved = self._follow(uow, step)
                said = {"seconds": round(step.total_seconds()), "moved": moved}
                uow.audit.write(now, HUB.name, "clock.stepped", self.name, said)
                uow.commit()
            log.warning("the clock was set: deadlines follow", extra={"what": self.name, **said})
        self._ahead_s = ahead_s
        return moved


def alerts_follow() -> ClockSteps:
    """Pages and lapses follow a clock that is set back. When it is set forward they come early, and none comes late."""
    return ClockSteps("alerts-clock", lambda uow, step: uow.alerts.set_back(-step) if step < NOTHING else 0)


def messages_follow() -> ClockSteps:
    """Messages on their way leave no later than before, and a clock set forward makes none too old to be sent.

    A few may have been written between the step and this. So nothing is ever put off, and nothing made older.
    """
    return ClockSteps(
        "messages-clock",
        lambda uow, step: uow.outbox.set_back(-step) if step < NOTHING else uow.outbox.keep_longer(step),
    )
