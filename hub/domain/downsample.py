"""Fewer points of a line that looks the same: the first, last, lowest and highest of each column of time.

That is M4 (Jugel, Jerzak, Hackenbroich, Markl: "M4: A Visualization-Oriented Time Series Data Aggregation", PVLDB
7(10), 2014): drawn as wide as there are columns, the line has the same pixels. Largest-triangle-three-buckets
(Steinarsson 2013) draws as well by eye and may drop the extreme that somebody was paged for; this cannot.
"""

from collections.abc import Collection, Sequence

PER_COLUMN = 4
DRAWN = 2000
"""Points of one line on a page: more than it has pixels."""


def kept(at_ms: Sequence[int], values: Sequence[float], bound: int, critical: Collection[int] = ()) -> list[int]:
    """Which places of a line to keep, in order: at most ``bound``, and all ``critical`` ones whatever their number.

    ``at_ms`` is in order. First, last, lowest and highest are always among them; so is what a second call keeps of a
    line that was thinned by a first.
    """
    if len(at_ms) <= bound:
        return list(range(len(at_ms)))
    must = set(critical)
    columns = max((bound - len(must)) // PER_COLUMN, 1)
    first, span = at_ms[0], at_ms[-1] - at_ms[0] + 1
    chosen = set(must)
    start = 0
    for column in range(columns):
        ends_before = first + -(-(column + 1) * span // columns)  # rounded up: where the next column begins
        end = start
        while end < len(at_ms) and at_ms[end] < ends_before:
            end += 1
        chosen |= _extremes(values, start, end)
        start = end
    return sorted(chosen)


def _extremes(values: Sequence[float], start: int, end: int) -> set[int]:
    """Of places ``start <= i < end``; of several that are equal the first."""
    if start == end:
        return set()
    places = range(start, end)
    return {start, end - 1, min(places, key=values.__getitem__), max(places, key=values.__getitem__)}
