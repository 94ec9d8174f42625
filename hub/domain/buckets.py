"""Samples by the hour or the day of the patient's own clock. The one way of it: every store's buckets are made here."""

import itertools
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from math import fsum
from typing import Literal
from zoneinfo import ZoneInfo

from hub.domain.columns import Columns, Comparator
from hub.domain.samples import NOT_AVERAGED

Unit = Literal["hour", "day"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MS = timedelta(milliseconds=1)
_HOUR, _DAY = 3_600_000, 86_400_000
_PROBE = 6 * _HOUR
"""No zone changed its clock twice within this and came back."""


@dataclass(frozen=True, slots=True)
class Bucket:
    """What was measured in ``since <= at < until``, an hour or a day of the patient's clock.

    A day has 23, 24 or 25 hours, or half an hour more or less; an hour ends early where the clock is changed within it.
    """

    since: datetime
    until: datetime
    count: int
    """Values behind ``low``, ``mean``, ``high`` and ``last``: trusted, of known time. None of the four without one."""
    low: float | None
    mean: float | None
    high: float | None
    last: float | None
    below: int
    """Bounds "<" ("LO"): a value on the far side of it is not known, so it is in no mean."""
    above: int
    """Bounds ">" ("HI")."""
    left_out: int
    """Artefacts, implausible and reported values: shown, and in no mean either (SF1)."""


def buckets(columns: Columns, zone: str, unit: Unit) -> list[Bucket]:
    """Buckets in which anything was measured, oldest first."""
    times = columns.at_ms
    if not times:
        return []
    plain = not any(columns.comparator) and not any(columns.flags)
    found: list[Bucket] = []
    first = 0
    starts = edges(zone, unit, times[0], times[-1])
    for since, until in itertools.pairwise(starts):
        if first == len(times):
            break
        if times[first] >= until:
            continue
        end = bisect_left(times, until, first)
        these = slice(first, end)
        kinds = (0, 0, 0)
        values = columns.value[these]
        if not plain:
            values, kinds = _sorted_out(values, columns.comparator[these], columns.flags[these])
        found.append(_bucket(since, until, values, kinds))
        first = end
    return found


def edges(zone: str, unit: Unit, first_ms: int, last_ms: int) -> list[int]:
    """Where buckets begin, from the one that holds ``first_ms`` to the end of that which holds ``last_ms``.

    An hour begins where the minutes of the clock are 0, and wherever the clock is changed. A day begins when its date
    is first reached, also where its midnight is skipped; it goes on if the clock falls back behind that.
    """
    reach = 2 * _DAY if unit == "day" else 2 * _HOUR
    spans = _same_offset(ZoneInfo(zone), first_ms - reach, last_ms + reach)
    begun = list(_hours(spans) if unit == "hour" else _days(spans))
    held = bisect_left(begun, first_ms + 1) - 1
    return begun[held : bisect_left(begun, last_ms + 1) + 1]


def _hours(spans: Sequence[tuple[int, int, int]]) -> Iterator[int]:
    for start, end, offset in spans:
        yield start
        yield from range((start + offset) // _HOUR * _HOUR + _HOUR - offset, end, _HOUR)


def _days(spans: Sequence[tuple[int, int, int]]) -> Iterator[int]:
    reached = (spans[0][0] + spans[0][2]) // _DAY
    for start, end, offset in spans:
        today = (start + offset) // _DAY
        if today > reached:
            yield start
            reached = today
        for day in range(reached + 1, (end - 1 + offset) // _DAY + 1):
            yield day * _DAY - offset
            reached = day


def _same_offset(zone: ZoneInfo, since: int, until: int) -> list[tuple[int, int, int]]:
    """``since <= t < until`` as (start, end, offset) of stretches in which the zone's clock is not changed."""
    spans: list[tuple[int, int, int]] = []
    start, offset = since, _offset(zone, since)
    for probe in [*range(since + _PROBE, until, _PROBE), until]:
        now = _offset(zone, probe)
        if now != offset:
            changed = _changed(zone, max(start, probe - _PROBE), probe, now)
            spans.append((start, changed, offset))
            start, offset = changed, now
    spans.append((start, until, offset))
    return spans


def _changed(zone: ZoneInfo, before: int, after: int, offset: int) -> int:
    """The first millisecond with ``offset``, which is that of ``after`` and not that of ``before``."""
    while after - before > 1:
        middle = (before + after) // 2
        if _offset(zone, middle) == offset:
            after = middle
        else:
            before = middle
    return after


def _offset(zone: ZoneInfo, ms: int) -> int:
    local = _instant(ms).astimezone(zone)
    return (local.utcoffset() or timedelta(0)) // _MS


def _instant(ms: int) -> datetime:
    return _EPOCH + timedelta(milliseconds=ms)


def _sorted_out(
    values: Sequence[float], comparators: Sequence[Comparator], flags: Sequence[str]
) -> tuple[list[float], tuple[int, int, int]]:
    """The trusted values; how many bounds below, bounds above, and values that stay out of averages there are."""
    trusted: list[float] = []
    below = above = left_out = 0
    for value, comparator, words in zip(values, comparators, flags, strict=True):
        if words and _not_averaged(words):
            left_out += 1
        elif comparator == "<":
            below += 1
        elif comparator == ">":
            above += 1
        else:
            trusted.append(value)
    return trusted, (below, above, left_out)


@lru_cache(maxsize=4096)
def _not_averaged(words: str) -> bool:
    return not NOT_AVERAGED.isdisjoint(words.split())


def _bucket(since: int, until: int, values: Sequence[float], kinds: tuple[int, int, int]) -> Bucket:
    span = _instant(since), _instant(until)
    if not values:
        return Bucket(*span, 0, None, None, None, None, *kinds)
    mean = fsum(values) / len(values)  # exactly rounded: whatever the order
    return Bucket(*span, len(values), min(values), mean, max(values), values[-1], *kinds)
