"""The database is read whole after each start and every day: a damaged page is silent until somebody needs it."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from hub.domain.severity import Severity
from hub.services.alerting import technical, technical_over
from hub.services.hub import Hub
from hub.services.ports.operations import Operations
from hub.services.ports.soundness import SoundnessCheck, Verdict

log = logging.getLogger(__name__)

EVERY = timedelta(days=1)
FRESH = timedelta(minutes=10)
"""A start soon after a good check does not read it again: a hub that falls over every minute has work to do."""

AGAIN = timedelta(hours=1)
STALE = timedelta(days=3)
ROLE, INSTANCE = "database-check", "database"
DAMAGED, UNCHECKED = "database-damaged", "database-unchecked"
SAYS_DAMAGED = "The database is damaged: what was stored may be gone or wrong. See rpmhub doctor before any restart"
SAYS_UNCHECKED = "The database could not be read whole for three days: damage in it would not be known"


@dataclass(slots=True)
class Soundness:
    """On a line of its own: it takes minutes where there are years of readings."""

    check: SoundnessCheck
    name: str = "soundness"
    deadline: timedelta = timedelta(hours=2)
    _next_at: datetime | None = None
    _tried_at: datetime | None = None
    _last: Verdict | None = None

    def run(self, hub: Hub, now: datetime) -> int:
        """Read it when that is due; how often it was."""
        if not self._due(hub, now):
            return 0
        try:
            self._last = verdict = self.check.run()
        finally:
            self._tried_at = ended_at = hub.clock.now()  # it took minutes: the pause counts from here
        self.check.settle(verdict)
        self._next_at = ended_at + (EVERY if verdict.whole else AGAIN)
        self._note(hub, verdict)
        return 1

    def _due(self, hub: Hub, now: datetime) -> bool:
        """What is owed comes sooner, unless it is the last one itself that left it owed: that would not end."""
        if self._next_at is None:
            with hub.unit_of_work() as uow:
                last = last_good(uow.operations)
            self._next_at = now if last is None or not timedelta(0) <= now - last < FRESH else last + EVERY
        if now >= self._next_at:
            return True
        tried = self._tried_at is not None and timedelta(0) <= now - self._tried_at < FRESH
        return not tried and (self._last is None or self._last.sound) and self.check.owed

    def _note(self, hub: Hub, verdict: Verdict) -> None:
        now = hub.clock.now()
        with hub.unit_of_work() as uow:
            last = last_good(uow.operations)
            note(uow.operations, verdict, now)
            if verdict.said is not None:
                log.error("the database is damaged", extra={"said": verdict.said})
                technical(uow, hub, "hub", DAMAGED, Severity.RED, SAYS_DAMAGED, now)
            elif verdict.sound:
                technical_over(uow, hub, "hub", DAMAGED, now)
                technical_over(uow, hub, "hub", UNCHECKED, now)
            elif last is not None and now - last >= STALE:
                technical(uow, hub, "hub", UNCHECKED, Severity.AMBER, SAYS_UNCHECKED, now)
            uow.commit()


def note(operations: Operations, verdict: Verdict, now: datetime) -> None:
    """Keep what a check found, and when one last found it sound."""
    sound_at = now if verdict.sound else last_good(operations)
    detail = {
        "sound_at": None if sound_at is None else sound_at.isoformat(),
        "said": verdict.said,
        "whole": verdict.whole,
        "took_s": round(verdict.took_s, 1),
    }
    operations.beat(ROLE, INSTANCE, now, detail)


def last_good(operations: Operations) -> datetime | None:
    """When a check last read it whole and found nothing."""
    found = [beat.detail for beat in operations.heartbeats() if beat.role == ROLE]
    return sound_at(found[0]) if found else None


def sound_at(detail: Mapping[str, object]) -> datetime | None:
    """The same, from the kept row."""
    said = detail.get("sound_at")
    return datetime.fromisoformat(said) if isinstance(said, str) else None
