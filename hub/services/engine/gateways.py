"""A gateway that is offline, silent or has a wrong clock: an alarm, told apart from a silent patient.

That it dropped readings is told by ingest, when its status says so (``hub.services.ingest.status``).
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from hub.domain.severity import Severity
from hub.services.alerting import technical, technical_over
from hub.services.engine.guard import one_by_one
from hub.services.hub import Hub
from hub.services.ports.devices import GatewayRow
from hub.services.ports.storage import UnitOfWork

OFFLINE_FOR = timedelta(minutes=5)
"""A router that restarts is no alarm."""

SILENT_FOR = timedelta(minutes=15)
"""Online by its last word, yet nothing heard: its broker connection is half dead."""

CLOCK_OFF = timedelta(minutes=2)

PROBLEMS = ("offline", "silent", "clock-wrong", "unknown-gateway")
"""Alarms that are closed here; the last is over as soon as the gateway is registered and heard."""


@dataclass(frozen=True, slots=True)
class GatewayWatch:
    """Every registered gateway."""

    name: str = "gateways"
    deadline: timedelta = timedelta(seconds=10)

    def run(self, hub: Hub, now: datetime) -> int:
        """Open and close one alarm a gateway and problem; a gateway never heard is not yet installed."""
        with hub.unit_of_work() as uow:
            watched = [row for row in uow.gateways.all() if row.heard_at is not None]
            troubled = {row.id for row in watched if _troubles(row, now)} | _alarmed(uow)
        changed = [row for row in watched if row.id in troubled]
        return one_by_one(hub, now, changed, lambda uow, row: _tell(uow, hub, row, now), self.name, lambda row: row.id)


def _alarmed(uow: UnitOfWork) -> set[str]:
    """Gateways with an open alarm, which may be over."""
    prefix = "gateway:"
    return {subject.removeprefix(prefix) for subject in uow.alerts.open_subjects(prefix)}


def _tell(uow: UnitOfWork, hub: Hub, row: GatewayRow, now: datetime) -> None:
    troubles = _troubles(row, now)
    for problem in PROBLEMS:
        if problem in troubles:
            technical(uow, hub, f"gateway:{row.id}", problem, Severity.AMBER, troubles[problem], now)
        else:
            technical_over(uow, hub, f"gateway:{row.id}", problem, now)


def _troubles(row: GatewayRow, now: datetime) -> dict[str, str]:
    found: dict[str, str] = {}
    if row.retired_at is not None or row.replays:  # a recording that is at its end is no outage
        return found
    if not row.online and row.online_changed_at is not None and now - row.online_changed_at >= OFFLINE_FOR:
        found["offline"] = f"Gateway {row.name} is offline since {row.online_changed_at:%d %b %H:%M} UTC"
    elif row.online and row.heard_at is not None and now - row.heard_at >= SILENT_FOR:
        found["silent"] = f"Gateway {row.name} says it is online and nothing was heard since {row.heard_at:%H:%M} UTC"
    if row.clock_offset_s is not None and abs(row.clock_offset_s) >= CLOCK_OFF.total_seconds():
        found["clock-wrong"] = f"The clock of gateway {row.name} is off by {row.clock_offset_s:.0f} s"
    return found
