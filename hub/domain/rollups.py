"""Hours and days of a metric as they are kept: sums that can be joined, of windows as ``hub.domain.buckets`` cuts them.

Days are made of their hours, so that a late reading costs one hour's reading again.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import IntEnum
from math import fsum

from hub.domain.buckets import Unit, edges
from hub.domain.samples import NOT_AVERAGED, Sample

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MS = timedelta(milliseconds=1)


class Grain(IntEnum):
    """How long a window is."""

    HOUR = 1
    DAY = 2


class Kind(IntEnum):
    """What a sample is to a summary."""

    COUNTED = 0
    """Trusted and measured by a device: what means and extremes are made of."""
    BELOW = 1
    """Below the device's range ("LO")."""
    ABOVE = 2
    """Above it ("HI")."""
    LEFT_OUT = 3
    """Suspect, or typed by the patient."""


def kind_of(sample: Sample) -> Kind:
    """What this sample is to a summary."""
    if sample.flags & NOT_AVERAGED:
        return Kind.LEFT_OUT
    if sample.comparator is None:
        return Kind.COUNTED
    return Kind.BELOW if sample.comparator == "<" else Kind.ABOVE


@dataclass(frozen=True, slots=True)
class Window:
    """``start <= t < end``, both UTC."""

    start: datetime
    end: datetime


_NOWHERE = Window(_EPOCH, _EPOCH)


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


def hour_of(at: datetime, zone: str) -> Window:
    """The hour of the zone's clock that holds ``at``."""
    return _window("hour", at, zone)


def day_of(at: datetime, zone: str) -> Window:
    """The day of the zone that holds ``at``."""
    return _window("day", at, zone)


def _window(unit: Unit, at: datetime, zone: str) -> Window:
    ms = (at - _EPOCH) // _MS
    start, end = edges(zone, unit, ms, ms)
    return Window(_EPOCH + start * _MS, _EPOCH + end * _MS)


def hours(points: Iterable[Point], zone: str, bases: Iterable[Rollup] = ()) -> list[Rollup]:
    """The hours of one metric that have anything, in order. ``points`` come in any order, each once.

    ``bases`` are sums of samples that are no longer kept one by one: each counts in the hour in which it begins.
    """
    found: dict[Window, list[Point]] = {}
    window = _NOWHERE
    for point in sorted(points, key=_order):
        if not window.start <= point.at < window.end:
            window = hour_of(point.at, zone)
        found.setdefault(window, []).append(point)
    kept: dict[Window, list[Rollup]] = {}
    for base in bases:
        kept.setdefault(hour_of(base.window.start, zone), []).append(base)
    windows = sorted({*found, *kept}, key=lambda one: one.start)
    return [joined(one, [*kept.get(one, ()), summed(one, found.get(one, ()))]) for one in windows]


def days(of_hours: Iterable[Rollup], zone: str) -> list[Rollup]:
    """The days that these hours make, in order."""
    found: dict[Window, list[Rollup]] = {}
    day = _NOWHERE
    for hour in sorted(of_hours, key=lambda one: one.window.start):
        if not day.start <= hour.window.start < day.end:
            day = day_of(hour.window.start, zone)
        found.setdefault(day, []).append(hour)
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
