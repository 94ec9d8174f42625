"""Hours and days of the patient's clock: by hand where the clock is changed, and against the plainest way of it."""

import itertools
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.domain.buckets import Bucket, Unit, buckets, edges
from hub.domain.columns import Columns
from hub.domain.samples import NOT_AVERAGED, Sample

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
ZONES = (
    "UTC",
    "America/New_York",
    "Europe/Berlin",
    "Asia/Kolkata",
    "Australia/Lord_Howe",  # half an hour of summer time
    "America/Sao_Paulo",  # its midnight was skipped
    "America/Havana",  # its midnight comes twice
    "Asia/Kathmandu",
    "Pacific/Apia",  # a whole day was skipped
    "Africa/Casablanca",
    "America/St_Johns",  # changed its clock at 00:01
)


def ms(at: datetime) -> int:
    return (at - EPOCH) // timedelta(milliseconds=1)


def at_local(zone: str, *fields: int, fold: int = 0) -> datetime:
    return datetime(*fields, tzinfo=ZoneInfo(zone), fold=fold).astimezone(UTC)


def columns(*points: tuple[datetime, float], **more: list[str | None]) -> Columns:
    n = len(points)
    plain = {"comparator": [None] * n, "flags": [""] * n} | more
    return Columns([ms(at) for at, _ in points], [value for _, value in points], list(range(n)), **plain)  # type: ignore[arg-type]


def lengths(zone: str, unit: Unit, first: datetime, last: datetime) -> list[timedelta]:
    found = edges(zone, unit, ms(first), ms(last))
    return [timedelta(milliseconds=b - a) for a, b in itertools.pairwise(found)]


def test_a_bucket_says_lowest_mean_highest_last_and_how_many() -> None:
    noon = datetime(2026, 3, 2, 12, tzinfo=UTC)
    found = buckets(columns((noon, 80.1), (noon + MINUTE, 79.9), (noon + HOUR, 81.0)), "UTC", "hour")
    assert found == [
        Bucket(noon, noon + HOUR, 2, 79.9, 80.0, 80.1, 79.9, 0, 0, 0),
        Bucket(noon + HOUR, noon + 2 * HOUR, 1, 81.0, 81.0, 81.0, 81.0, 0, 0, 0),
    ]


def test_nothing_measured_is_no_bucket() -> None:
    noon = datetime(2026, 3, 2, 12, tzinfo=UTC)
    assert buckets(Columns(), "UTC", "hour") == []
    found = buckets(columns((noon, 1.0), (noon + timedelta(days=90), 2.0)), "UTC", "hour")
    assert [one.since for one in found] == [noon, noon + timedelta(days=90)]


def test_hi_and_lo_are_counted_apart_and_are_in_no_mean() -> None:
    noon = datetime(2026, 3, 2, 12, tzinfo=UTC)
    points = [(noon, 600.0), (noon + MINUTE, 100.0), (noon + 2 * MINUTE, 20.0)]
    (found,) = buckets(columns(*points, comparator=[">", None, "<"]), "UTC", "hour")
    assert found == Bucket(noon, noon + HOUR, 1, 100.0, 100.0, 100.0, 100.0, 1, 1, 0)
    (found,) = buckets(columns((noon, 600.0), comparator=[">"]), "UTC", "hour")
    assert found == Bucket(noon, noon + HOUR, 0, None, None, None, None, 0, 1, 0)


def test_what_is_no_measurement_is_in_no_mean() -> None:
    noon = datetime(2026, 3, 2, 12, tzinfo=UTC)
    points = [(noon, 0.0), (noon + MINUTE, 97.0), (noon + 2 * MINUTE, 96.0)]
    (found,) = buckets(columns(*points, flags=["zero_is_no_signal", "late suspect", ""]), "UTC", "hour")
    assert (found.count, found.low, found.left_out) == (2, 96.0, 1)


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [
        ("America/New_York", date(2026, 3, 8), 23),
        ("America/New_York", date(2026, 11, 1), 25),
        ("Europe/Berlin", date(2026, 3, 29), 23),
        ("Australia/Lord_Howe", date(2026, 10, 4), 23.5),
        ("Australia/Lord_Howe", date(2026, 4, 5), 24.5),
        ("Asia/Kolkata", date(2026, 3, 8), 24),
        ("America/Sao_Paulo", date(2018, 11, 4), 23),  # from 01:00 on
        ("America/Havana", date(2026, 11, 1), 25),  # from the first of its two midnights on
    ],
)
def test_a_day_is_as_long_as_its_clock_makes_it(zone: str, day: date, hours: float) -> None:
    noon = at_local(zone, day.year, day.month, day.day, 12)
    assert lengths(zone, "day", noon, noon) == [timedelta(hours=hours)]
    (since, _) = edges(zone, "day", ms(noon), ms(noon))
    assert (EPOCH + timedelta(milliseconds=since)).astimezone(ZoneInfo(zone)).date() == day


def test_the_hour_that_comes_twice_is_two_buckets() -> None:
    first = at_local("America/New_York", 2026, 11, 1, 1, 30)
    second = at_local("America/New_York", 2026, 11, 1, 1, 30, fold=1)
    found = buckets(columns((first, 1.0), (second, 2.0)), "America/New_York", "hour")
    assert [(one.since, one.last) for one in found] == [(first - 30 * MINUTE, 1.0), (second - 30 * MINUTE, 2.0)]


def test_an_hour_of_a_half_hour_zone_begins_by_its_own_clock() -> None:
    at = datetime(2026, 3, 2, 12, 40, tzinfo=UTC)  # 18:10 in Kolkata
    (found,) = buckets(columns((at, 1.0)), "Asia/Kolkata", "hour")
    assert found.since == datetime(2026, 3, 2, 12, 30, tzinfo=UTC)


def test_an_hour_ends_where_the_clock_is_changed_by_half_an_hour() -> None:
    twice = at_local("Australia/Lord_Howe", 2026, 4, 5, 1, 45)
    assert lengths("Australia/Lord_Howe", "hour", twice - HOUR, twice + HOUR)[:3] == [HOUR, HOUR, 30 * MINUTE]


# Against the plainest way -----------------------------------------------------------------------------------------

DATES = st.sampled_from(
    [
        datetime(2026, 3, 8, tzinfo=UTC),
        datetime(2026, 11, 1, tzinfo=UTC),
        datetime(2026, 3, 29, tzinfo=UTC),
        datetime(2026, 4, 4, tzinfo=UTC),
        datetime(2026, 10, 3, tzinfo=UTC),
        datetime(2018, 11, 4, tzinfo=UTC),
        datetime(2011, 12, 30, tzinfo=UTC),
        datetime(2006, 10, 29, tzinfo=UTC),
        datetime(2025, 2, 23, tzinfo=UTC),
    ]
)
FLAGS = st.sampled_from(["", "", "", "late", "implausible", "late someone_else", "patient_reported"])
POINT = st.tuples(st.integers(0, 4 * 24 * 60), st.integers(200, 6000), st.sampled_from([None, None, "<", ">"]), FLAGS)


def label(at: datetime, zone: ZoneInfo, unit: Unit) -> object:
    local = at.astimezone(zone)
    return (local.date(), local.hour, local.utcoffset()) if unit == "hour" else local.date()


def plainest(points: list[tuple[datetime, float, str | None, str]], zone: str, unit: Unit) -> list[object]:
    """Each minute of the stretch carries its label; a bucket is what has the same one (a day: the latest reached)."""
    tz, groups, reached = ZoneInfo(zone), {}, None
    for at, value, comparator, flags in points:
        name = label(at, tz, unit)
        if unit == "day":
            minute = min(one[0] for one in points) - timedelta(days=2)
            reached = max(label(minute + n * MINUTE, tz, unit) for n in range(int((at - minute) / MINUTE) + 1))  # type: ignore[type-var]
            name = reached
        groups.setdefault(name, []).append((value, comparator, flags))
    return [_told(theirs) for theirs in groups.values()]


def _told(theirs: list[tuple[float, str | None, str]]) -> tuple[object, ...]:
    bad = [bool(set(flags.split()) & NOT_AVERAGED) for _, _, flags in theirs]
    good = [v for (v, c, _), out in zip(theirs, bad, strict=True) if c is None and not out]
    mean = float(sum(map(Fraction, good)) / len(good)) if good else None
    bounds = [sum(c == sign and not out for (_, c, _), out in zip(theirs, bad, strict=True)) for sign in "<>"]
    ends = (min(good), mean, max(good), good[-1]) if good else (None,) * 4
    return (len(good), *ends, *bounds, sum(bad))


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(ZONES), st.sampled_from(["hour", "day"]), DATES, st.lists(POINT, min_size=1, max_size=12))
def test_as_the_plainest_way_of_it(
    zone: str, unit: Unit, around: datetime, raw: list[tuple[int, int, str | None, str]]
) -> None:
    start = around - timedelta(days=2)
    points = sorted(
        ((start + n * MINUTE, value / 10, comparator, flags) for n, value, comparator, flags in raw),
        key=lambda point: point[0],
    )
    given_columns = columns(
        *((at, value) for at, value, _, _ in points),
        comparator=[comparator for _, _, comparator, _ in points],
        flags=[flags for _, _, _, flags in points],
    )
    found = buckets(given_columns, zone, unit)
    told = [(b.count, b.low, b.mean, b.high, b.last, b.below, b.above, b.left_out) for b in found]
    assert [tuple(one) for one in told] == [
        pytest.approx(one, rel=1e-15) if one[2] is not None else one for one in plainest(points, zone, unit)
    ]
    for bucket in found:
        assert any(bucket.since <= at < bucket.until for at, *_ in points)


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(ZONES), st.sampled_from(["hour", "day"]), DATES, st.integers(0, 5_000))
def test_edges_leave_no_gap_and_none_is_longer_than_its_unit_allows(
    zone: str, unit: Unit, around: datetime, minutes: int
) -> None:
    first, last = around - timedelta(minutes=minutes), around + timedelta(minutes=minutes)
    found = edges(zone, unit, ms(first), ms(last))
    assert found == sorted(set(found))
    assert found[0] <= ms(first) < found[1]
    assert found[-2] <= ms(last) < found[-1]
    longest = HOUR if unit == "hour" else 25 * HOUR
    assert max(lengths(zone, unit, first, last)) <= longest


def test_a_bucket_counts_what_is_trusted_and_of_known_time() -> None:
    noon = datetime(2026, 3, 2, 12, tzinfo=UTC)
    for flag in sorted(NOT_AVERAGED | {"late", "suspect"}):
        sample = Sample(1, "body_weight", 80, noon, flags=frozenset({flag}))  # type: ignore[arg-type]
        (found,) = buckets(columns((noon, 80.0), flags=[flag]), "UTC", "hour")
        assert (found.count == 1) == (sample.trusted and sample.dated), flag
