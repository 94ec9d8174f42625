"""The months of the long tables are made before anything is written into them."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from hub.services.hub import Hub

EVERY = timedelta(days=1)
AGAIN = timedelta(minutes=1)


@dataclass(slots=True)
class Months:
    """On a line of its own: rows may have to move. A month that is late loses nothing, its rows wait elsewhere."""

    make_ahead: Callable[[datetime], int]
    """Makes what is missing as of an instant and says how much; raises ``Transient`` while somebody is in its way."""
    name: str = "months"
    deadline: timedelta = timedelta(hours=1)
    _next_at: datetime | None = None

    def run(self, hub: Hub, now: datetime) -> int:  # noqa: ARG002 (interface)
        """How many partitions were made."""
        if self._next_at is not None and self._next_at - EVERY < now < self._next_at:
            return 0
        self._next_at = now + AGAIN
        made = self.make_ahead(now)
        self._next_at = now + EVERY
        return made
