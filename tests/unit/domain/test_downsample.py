"""Fewer points, and none that mattered is gone."""

from hypothesis import given
from hypothesis import strategies as st

from hub.domain.downsample import DRAWN, kept

Line = tuple[list[int], list[float]]

LINES = st.lists(st.tuples(st.integers(0, 5000), st.floats(20, 600)), min_size=1, max_size=300).map(
    lambda rows: ([at for at, _ in sorted(rows)], [value for _, value in sorted(rows)])
)
BOUNDS = st.integers(4, 120)


def critical_of(data: st.DataObject, line: Line) -> set[int]:
    return data.draw(st.sets(st.integers(0, len(line[0]) - 1), max_size=20))


@given(LINES, BOUNDS, st.data())
def test_first_last_extremes_and_what_is_critical_stay(line: Line, bound: int, data: st.DataObject) -> None:
    critical = critical_of(data, line)
    at, values = line
    found = kept(at, values, bound, critical)
    assert {0, len(at) - 1} | critical <= set(found)
    left = [values[place] for place in found]
    assert (min(left), max(left)) == (min(values), max(values))


@given(LINES, BOUNDS, st.data())
def test_places_are_in_order_once_and_within_the_bound(line: Line, bound: int, data: st.DataObject) -> None:
    critical = critical_of(data, line)
    found = kept(*line, bound, critical)
    assert found == sorted(set(found))
    assert len(found) <= max(bound, len(critical) + 4)


@given(LINES, BOUNDS, st.data())
def test_a_line_that_was_thinned_stays_as_it_is(line: Line, bound: int, data: st.DataObject) -> None:
    """A run that was interrupted, or is repeated, takes nothing more."""
    critical = critical_of(data, line)
    at, values = line
    found = kept(at, values, bound, critical)
    again = kept([at[p] for p in found], [values[p] for p in found], bound, {found.index(p) for p in critical})
    assert again == list(range(len(found)))


@given(LINES, st.integers(8, 120))
def test_every_column_keeps_its_lowest_and_highest(line: Line, bound: int) -> None:
    at, values = line
    found, columns = set(kept(at, values, bound)), bound // 4
    if len(at) <= bound:
        return
    span = at[-1] - at[0] + 1
    for column in range(columns):
        inside = [p for p in range(len(at)) if (at[p] - at[0]) * columns // span == column]
        if inside:
            there = [values[p] for p in inside if p in found]
            whole = [values[p] for p in inside]
            assert (min(there), max(there)) == (min(whole), max(whole))


def test_a_short_line_is_left_alone() -> None:
    assert kept([1, 2, 3], [5.0, 5.0, 5.0], 3) == [0, 1, 2]
    assert kept([], [], 10) == []


def test_a_spike_in_ninety_days_of_a_sensor_is_drawn() -> None:
    at = list(range(0, 25_920 * 300_000, 300_000))
    values = [120.0 + place % 7 for place in range(len(at))]
    values[12_345] = 39.0
    found = kept(at, values, DRAWN)
    assert 12_345 in found
    assert len(found) <= DRAWN
