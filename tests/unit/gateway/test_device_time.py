from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device_gateway.device_time import kept_by_device, place
from tests.unit.gateway.parts import NOW, PARIS_WINTER

CHICAGO = ZoneInfo("America/Chicago")
CST, CDT = timezone(timedelta(hours=-6)), timezone(timedelta(hours=-5))
NOON = datetime(2026, 11, 22, 18, 0, tzinfo=UTC)


def test_local_time_gets_the_zones_offset_of_that_day() -> None:
    assert place("2026-11-22T11:59:58", CHICAGO, NOON) == (datetime(2026, 11, 22, 11, 59, 58, tzinfo=CST), ())
    assert place("2026-07-22T11:59:58", CHICAGO, NOON) == (datetime(2026, 7, 22, 11, 59, 58, tzinfo=CDT), ())


def test_a_clock_with_its_own_offset_is_taken_at_its_word() -> None:
    placed, flags = place("2026-11-22T11:59:58+0100", CHICAGO, NOON)

    assert (placed, flags) == (datetime(2026, 11, 22, 10, 59, 58, tzinfo=UTC), ())
    assert placed.utcoffset() == timedelta(hours=1)


def test_a_battery_swap_is_kept_as_it_stood() -> None:
    assert place("1970-01-01T00:00:10", CHICAGO, NOON) == (datetime(1970, 1, 1, 0, 0, 10, tzinfo=CST), ())


@pytest.mark.parametrize(("received", "offset"), [((6, 35), CDT), ((7, 35), CST)])
def test_the_hour_that_comes_twice_is_the_later_one_that_has_passed(
    received: tuple[int, int], offset: timezone
) -> None:
    at = datetime(2026, 11, 1, *received, tzinfo=UTC)

    assert place("2026-11-01T01:30:00", CHICAGO, at) == (
        datetime(2026, 11, 1, 1, 30, tzinfo=offset),
        ("device_time_ambiguous",),
    )


def test_the_hour_that_never_was_is_flagged() -> None:
    placed, flags = place("2026-03-08T02:30:00", CHICAGO, datetime(2026, 3, 8, 8, 31, tzinfo=UTC))

    assert (placed.astimezone(UTC), flags) == (datetime(2026, 3, 8, 8, 30, tzinfo=UTC), ("device_time_ambiguous",))


@pytest.mark.parametrize(
    ("text", "flag"),
    [
        (None, "no_device_time"),
        ("", "device_time_invalid"),
        ("2026-11-22", "device_time_invalid"),
        ("2026-13-01T00:00:00", "device_time_invalid"),
        ("1880-01-01T00:00:00", "device_time_invalid"),
        ("9999-12-31T23:59:59", "device_time_invalid"),
    ],
)
def test_without_a_readable_time_the_receipt_stands_in(text: str | None, flag: str) -> None:
    assert place(text, CHICAGO, NOON) == (NOON, (flag,))


@given(text=st.text(max_size=40) | st.datetimes().map(lambda moment: moment.strftime("%Y-%m-%dT%H:%M:%S")))
def test_every_text_finds_a_place_with_an_offset(text: str) -> None:
    assert place(text, CHICAGO, NOON)[0].utcoffset() is not None


def test_a_clock_that_is_off_is_reckoned_with_and_said() -> None:
    slow = timedelta(hours=-3)
    assert place("2026-11-22T04:30:00", PARIS_WINTER, NOW, slow) == (
        datetime(2026, 11, 22, 7, 30, tzinfo=PARIS_WINTER),
        ("device_clock_off",),
    )


@pytest.mark.parametrize("skew", [None, timedelta(0), timedelta(minutes=2), timedelta(minutes=-2)])
def test_a_clock_that_is_right_or_unknown_is_taken_at_its_word(skew: timedelta | None) -> None:
    said = datetime(2026, 11, 22, 4, 30, tzinfo=PARIS_WINTER)
    assert place("2026-11-22T04:30:00", PARIS_WINTER, NOW, skew) == (said, ())


def test_a_record_older_than_the_clocks_fault_keeps_its_time() -> None:
    """After new batteries the clock stands in 2017; reckoned with, what was stored before would lie in the future."""
    skew = timedelta(days=-9 * 365)
    assert place("2026-11-20T07:30:00", PARIS_WINTER, NOW, skew) == (
        datetime(2026, 11, 20, 7, 30, tzinfo=PARIS_WINTER),
        ("device_clock_off",),
    )


def test_a_record_made_after_the_clock_was_set_keeps_its_time() -> None:
    now = NOW.astimezone(PARIS_WINTER).replace(microsecond=0, tzinfo=None)
    measured_at, flags = place(now.isoformat(), PARIS_WINTER, NOW, timedelta(hours=3))
    assert (measured_at.replace(tzinfo=None), flags) == (now, ("device_clock_off",))


def test_a_skew_beyond_the_calendar_is_no_time() -> None:
    assert place("2026-11-20T07:30:00", PARIS_WINTER, NOW, timedelta(days=900_000))[1] == ("device_clock_off",)


@pytest.mark.parametrize(
    ("minutes", "superseded", "clock_known", "kept"),
    [
        (0, False, True, False),
        (4, False, True, False),
        (6, False, True, True),
        (6, False, False, False),  # nobody can say that its clock is right: it may have been measured just now
        (0, True, False, True),
    ],
)
def test_what_the_device_had_stored(*, minutes: int, superseded: bool, clock_known: bool, kept: bool) -> None:
    measured_at = NOW - timedelta(minutes=minutes)
    assert kept_by_device(measured_at, NOW, superseded=superseded, clock_known=clock_known) is kept
