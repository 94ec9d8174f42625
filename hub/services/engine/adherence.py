"""Writes down what was expected and what came, behind the series and the clock."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from hub.services.expecting import close_windows, excused, mend, open_windows
from hub.services.hub import Hub

PROJECTION = "adherence"
PATIENTS = 20
"""Looked at in one tick."""

ROWS = 200
READINGS = 3000
"""Of the feed, looked at together."""

FOLLOWS_EVERY = timedelta(seconds=20)
"""A sensor that sends every second has its window read once for all that came meanwhile."""


@dataclass(slots=True)
class Adherence:
    """On the line of what may come late: nobody is paged from it."""

    name: str = "adherence"
    deadline: timedelta = timedelta(minutes=1)
    _idle_since: datetime | None = None

    def run(self, hub: Hub, now: datetime) -> int:
        """How many rows were written."""
        done = _open(hub, now) + _close(hub, now)
        if self._idle_since is None or not timedelta(0) <= now - self._idle_since < FOLLOWS_EVERY:
            written, more = _follow(hub, now)
            self._idle_since = None if more else now
            done += written
        return done


def _open(hub: Hub, now: datetime) -> int:
    with hub.reads() as reads:
        source = reads.adherence_source
        opened = [open_windows(source, patient_id, now) for patient_id in source.due(now, PATIENTS)]
    for one in opened:
        with hub.unit_of_work() as uow:
            uow.adherence.save(one.patient_id, one.rows)
            uow.adherence.opened(one.patient_id, one.to, one.look_at)
            uow.commit()
    return sum(len(one.rows) for one in opened)


def _close(hub: Hub, now: datetime) -> int:
    with hub.reads() as reads:
        closed = close_windows(reads.adherence_source, now, ROWS)
    for patient_id, rows in closed.items():
        with hub.unit_of_work() as uow:
            uow.adherence.save(patient_id, excused(uow, patient_id, rows, now))
            uow.commit()
    return sum(len(rows) for rows in closed.values())


def _follow(hub: Hub, now: datetime) -> tuple[int, bool]:
    """One piece of the feed: how many rows were written, and whether there is more to follow."""
    with hub.unit_of_work() as uow:
        stands, horizon = uow.feed.position(PROJECTION), uow.feed.horizon()
        if stands == horizon:
            return 0, False
        touched, reached = uow.feed.since(stands, horizon, READINGS)
    with hub.reads() as reads:
        changed = mend(reads.adherence_source, touched, now)
    with hub.unit_of_work() as uow:
        for patient_id, rows in changed.items():
            uow.adherence.save(patient_id, excused(uow, patient_id, rows, now))
        uow.feed.move(PROJECTION, reached, now)
        uow.commit()
    return sum(len(rows) for rows in changed.values()), reached != horizon
