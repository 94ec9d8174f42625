"""How often a reading is expected."""

from collections.abc import Iterable
from datetime import timedelta

from hub.domain.slots import Slot

_WEEK = 7 * 24 * 60


def longest_interval(slots: Iterable[Slot]) -> timedelta | None:
    """The longest time between two readings according to plan, given the slots of one metric; None without slots."""
    minutes = sorted({day * 1440 + slot.at.hour * 60 + slot.at.minute for slot in slots for day in slot.days})
    if not minutes:
        return None
    nexts = [*minutes[1:], minutes[0] + _WEEK]
    return timedelta(minutes=max(later - earlier for earlier, later in zip(minutes, nexts, strict=True)))
