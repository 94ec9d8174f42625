"""Ingest is deaf: dead, holding what comes, or without its broker. Nobody else would say so."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from hub.domain.severity import Severity
from hub.services.alerting import technical, technical_over
from hub.services.hub import Hub
from hub.services.ingest.hearing import deaf
from hub.services.ingest.shard import silent
from hub.services.ports.operations import Heartbeat

SILENT_FOR = timedelta(seconds=60)
DISCONNECTED_FOR = timedelta(minutes=2)
"""A broker that restarts is no alarm."""

PROBLEM = "ingest-deaf"


@dataclass(slots=True)
class IngestWatch:
    """Looks at ingest's heartbeat. What it remembers only dates a trouble; the next start finds the trouble again."""

    name: str = "ingest-watch"
    deadline: timedelta = timedelta(seconds=10)
    _since: dict[str, datetime] = field(default_factory=dict)

    def run(self, hub: Hub, now: datetime) -> int:
        """Open one red while ingest hears nothing; note its end when it hears again."""
        with hub.unit_of_work() as uow:
            beats = [beat for beat in uow.operations.heartbeats() if beat.role == "ingest"]
            sentence = self._trouble(beats, now)
            if sentence is not None:
                technical(uow, hub, "hub", PROBLEM, Severity.RED, sentence, now)
                uow.commit()
            elif uow.alerts.open_of("hub", PROBLEM) is not None:
                technical_over(uow, hub, "hub", PROBLEM, now)
                uow.commit()
        return int(sentence is not None)

    def _trouble(self, beats: list[Heartbeat], now: datetime) -> str | None:
        alive = [beat for beat in beats if now - beat.at < SILENT_FOR]
        if self._lasts("silent", not alive, now, SILENT_FOR):
            return "Ingest gives no sign of life: no reading is stored or judged"
        absent = silent(alive, now, SILENT_FOR)
        if self._lasts("part", bool(absent), now, SILENT_FOR):
            return f"Ingest {', '.join(absent)} gives no sign of life: its gateways' readings are not stored or judged"
        if any(beat.detail.get("holding") for beat in alive):
            return "Ingest fails on whatever comes and holds it: no reading is judged until the hub is mended"
        unheard = [found for beat in alive if (found := deaf(beat.detail))]
        if self._lasts("deaf", bool(unheard), now, DISCONNECTED_FOR):
            return f"Ingest {unheard[0].what}: {unheard[0].harm}"
        return None

    def _lasts(self, what: str, wrong: bool, now: datetime, long: timedelta) -> bool:  # noqa: FBT001
        """Whether ``wrong`` has been true for ``long``."""
        if not wrong:
            self._since.pop(what, None)
            return False
        return now - self._since.setdefault(what, now) >= long
