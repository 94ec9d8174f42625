"""Old readings are thinned to a bounded number a day; hours and days stay as they were.

What is taken away is added to the sum of its hour in the same transaction: a summary is made of that sum and of what is
still there one by one, so that a late reading, a void or a correction in a thinned hour makes it right as ever.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from hub.domain.downsample import kept
from hub.domain.rollups import Grain, Point, Window, hours
from hub.errors import Refused
from hub.services.hub import OPERATORS, Actor, Hub, require
from hub.services.ports.feed import Touched
from hub.services.ports.rollups import ByMetric
from hub.services.ports.thinning import Line
from hub.services.rolling import Pause, insist, rewrite

YOUNGEST = timedelta(days=90)
"""Charts show as much one by one, and no rule looks back further."""

KEEP = 48
"""Of one metric and day: the first, last, lowest and highest of every two hours."""

FEWEST = 8
AT_ONCE = 100
"""Samples taken away by one transaction: what ingest may have to wait for."""

_BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)
_MS = timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True)
class Thinned:
    """Of the days that had more than they keep: how many, and how many samples went and stayed."""

    days: int = 0
    removed: int = 0
    left: int = 0

    def __add__(self, other: "Thinned") -> "Thinned":
        return Thinned(self.days + other.days, self.removed + other.removed, self.left + other.left)


@dataclass(frozen=True, slots=True)
class Order:
    """What to thin: readings measured before ``before``, to ``keep`` a day. ``dry``: count, and take nothing away."""

    before: datetime
    keep: int = KEEP
    dry: bool = False


def begin(hub: Hub, actor: Actor, older_than: timedelta, keep: int, *, dry: bool) -> tuple[Order, list[int]]:
    """The order and whose readings it is about; audited. Raises ``Refused`` where it would take what is still used."""
    require(actor, OPERATORS)
    if older_than < YOUNGEST:
        raise Refused(f"Readings of the last {YOUNGEST.days} days are never thinned: charts and rules use each.")
    if keep < FEWEST:
        raise Refused(f"A day keeps at least {FEWEST} readings of a metric.")
    now = hub.clock.now()
    order = Order(now - older_than, keep, dry)
    with hub.reads() as reads:
        patients = reads.rollup_source.patients()
    if not dry:
        detail = {"before": order.before.isoformat(), "keep": keep, "patients": len(patients)}
        with hub.unit_of_work() as uow:
            uow.audit.write(now, actor.name, "series.thin", "series", detail)
            uow.commit()
    return order, patients


def thin(hub: Hub, actor: Actor, patient_id: int, order: Order, pause: Pause) -> Thinned | None:
    """Thin one patient's readings; None if their hours and days are not all made yet, and nothing was done.

    ``pause`` is called between two transactions: ingest writes then. Interrupted, what was done is done, and the same
    order goes on with the rest.
    """
    with hub.reads() as reads:
        made = reads.rollup_source.made(patient_id)
        if made is None or made.made_to is not None:
            return None
        crowded = list(_crowded(reads.rollup_source.windows(patient_id, Grain.DAY, _BEGINNING, order.before), order))
    done = Thinned()
    for metric, day in crowded:
        done += _thin_day(hub, patient_id, metric, day, made.zone, order, pause)
    if done.removed and not order.dry:
        with hub.unit_of_work() as uow:
            detail = {"before": order.before.isoformat(), "removed": done.removed, "left": done.left}
            uow.audit.write(hub.clock.now(), actor.name, "series.thinned", f"patient:{patient_id}", detail)
            uow.commit()
    return done


def _crowded(of_days: ByMetric, order: Order) -> Iterator[tuple[str, Window]]:
    """Metrics and days that are over and have more samples one by one than they keep."""
    for metric, rows in of_days.items():
        for row in rows:
            there = row.count - row.thinned + row.below + row.above + row.left_out
            if there > order.keep and row.window.end <= order.before:
                yield metric, row.window


def _thin_day(hub: Hub, patient_id: int, metric: str, day: Window, zone: str, order: Order, pause: Pause) -> Thinned:
    with hub.reads() as reads:
        line = reads.thinning_source.line(patient_id, metric, day.start, day.end)
    places = _superfluous(line, order.keep)
    whole = len(line.at)
    if order.dry:
        return Thinned(1, len(places), whole - len(places)) if places else Thinned()
    if not places:  # what a run took that was interrupted before it noted so, or all of it matters
        _note(hub, patient_id, day, pause)
        return Thinned()
    removed = 0
    for start in range(0, len(places), AT_ONCE):
        some = {line.reading_id[place] for place in places[start : start + AT_ONCE]}
        span = Window(line.at[places[start]], line.at[places[min(start + AT_ONCE, len(places)) - 1]] + _MS)
        removed += _take(hub, patient_id, metric, zone, span, some)
        pause()
    _note(hub, patient_id, day, pause)
    return Thinned(1, removed, whole - removed)


def _note(hub: Hub, patient_id: int, day: Window, pause: Pause) -> None:
    """The summaries say how many of theirs are kept as a sum. Copies elsewhere are told of nothing: none is wrong."""
    insist(lambda: rewrite(hub, Touched(patient_id, day.start, day.end - _MS)), pause)


def _superfluous(line: Line, keep: int) -> list[int]:
    times = [(at - _BEGINNING) // _MS for at in line.at]
    staying = set(kept(times, line.value, keep, line.critical))
    return [place for place in range(len(line.at)) if place not in staying]


def _take(hub: Hub, patient_id: int, metric: str, zone: str, span: Window, wanted: set[int]) -> int:
    """What of ``wanted`` is there still and has become critical to nobody meanwhile; how many."""
    with hub.unit_of_work() as uow:
        uow.rollups.lock(patient_id)
        line = uow.thinning.line(patient_id, metric, span.start, span.end)
        places = [
            place
            for place, reading_id in enumerate(line.reading_id)
            if reading_id in wanted and place not in line.critical
        ]
        uow.thinning.add(patient_id, metric, hours(_points(line, places), zone))
        uow.thinning.remove(patient_id, metric, line, places)
        uow.commit()
    return len(places)


def _points(line: Line, places: Sequence[int]) -> list[Point]:
    """All are counted: what stays out of means is critical."""
    return [Point(line.at[place], line.reading_id[place], line.value[place]) for place in places]
