"""Hours and days made from the series, for spans in which it changed and for patients whose zone did.

Reading is done from a snapshot, so that ingest waits for a write alone, and the snapshot is closed before that: with a
rollback journal nobody commits while one is open. What comes between the two is told by the feed afterwards, and makes
its windows anew. That is so for the worker, which follows the feed. Whoever writes beside it looks whether anything
came, since the worker may have followed that already (``Feed.silent``), and one at a time writes a patient's windows.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum, auto

from hub.domain.rollups import Grain, Rollup, Window, day_of, days, hour_of, hours
from hub.errors import Transient
from hub.services.hub import Hub
from hub.services.ports.feed import Touched
from hub.services.ports.rollups import ByMetric, Made, RollupRows, RollupSource

DAYS_AT_ONCE = 7
"""Of one patient, written by one transaction: what ingest may have to wait for."""

TRIES = 100
"""Of a command, while readings of the same hours come in."""

Pause = Callable[[], object]

_INSTANT = timedelta(microseconds=1)
_MARGIN = timedelta(days=2)
"""Windows of another zone may begin this much before the first reading, and after the last."""


class Went(Enum):
    """How far making anew has come."""

    OVER = auto()
    ON = auto()
    """More are to come."""
    NOWHERE = auto()
    """The same is to be done again."""


@dataclass(frozen=True, slots=True)
class Moves:
    """How far a patient's windows are made, before and after."""

    before: Made
    after: Made


@dataclass(frozen=True, slots=True)
class Stretch:
    """Hours of one patient's local day that are to be made anew."""

    patient_id: int
    zone: str
    day: Window
    span: Window


@dataclass(frozen=True, slots=True)
class Renewed:
    """All hours and days of one patient that begin within these spans."""

    patient_id: int
    hours: Window
    of_hours: ByMetric
    day: Window
    of_day: ByMetric


def stretches(source: RollupSource, touched: Iterable[Touched]) -> list[Stretch]:
    """What these spans touch, day by day."""
    spans: dict[tuple[int, Window], Window] = {}
    zones: dict[int, str | None] = {}
    for one in touched:
        zone = zones.setdefault(one.patient_id, _zone(source, one.patient_id))
        for day, span in _by_day(one, zone) if zone is not None else ():
            known = spans.get((one.patient_id, day), span)
            spans[one.patient_id, day] = Window(min(known.start, span.start), max(known.end, span.end))
    found = ((patient_id, zones[patient_id], day, span) for (patient_id, day), span in spans.items())
    return [Stretch(patient_id, zone, day, span) for patient_id, zone, day, span in found if zone is not None]


def renew(source: RollupSource, these: Iterable[Stretch]) -> list[Renewed]:
    """Their windows, of what is stored now."""
    return [_renewed(source, one) for one in these]


def write(rows: RollupRows, renewed: Sequence[Renewed]) -> int:
    """Write them whole; how many days that were."""
    for patient_id in sorted({one.patient_id for one in renewed}):  # in one order, or two wait for each other
        rows.lock(patient_id)
    for one in renewed:
        rows.replace(one.patient_id, Grain.HOUR, one.hours.start, one.hours.end, one.of_hours)
        rows.replace(one.patient_id, Grain.DAY, one.day.start, one.day.end, one.of_day)
        if rows.made(one.patient_id) is None and (zone := rows.zone(one.patient_id)) is not None:
            rows.set_made(one.patient_id, Made(zone))
    return len(renewed)


def begin_anew(hub: Hub, patient_id: int) -> bool:
    """From now on this patient's windows are made anew, in the zone of now; False if there is nothing to make."""
    with hub.reads() as reads:
        zone, span = reads.rollup_source.zone(patient_id), reads.rollup_source.span(patient_id)
    if zone is None:
        return False
    oldest = None if span is None else day_of(span[0], zone).start - _MARGIN
    with hub.unit_of_work() as uow:
        uow.rollups.set_made(patient_id, Made(zone, oldest))
        uow.commit()
    return oldest is not None


def go_on(hub: Hub, patient_id: int, count: int = DAYS_AT_ONCE, *, beside: bool = False) -> Went:
    """Make the next ``count`` of a patient's days anew. ``beside``: another process may follow the feed."""
    with hub.reads() as reads:
        source = reads.rollup_source
        made, span = source.made(patient_id), source.span(patient_id)
        zone = source.zone(patient_id)
    if made is None or made.zone != zone:
        return Went.ON if begin_anew(hub, patient_id) else Went.OVER
    if made.made_to is None:
        return Went.OVER
    end = made.made_to
    for _ in range(count):
        end = day_of(end, made.zone).end
    over = span is None or end > span[1] + _MARGIN
    moves = Moves(made, Made(made.zone, None if over else end))
    if not rewrite(hub, Touched(patient_id, made.made_to, end - _INSTANT), moves, beside=beside):
        return Went.NOWHERE
    return Went.OVER if over else Went.ON


def finish(hub: Hub, patient_id: int, pause: Pause) -> None:
    """Make all that is left of a patient's windows anew, beside whoever follows the feed. Raises as ``insist``."""
    went, count = Went.ON, DAYS_AT_ONCE
    while went is not Went.OVER:
        went = go_on(hub, patient_id, count, beside=True)
        if went is Went.NOWHERE:
            count = 1  # of a sensor that measures every second seven days take longer to read
            insist(lambda: go_on(hub, patient_id, 1, beside=True) is not Went.NOWHERE, pause)


def insist(act: Callable[[], bool], pause: Pause) -> None:
    """Until it is done. Raises ``Transient`` if it is not for ``TRIES`` times, with a ``pause`` after each."""
    for _ in range(TRIES):
        if act():
            return
        pause()
    raise Transient("readings keep coming in, or somebody writes for long: run it again")


def rewrite(hub: Hub, whole: Touched, moves: Moves | None = None, *, beside: bool = True) -> bool:
    """Make all of a patient's windows anew in this span.

    False, and nothing is written, if ``beside`` another process anything came that touches it, or a writer was waited
    for too long, or the windows are not made as far as they were: it is to be done again.
    """
    stands = None
    if beside:
        try:
            with hub.reads() as reads:
                stands = reads.copy_source.feed.horizon()
        except Transient:
            return False
    with hub.reads() as reads:
        renewed = renew(reads.rollup_source, stretches(reads.rollup_source, [whole]))
    with hub.unit_of_work() as uow:
        uow.rollups.lock(whole.patient_id)
        if stands is not None and not uow.feed.silent(whole, stands):
            return False
        if moves is not None:
            if uow.rollups.made(whole.patient_id) != moves.before:
                return False
            uow.rollups.set_made(whole.patient_id, moves.after)
        write(uow.rollups, renewed)
        uow.commit()
    return True


def _zone(source: RollupSource, patient_id: int) -> str | None:
    """That of the windows there are, until they are made anew."""
    made = source.made(patient_id)
    return source.zone(patient_id) if made is None else made.zone


def _by_day(touched: Touched, zone: str) -> Iterator[tuple[Window, Window]]:
    """Each local day and the hours of it that the span touches."""
    start, end = hour_of(touched.since, zone).start, hour_of(touched.until, zone).end
    while start < end:
        day = day_of(start, zone)
        yield day, Window(start, min(end, day.end))
        start = day.end


def _renewed(source: RollupSource, one: Stretch) -> Renewed:
    patient_id, zone, span = one.patient_id, one.zone, one.span
    points = source.points(patient_id, span.start, span.end)
    bases = source.bases(patient_id, span.start, span.end)
    fresh = {metric: hours(points.get(metric, ()), zone, bases.get(metric, ())) for metric in {*points, *bases}}
    kept = source.windows(patient_id, Grain.HOUR, one.day.start, one.day.end)
    of_day = {metric: days(_whole_day(kept, fresh, span, metric), zone) for metric in {*kept, *fresh}}
    return Renewed(patient_id, span, fresh, one.day, of_day)


def _whole_day(kept: ByMetric, fresh: ByMetric, span: Window, metric: str) -> list[Rollup]:
    """The hours that were made anew, and those of the day that are outside the span."""
    outside = [one for one in kept.get(metric, ()) if not span.start <= one.window.start < span.end]
    return [*outside, *fresh.get(metric, ())]
