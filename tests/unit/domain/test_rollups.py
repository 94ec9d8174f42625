"""Hours and days of the patient's own clock, and what they hold."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.domain.buckets import buckets
from hub.domain.columns import Columns
from hub.domain.rollups import Kind, Point, Rollup, Window, day_of, days, hour_of, hours, joined, summed

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
ZONES = (
    "America/New_York",
    "Europe/Berlin",
    "Asia/Kolkata",
    "Asia/Kathmandu",
    "Australia/Lord_Howe",
    "America/St_Johns",
    "America/Santiago",
    "Asia/Beirut",
    "Pacific/Apia",
    "Pacific/Chatham",
    "Africa/Casablanca",
    "Antarctica/Troll",
    "UTC",
)
INSTANTS = st.datetimes(datetime(1995, 1, 1), datetime(2030, 1, 1)).map(lambda at: at.replace(tzinfo=UTC))  # noqa: DTZ001


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[arg-type, misc]


@pytest.mark.parametrize(
    ("zone", "day", "length"),
    [
        ("Europe/Berlin", utc(2026, 3, 29, 9), 23),
        ("Europe/Berlin", utc(2026, 10, 25, 9), 25),
        ("America/New_York", utc(2026, 3, 8, 15), 23),
        ("America/New_York", utc(2026, 11, 1, 15), 25),
        ("America/New_York", utc(2026, 7, 1, 15), 24),
        ("Australia/Lord_Howe", utc(2026, 4, 4, 20), 24.5),
        ("Australia/Lord_Howe", utc(2026, 10, 3, 20), 23.5),
        ("Asia/Beirut", utc(2026, 3, 29, 9), 23),  # the clock is moved at midnight: the day begins at one
        ("Africa/Cairo", utc(2026, 10, 29, 9), 25),  # and back across midnight: its last hour comes twice
    ],
)
def test_a_day_is_as_long_as_the_patient_s(zone: str, day: datetime, length: float) -> None:
    window = day_of(day, zone)
    assert (window.end - window.start) / HOUR == length


def test_the_hour_that_comes_twice_is_two() -> None:
    berlin = "Europe/Berlin"
    first, second = hour_of(utc(2026, 10, 25, 0, 30), berlin), hour_of(utc(2026, 10, 25, 1, 30), berlin)
    assert first == Window(utc(2026, 10, 25, 0), utc(2026, 10, 25, 1))
    assert second == Window(utc(2026, 10, 25, 1), utc(2026, 10, 25, 2))


def test_an_hour_of_a_half_hour_zone_begins_on_its_own_clock() -> None:
    assert hour_of(utc(2026, 3, 2, 12, 4), "Asia/Kolkata").start == utc(2026, 3, 2, 11, 30)
    assert hour_of(utc(2026, 3, 2, 12, 4), "Asia/Kathmandu").start == utc(2026, 3, 2, 11, 15)


def test_a_clock_that_is_moved_by_half_an_hour_makes_short_hours() -> None:
    howe = "Australia/Lord_Howe"  # on 5 April 2026 at 02:00 back to 01:30, which is 15:00 UTC
    assert hour_of(utc(2026, 4, 4, 14, 50), howe) == Window(utc(2026, 4, 4, 14), utc(2026, 4, 4, 15))
    assert hour_of(utc(2026, 4, 4, 15, 10), howe) == Window(utc(2026, 4, 4, 15), utc(2026, 4, 4, 15, 30))


def test_a_zone_that_leaves_a_day_out_has_the_days_around_it() -> None:
    apia = "Pacific/Apia"  # no 30 December 2011
    assert day_of(utc(2011, 12, 30, 9, 59), apia).end == utc(2011, 12, 30, 10)
    assert day_of(utc(2011, 12, 30, 10), apia).start == utc(2011, 12, 30, 10)


@settings(max_examples=400)
@given(INSTANTS, st.sampled_from(ZONES))
def test_every_instant_is_in_one_hour_of_one_day(at: datetime, name: str) -> None:
    zone = name
    hour, day = hour_of(at, zone), day_of(at, zone)
    assert hour.start <= at < hour.end <= hour.start + HOUR
    assert day.start <= hour.start < hour.end <= day.end
    assert hour_of(hour.start, zone) == hour_of(hour.end - timedelta(microseconds=1), zone) == hour
    assert day_of(day.start, zone) == day_of(day.end - timedelta(microseconds=1), zone) == day
    assert hour_of(hour.end, zone).start == hour.end
    assert day_of(day.end, zone).start == day.end


def point(minute: float, value: float, reading_id: int = 1, kind: Kind = Kind.COUNTED) -> Point:
    return Point(utc(2026, 3, 2, 12) + timedelta(minutes=minute), reading_id, value, kind)


def test_a_window_holds_what_was_measured_and_counts_bounds_apart() -> None:
    points = [
        point(3, 97.0, 2),
        point(1, 95.0, 1),
        point(9, 91.0, 3),
        point(10, 400.0, 4, Kind.ABOVE),
        point(11, 20.0, 5, Kind.BELOW),
        point(12, 20.0, 6, Kind.BELOW),
        point(13, 0.0, 7, Kind.LEFT_OUT),
    ]
    (hour,) = hours(points, "UTC")
    assert (hour.count, hour.low, hour.high, hour.last) == (3, 91.0, 97.0, 91.0)
    assert hour.mean == pytest.approx(94.333333)
    assert (hour.below, hour.above, hour.left_out) == (2, 1, 1)
    assert hour.last_at == points[2].at


def test_a_window_of_bounds_alone_has_no_mean() -> None:
    (hour,) = hours([point(1, 400.0, 1, Kind.ABOVE)], "UTC")
    assert (hour.count, hour.mean, hour.low, hour.last, hour.above) == (0, None, None, None, 1)
    assert not hour.empty


VALUES = st.decimals(20, 600, places=1).map(float)
POINTS = st.lists(st.tuples(st.floats(-3000, 3000), VALUES, st.sampled_from(list(Kind))), max_size=40).map(
    lambda rows: [point(minute, value, place, kind) for place, (minute, value, kind) in enumerate(rows)]
)


@given(POINTS, st.randoms(use_true_random=False), st.sampled_from(ZONES))
def test_the_order_of_arrival_changes_nothing(points: list[Point], chance: object, name: str) -> None:
    shuffled = list(points)
    chance.shuffle(shuffled)  # type: ignore[attr-defined]
    assert hours(points, name) == hours(shuffled, name)


@given(POINTS, st.sampled_from(ZONES))
def test_nothing_is_lost_between_samples_hours_and_days(points: list[Point], name: str) -> None:
    zone = name
    of_hours = hours(points, zone)
    for rows in (of_hours, days(of_hours, zone)):
        assert sum(row.count + row.below + row.above + row.left_out for row in rows) == len(points)
        counted = [one.value for one in points if one.kind is Kind.COUNTED]
        assert min((row.low for row in rows if row.low is not None), default=None) == min(counted, default=None)
        assert max((row.high for row in rows if row.high is not None), default=None) == max(counted, default=None)


@given(POINTS, st.sets(st.integers(0, 40)), st.sampled_from(ZONES))
def test_samples_that_are_kept_as_a_sum_alone_count_as_before(points: list[Point], gone: set[int], name: str) -> None:
    zone = name
    removed = [one for one in points if one.reading_id in gone and one.kind is Kind.COUNTED]
    bases = [_thinned(one) for one in hours(removed, zone)]
    after = hours([one for one in points if one not in removed], zone, bases)
    before = hours(points, zone)
    assert [_numbers(one) for one in after] == [_numbers(one) for one in before]
    assert sum(one.thinned for one in after) == len(removed)


def _thinned(one: Rollup) -> Rollup:
    return Rollup(
        one.window, one.count, one.total, one.low, one.high, one.last, one.last_at, one.last_id, thinned=one.count
    )


def _numbers(one: Rollup) -> tuple[object, ...]:
    mean = pytest.approx(one.mean, rel=1e-12) if one.mean is not None else None
    return one.window, one.count, mean, one.low, one.high, one.last, one.last_at, one.below, one.above, one.left_out


@given(POINTS, st.sampled_from(ZONES))
def test_they_are_the_buckets_of_every_store(points: list[Point], zone: str) -> None:
    stored = [replace(one, at=one.at.replace(microsecond=one.at.microsecond // 1000 * 1000)) for one in points]
    ordered = sorted(stored, key=lambda one: (one.at, one.reading_id))
    words = {Kind.LEFT_OUT: "implausible"}
    bounds = {Kind.BELOW: "<", Kind.ABOVE: ">"}
    columns = Columns(
        [(one.at - EPOCH) // timedelta(milliseconds=1) for one in ordered],
        [one.value for one in ordered],
        [one.reading_id for one in ordered],
        [bounds.get(one.kind) for one in ordered],
        [words.get(one.kind, "") for one in ordered],
    )
    for rows, unit in ((hours(ordered, zone), "hour"), (days(hours(ordered, zone), zone), "day")):
        assert [_told(row) for row in rows] == [
            (b.since, b.until, b.count, b.low, b.high, b.last, b.below, b.above, b.left_out)
            for b in buckets(columns, zone, unit)  # type: ignore[arg-type]
        ]
        means = [b.mean for b in buckets(columns, zone, unit) if b.count]  # type: ignore[arg-type]
        assert [row.mean for row in rows if row.count] == pytest.approx(means, rel=1e-15)


def _told(row: Rollup) -> tuple[object, ...]:
    window = row.window.start, row.window.end
    return *window, row.count, row.low, row.high, row.last, row.below, row.above, row.left_out


def test_parts_join_to_what_they_are_together() -> None:
    points = [point(n, 90 + n % 7, n) for n in range(50)]
    window = Window(points[0].at, points[-1].at + HOUR)
    assert joined(window, [summed(window, points[:20]), summed(window, points[20:])]) == summed(window, points)
