"""Texts that came in, each handled in a transaction of its own. First in the order: an answer beats a deadline."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from hub.services.engine.guard import one_by_one
from hub.services.hub import Hub
from hub.services.incoming.handling import handle
from hub.services.ports.alerting import InboundText
from hub.services.ports.storage import UnitOfWork

AT_ONCE = 200
"""Texts one tick handles at most; the next goes on."""


class Texts:
    """Handles what came in since the last tick, in the order it came. Any number of workers may run it at once."""

    name = "texts"
    deadline = timedelta(seconds=10)
    enough = 5.0
    """Seconds after which the rest waits for the next tick: the other modules are due as well."""

    def run(self, hub: Hub, now: datetime) -> int:
        """How many texts were handled."""

        def act(uow: UnitOfWork, row: tuple[int, InboundText]) -> None:
            handle(uow, hub, *row, now)

        return one_by_one(hub, now, self._in_time(hub), act, self.name, lambda row: row[0])

    def _in_time(self, hub: Hub) -> Iterator[tuple[int, InboundText]]:
        started = hub.clock.monotonic()
        with hub.unit_of_work() as uow:
            rows = uow.outbox.inbound.unhandled(AT_ONCE)
        for row in rows:
            if hub.clock.monotonic() - started > self.enough:
                return
            yield row
