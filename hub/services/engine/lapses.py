"""Acknowledgements whose time is up (SF13)."""

from datetime import datetime, timedelta

from hub.domain.alerts import LapseDue
from hub.services.engine.guard import one_by_one
from hub.services.hub import HUB, Hub
from hub.services.paging import page_if_due
from hub.services.ports.storage import UnitOfWork
from hub.services.transitions import Changed, change

LIMIT = 500


class Lapses:
    """Opens alerts again that were taken and then left, and pages the chain anew."""

    name = "lapses"
    deadline = timedelta(seconds=5)

    def run(self, hub: Hub, now: datetime) -> int:
        """How many alerts were due."""
        with hub.unit_of_work() as uow:
            due = uow.alerts.due_lapses(now, LIMIT)

        def lapse(uow: UnitOfWork, alert_id: int) -> None:
            outcome = change(uow, uow.alerts.get(alert_id), LapseDue(), HUB, now)
            if isinstance(outcome, Changed):
                page_if_due(uow, hub, outcome.after, now)

        return one_by_one(hub, now, due, lapse, self.name, str)
