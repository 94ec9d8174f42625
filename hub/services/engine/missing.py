"""Looks at readings that are waited for, when they are due, late or over (SF8)."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from hub.services.engine.guard import one_by_one
from hub.services.hub import Hub
from hub.services.ports.measuring import Expectation
from hub.services.ports.storage import UnitOfWork
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

        def as_it_was(uow: UnitOfWork, row: Expectation) -> None:
            # Who left a reading out since may have gone back to an earlier occurrence: the next tick looks at that.
            if row in uow.duties.expectations(row.patient_id):
                look(uow, hub, row, now)

        return one_by_one(hub, now, due, as_it_was, "missing", lambda row: row.slot_id)
