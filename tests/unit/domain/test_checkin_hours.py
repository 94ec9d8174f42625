"""When a patient is asked: their own clock, also on the days it changes."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.domain.checkins import Schedule, may_leave, next_time
from tests.scenario.talks import DAILY, SHIPPED

CHECKIN = SHIPPED[DAILY].checkin
NEW_YORK, BERLIN, APIA = ZoneInfo("America/New_York"), ZoneInfo("Europe/Berlin"), ZoneInfo("Pacific/Apia")
DAYS = frozenset(range(7))
WHEN = st.integers(0, 2 * 366 * 24 * 60).map(lambda minutes: at("2025-01-01T00:00") + timedelta(minutes=minutes))


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("zone", "hour", "days", "after", "expected"),
    [
        (NEW_YORK, time(9), DAYS, "2026-03-07T13:59", "2026-03-07T14:00"),
        (NEW_YORK, time(9), DAYS, "2026-03-07T14:00", "2026-03-08T13:00"),  # the clock goes forward at night
        (NEW_YORK, time(9), DAYS, "2026-10-31T13:00", "2026-11-01T14:00"),  # and back
        (NEW_YORK, time(2, 30), DAYS, "2026-03-08T00:00", "2026-03-08T07:30"),  # a time that the change skips
        (NEW_YORK, time(1, 30), DAYS, "2026-11-01T00:00", "2026-11-01T05:30"),  # of one that comes twice, the first
        (NEW_YORK, time(1, 30), DAYS, "2026-11-01T05:30", "2026-11-02T06:30"),
        (BERLIN, time(9), frozenset({0}), "2026-03-23T08:00", "2026-03-30T07:00"),
        (APIA, time(9), DAYS, "2011-12-29T19:00", "2011-12-30T19:00"),  # 30 December was left out
    ],
)
def test_the_next_time(zone: ZoneInfo, hour: time, days: frozenset[int], after: str, expected: str) -> None:
    assert next_time(Schedule(hour, days), zone, at(after)) == at(expected)


@pytest.mark.parametrize(
    ("zone", "when", "leaves"),
    [
        (NEW_YORK, "2026-03-03T15:00", "2026-03-03T15:00"),
        (NEW_YORK, "2026-03-03T13:00", "2026-03-03T13:00"),  # 08:00 sharp
        (NEW_YORK, "2026-03-04T01:00", "2026-03-04T13:00"),  # 20:00 sharp: tomorrow
        (NEW_YORK, "2026-03-03T08:00", "2026-03-03T13:00"),
        (NEW_YORK, "2026-03-08T02:00", "2026-03-08T12:00"),  # the night that the clock goes forward
        (NEW_YORK, "2026-11-01T04:00", "2026-11-01T13:00"),
    ],
)
def test_when_a_question_may_leave(zone: ZoneInfo, when: str, leaves: str) -> None:
    assert may_leave(CHECKIN, zone, at(when)) == at(leaves)


@given(WHEN, st.sampled_from([NEW_YORK, BERLIN, APIA]))
def test_nobody_is_woken_and_nothing_waits_longer_than_a_night(asked: datetime, zone: ZoneInfo) -> None:
    leaves = may_leave(CHECKIN, zone, asked)
    assert asked <= leaves <= asked + timedelta(hours=13)
    assert time(8) <= leaves.astimezone(zone).time() < time(20)


@given(WHEN, st.sampled_from([NEW_YORK, BERLIN, APIA]))
def test_every_day_has_its_question(asked: datetime, zone: ZoneInfo) -> None:
    upcoming = next_time(Schedule(time(9), DAYS), zone, asked)
    assert asked < upcoming <= asked + timedelta(hours=25)
    assert upcoming.astimezone(zone).time() == time(9)
