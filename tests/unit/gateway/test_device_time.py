from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device_gateway.device_time import place

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
