"""When a value was measured, and how old it was on receipt: right even on a gateway whose clock is wrong."""

from datetime import datetime, timedelta

import pytest

from hub.domain.effective import Effective, Stamp, age_at_receipt, effective_time
from tests.unit.domain.builders import DAY, HOUR, MIN, NOW

S = timedelta(seconds=1)


@pytest.mark.parametrize(
    ("measured_at", "suspect"),
    [
        (NOW, False),
        (NOW - 3 * HOUR, False),
        (NOW + 2 * MIN, False),
        (NOW + 2 * MIN + S, True),
        (NOW - 400 * DAY, False),
        (NOW - 400 * DAY - S, True),
        (NOW.replace(year=1970), True),
        (NOW.replace(year=2036), True),
    ],
)
def test_an_impossible_time_becomes_the_hubs_receipt(measured_at: datetime, *, suspect: bool) -> None:
    assert effective_time(measured_at, NOW) == Effective(NOW if suspect else measured_at, suspect)


def age(sent: Stamp, received: Stamp, now: datetime = NOW) -> timedelta:
    return age_at_receipt(now, sent, received)


def test_on_the_way_and_in_the_spool() -> None:
    assert age(Stamp(NOW - 5 * S), Stamp(NOW - 65 * S)) == 65 * S
    assert age(Stamp(NOW - 5 * S, "b", 100_000), Stamp(NOW - 65 * S, "b", 40_000)) == 65 * S


def test_a_clock_set_while_the_reading_waited_changes_nothing() -> None:
    """Received at 1970 before the gateway had the time, sent an hour later with the right one."""
    sent, received = Stamp(NOW - S, "b", 3_700_000), Stamp(NOW.replace(year=1970), "b", 100_000)
    assert age(sent, received) == HOUR + S


def test_across_boots_the_wall_clocks_count_if_they_can_be_true() -> None:
    assert age(Stamp(NOW, "new", 1000), Stamp(NOW - 2 * HOUR, "old", 9_000_000)) == 2 * HOUR
    assert age(Stamp(NOW, "new", 1000), Stamp(NOW.replace(year=1970), "old", 9_000_000)) == timedelta(0)


@pytest.mark.parametrize("wrong", [NOW.replace(year=1970), NOW + DAY])
def test_a_wall_clock_that_cannot_be_true_makes_nothing_old(wrong: datetime) -> None:
    assert age(Stamp(wrong, "b", 70_000), Stamp(wrong - MIN, "b", 10_000)) == MIN
    assert age(Stamp(wrong), Stamp(wrong - MIN)) == timedelta(0)


def test_no_part_is_negative() -> None:
    assert age(Stamp(NOW + MIN), Stamp(NOW + 2 * MIN)) == timedelta(0)
