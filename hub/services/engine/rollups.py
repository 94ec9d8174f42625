"""Hours and days of each metric, kept behind the series."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from hub.services.hub import Hub
from hub.services.ports.feed import Position, Touched
from hub.services.rolling import go_on, renew, stretches, write

PROJECTION = "rollups"
READINGS = 3000
"""Of the feed, looked at together."""

AT_ONCE = 50
"""Days of patients, written by one transaction: what ingest may have to wait for."""

SHARE = timedelta(milliseconds=500)
"""Of each second, spent here while there is more to do."""


@dataclass(frozen=True, slots=True)
class Rollups:
    """On the line of what may come late, and a part of each second at most."""

    name: str = "rollups"
    deadline: timedelta = timedelta(minutes=1)

    def run(self, hub: Hub, now: datetime) -> int:
        """How many pieces of work were done."""
        began, done = hub.clock.monotonic(), 0
        while hub.clock.monotonic() - began <= SHARE.total_seconds():
            if not (_follow(hub, now) or _anew(hub)):
                break
            done += 1
        return done


def _follow(hub: Hub, now: datetime) -> bool:
    """One piece of the feed; False if there was none."""
    with hub.unit_of_work() as uow:
        stands, horizon = uow.feed.position(PROJECTION), uow.feed.horizon()
        if stands == horizon:
            return False
        touched, reached = uow.feed.since(stands, horizon, READINGS)
    _copy(hub, touched, reached, now)
    return True


def _copy(hub: Hub, touched: Sequence[Touched], reached: Position, now: datetime) -> None:
    with hub.reads() as reads:
        these = stretches(reads.rollup_source, touched)
    for first in range(0, len(these), AT_ONCE):
        with hub.reads() as reads:
            renewed = renew(reads.rollup_source, these[first : first + AT_ONCE])
        with hub.unit_of_work() as uow:
            write(uow.rollups, renewed)
            uow.commit()
    with hub.unit_of_work() as uow:
        uow.feed.move(PROJECTION, reached, now)
        uow.commit()


def _anew(hub: Hub) -> bool:
    """A few days of one patient whose windows are to be made anew; False if there is none."""
    with hub.reads() as reads:
        waiting = reads.rollup_source.unmade(1)
    for patient_id in waiting:
        go_on(hub, patient_id)
    return bool(waiting)
