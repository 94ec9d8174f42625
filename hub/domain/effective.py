"""When a value was measured, and how old it was when the hub got it."""

from datetime import datetime, timedelta
from typing import NamedTuple

AHEAD = timedelta(minutes=2)
"""A clock this far ahead of the hub's is still a clock."""
OLDEST = timedelta(days=400)
"""Longer than any device's memory spans in use."""

_NOTHING = timedelta(0)


class Effective(NamedTuple):
    """The time a value is ordered and judged by; ``suspect`` is stored as the flag ``time_suspect``."""

    at: datetime
    suspect: bool


def effective_time(measured_at: datetime, hub_now: datetime) -> Effective:
    """``measured_at``, unless it cannot be (over 2 min ahead of the hub, or 400 days old): then the hub's receipt."""
    suspect = not clock_plausible(measured_at, hub_now)
    return Effective(hub_now if suspect else measured_at, suspect)


def clock_plausible(at: datetime, hub_now: datetime) -> bool:
    """Whether a time that somebody else's clock gave can be true."""
    return hub_now - OLDEST <= at <= hub_now + AHEAD


class Stamp(NamedTuple):
    """One instant on a gateway's two clocks: the wall clock, and the monotonic one that counts within ``boot``."""

    at: datetime
    boot: str | None = None
    mono_ms: int | None = None


def age_at_receipt(hub_now: datetime, sent: Stamp, received: Stamp) -> timedelta:
    """How long ago the gateway received the reading: on the way, (hub now - sent), and in the spool, (sent - received).

    The second part is taken from the monotonic clock when both stamps are of one boot, so a clock that was set between
    them does not change it. Neither part is ever negative, and a wall clock that cannot be true adds nothing: a reading
    is never called old because a clock is wrong (SF2).
    """
    on_the_way = hub_now - sent.at if clock_plausible(sent.at, hub_now) else _NOTHING
    return max(on_the_way, _NOTHING) + max(_in_spool(hub_now, sent, received), _NOTHING)


def _in_spool(hub_now: datetime, sent: Stamp, received: Stamp) -> timedelta:
    if (
        sent.boot is not None
        and sent.boot == received.boot
        and sent.mono_ms is not None
        and received.mono_ms is not None
    ):
        return timedelta(milliseconds=sent.mono_ms - received.mono_ms)
    both = clock_plausible(sent.at, hub_now) and clock_plausible(received.at, hub_now)
    return sent.at - received.at if both else _NOTHING
