"""Looks at readings that are waited for, when they are due, late or over (SF8)."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from hub.services.engine.guard import one_by_one
from hub.services.hub import Hub
from hub.services.waiting import look

BATCH = 200


@dataclass(frozen=True, slots=True)
class Missing:
    """Due, late, no data."""

    name: str = "missing"
    deadline: timedelta = timedelta(seconds=30)

    def run(self, hub: Hub, now: datetime) -> int:
        """Each expectation in a transaction of its own."""
        with hub.unit_of_work() as uow:
            due = uow.duties.due_expectations(now, BATCH)
        return one_by_one(hub, now, due, lambda uow, row: look(uow, hub, row, now), "missing", lambda r: r.slot_id)
