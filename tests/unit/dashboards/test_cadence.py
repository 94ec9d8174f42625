"""How often a reading is expected."""

from datetime import time, timedelta

from hub.domain.slots import Slot
from hub.services.views.cadence import longest_interval

DAILY = frozenset(range(7))


def _slot(at: str, days: frozenset[int] = DAILY) -> Slot:
    hour = timedelta(hours=1)
    return Slot(f"s{at}{sorted(days)}", "body_weight", time.fromisoformat(at), days, hour, hour, hour)


def test_the_longest_time_between_two_readings() -> None:
    assert longest_interval([]) is None
    assert longest_interval([_slot("08:00")]) == timedelta(days=1)
    assert longest_interval([_slot("08:00"), _slot("15:00")]) == timedelta(hours=17)
    assert longest_interval([_slot("08:00", frozenset({0, 1, 2, 3, 4}))]) == timedelta(days=3)
    assert longest_interval([_slot("08:00", frozenset({0}))]) == timedelta(days=7)
