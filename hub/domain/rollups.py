"""Hours and days of a metric in the patient's zone: lowest, mean, highest, last, and how many.

An hour is an hour of the patient's clock: where the clock is moved within it, it is shorter, and the hour that comes
twice is two. A day is from local midnight to local midnight: 23 or 25 hours where the clock is moved. Days are made
of their hours, so that a late reading costs one hour's reading again.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from enum import IntEnum
from math import fsum
from zoneinfo import ZoneInfo

from hub.domain.samples import Sample
from hub.domain.slots import local_instant

_SECOND, _HOUR, _DAY = timedelta(seconds=1), timedelta(hours=1), timedelta(days=1)


class Grain(IntEnum):
    """How long a window is."""

    HOUR = 1
    DAY = 2


class Kind(IntEnum):
    """What a sample is to a summary."""

    COUNTED = 0
    """Trusted, measured by a device, of known time: what means and extremes are made of."""
    BELOW = 1
    """Below the device's range ("LO")."""
    ABOVE = 2
    """Above it ("HI")."""
    LEFT_OUT = 3
    """Suspect, typed by the patient, or of unknown time."""


def kind_of(sample: Sample) -> Kind:
    """What this sample is to a summary."""
    if not sample.credible or sample.reported or not sample.dated:
        return Kind.LEFT_OUT
    if sample.comparator is None:
        return Kind.COUNTED
    return Kind.BELOW if sample.comparator == "<" else Kind.ABOVE


@dataclass(frozen=True, slots=True)
class Window:
    """``start <= t < end``, both UTC."""

    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class Point:
    """A sample as a summary needs it."""

    at: datetime
    reading_id: int
    value: float
    kind: Kind = Kind.COUNTED


@dataclass(frozen=True, slots=True)
class Rollup:
    """One window of one metric. The numbers are None where nothing was counted. ``total`` is the sum of what was."""

    window: Window
    count: int = 0
    total: float = 0.0
    low: float | None = None
    high: float | None = None
    last: float | None = None
    last_at: datetime | None = None
    last_id: int = 0
    below: int = 0
    above: int = 0
    left_out: int = 0
    thinned: int = 0
    """Of ``count``, how many are no longer kept one by one."""

    @property
    def mean(self) -> float | None:
        """Of what was counted."""
        return self.total / self.count if self.count else None

    @property
    def empty(self) -> bool:
        """Nothing of any kind was measured."""
        return not (self.count or self.below or self.above or self.left_out)


def hour_of(at: datetime, zone: ZoneInfo) -> Window:
    """The hour of the zone's clock that holds ``at``."""
    local = at.astimezone(zone)
    into = timedelta(minutes=local.minute, seconds=local.second, microseconds=local.microsecond)
    start = _moved_before(at - into, at, zone)
    began = start.astimezone(zone)
    whole = start + _HOUR - timedelta(minutes=began.minute, seconds=began.second)
    return Window(start, _moved_after(start, whole, zone))


def day_of(at: datetime, zone: ZoneInfo) -> Window:
    """The day of the zone that holds ``at``."""
    day = at.astimezone(zone).date()
    while (start := local_instant(time(0), day, zone)) is None or at < start:
        day -= _DAY
    while True:
        day += _DAY
        following = local_instant(time(0), day, zone)
        if following is None:
            continue
        if at < following:
            return Window(start, following)
        start = following  # a clock that is moved back across midnight brings the day before once more


def window_of(grain: Grain, at: datetime, zone: ZoneInfo) -> Window:
    """The window of this grain that holds ``at``."""
    return hour_of(at, zone) if grain is Grain.HOUR else day_of(at, zone)


def _moved_before(start: datetime, at: datetime, zone: ZoneInfo) -> datetime:
    """``start``, or when the clock was moved if that was between it and ``at``."""
    offset = at.astimezone(zone).utcoffset()
    if start.astimezone(zone).utcoffset() == offset:
        return start.astimezone(UTC)
    return _change(start, at, zone)


def _moved_after(start: datetime, end: datetime, zone: ZoneInfo) -> datetime:
    """``end``, or when the clock is moved if that is before it."""
    last = end - timedelta(microseconds=1)
    if last.astimezone(zone).utcoffset() == start.astimezone(zone).utcoffset():
        return end
    return _change(start, last, zone)


def _change(before: datetime, after: datetime, zone: ZoneInfo) -> datetime:
    """The first whole second at which the zone's offset is that of ``after``. ``before`` has another."""
    offset = after.astimezone(zone).utcoffset()
    low, high = 0, int((after - before) / _SECOND) + 1
    while high - low > 1:
        middle = (low + high) // 2
        if (before + middle * _SECOND).astimezone(zone).utcoffset() == offset:
            high = middle
        else:
            low = middle
    return (before + high * _SECOND).astimezone(UTC)


def hours(points: Iterable[Point], zone: ZoneInfo, bases: Iterable[Rollup] = ()) -> list[Rollup]:
    """The hours of one metric that have anything, in order. ``points`` come in any order, each once.

    ``bases`` are sums of samples that are no longer kept one by one: each counts in the hour in which it begins.
    """
    found: dict[Window, list[Point]] = {}
    window = Window(datetime.max.replace(tzinfo=UTC), datetime.min.replace(tzinfo=UTC))
    for point in sorted(points, key=_order):
        if not window.start <= point.at < window.end:
            window = hour_of(point.at, zone)
        found.setdefault(window, []).append(point)
    kept: dict[Window, list[Rollup]] = {}
    for base in bases:
        kept.setdefault(hour_of(base.window.start, zone), []).append(base)
    windows = sorted({*found, *kept}, key=lambda one: one.start)
    return [joined(one, [*kept.get(one, ()), summed(one, found.get(one, ()))]) for one in windows]


def days(of_hours: Iterable[Rollup], zone: ZoneInfo) -> list[Rollup]:
    """The days that these hours make, in order."""
    found: dict[Window, list[Rollup]] = {}
    for hour in sorted(of_hours, key=lambda one: one.window.start):
        found.setdefault(day_of(hour.window.start, zone), []).append(hour)
    return [joined(window, parts) for window, parts in found.items()]


def summed(window: Window, points: Sequence[Point]) -> Rollup:
    """The sum of samples of one window."""
    counted = sorted((one for one in points if one.kind is Kind.COUNTED), key=_order)
    values = [one.value for one in counted]
    kinds: Mapping[Kind, int] = {kind: sum(one.kind is kind for one in points) for kind in Kind}
    newest = counted[-1] if counted else None
    return Rollup(
        window=window,
        count=len(values),
        total=fsum(values),
        low=min(values, default=None),
        high=max(values, default=None),
        last=None if newest is None else newest.value,
        last_at=None if newest is None else newest.at,
        last_id=0 if newest is None else newest.reading_id,
        below=kinds[Kind.BELOW],
        above=kinds[Kind.ABOVE],
        left_out=kinds[Kind.LEFT_OUT],
    )


def joined(window: Window, parts: Iterable[Rollup]) -> Rollup:
    """One window of what its parts hold."""
    listed = list(parts)
    counted = [one for one in listed if one.count]
    newest = max(counted, key=lambda one: (one.last_at, one.last_id), default=None)
    return Rollup(
        window=window,
        count=sum(one.count for one in counted),
        total=fsum(one.total for one in counted),
        low=min((one.low for one in counted if one.low is not None), default=None),
        high=max((one.high for one in counted if one.high is not None), default=None),
        last=None if newest is None else newest.last,
        last_at=None if newest is None else newest.last_at,
        last_id=0 if newest is None else newest.last_id,
        below=sum(one.below for one in listed),
        above=sum(one.above for one in listed),
        left_out=sum(one.left_out for one in listed),
        thinned=sum(one.thinned for one in listed),
    )


def _order(point: Point) -> tuple[datetime, int]:
    return point.at, point.reading_id
