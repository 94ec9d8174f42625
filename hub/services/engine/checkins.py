"""Check-ins whose time has come, and conversations that nobody has answered yet."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from hub.services.checkins.schedule import ask_planned
from hub.services.checkins.silence import attend
from hub.services.engine.guard import one_by_one
from hub.services.hub import Hub

BATCH = 200


@dataclass(frozen=True, slots=True)
class CheckIns:
    """Silence first: a conversation that is over makes room for the next."""

    name: str = "checkins"
    deadline: timedelta = timedelta(seconds=30)

    def run(self, hub: Hub, now: datetime) -> int:
        """Each row in a transaction of its own."""
        with hub.unit_of_work() as uow:
            talks = uow.conversations.due(now, BATCH)
        try:
            done = one_by_one(
                hub, now, talks, lambda uow, row: attend(uow, hub, row.id, now), self.name, lambda r: r.id
            )
        finally:  # a conversation that has to wait holds up no question
            asked = self._ask(hub, now)
        return done + asked

    def _ask(self, hub: Hub, now: datetime) -> int:
        with hub.unit_of_work() as uow:
            due = uow.checkins.due(now, BATCH)
        return one_by_one(
            hub, now, due, lambda uow, row: ask_planned(uow, hub, row, now), self.name, lambda r: r.checkin
        )
