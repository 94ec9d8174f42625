"""The disk is full: readings are not taken any more, and what is written now is written into the reserved space."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from hub.domain.severity import Severity
from hub.services.alerting import technical, technical_over
from hub.services.hub import Hub

PROBLEM = "disk-full"
SAYS = "The disk is full: no reading is stored or judged until there is room. They wait in the gateways"


@dataclass(slots=True)
class Room:
    """``given_up`` says whether the reserved space was."""

    given_up: Callable[[], bool]
    name: str = "room"
    deadline: timedelta = timedelta(seconds=10)
    _fine: bool = False

    def run(self, hub: Hub, now: datetime) -> int:
        """Open one red while there is no room; note its end."""
        full = self.given_up()
        if self._fine and not full:
            return 0
        with hub.unit_of_work() as uow:
            if full:
                technical(uow, hub, "hub", PROBLEM, Severity.RED, SAYS, now)
            else:
                technical_over(uow, hub, "hub", PROBLEM, now)
            uow.commit()
        self._fine = not full
        return int(full)
