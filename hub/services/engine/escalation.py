"""Pages whose time has come."""

from datetime import datetime, timedelta

from hub.services.engine.guard import one_by_one
from hub.services.hub import Hub
from hub.services.paging import page_if_due
from hub.services.ports.storage import UnitOfWork

LIMIT = 500


class Escalation:
    """Pages the next person of every open alert whose page is due."""

    name = "escalation"
    deadline = timedelta(seconds=5)

    def run(self, hub: Hub, now: datetime) -> int:
        """How many alerts were due."""
        with hub.unit_of_work() as uow:
            due = uow.alerts.due_pages(now, LIMIT)

        def step(uow: UnitOfWork, alert_id: int) -> None:
            alert = uow.alerts.get(alert_id)
            if alert.next_page_at is not None:
                lateness = (now - alert.next_page_at).total_seconds()
                uow.operations.observe("rpmhub_escalation_lateness_seconds", [max(lateness, 0.0)])
            page_if_due(uow, hub, alert, now)

        return one_by_one(hub, now, due, step, self.name, str)
