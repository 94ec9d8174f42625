"""Where time, ids and chance come from. Everything else in the gateway takes them as arguments."""

import secrets
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Protocol

_BOOT_ID: Final = Path("/proc/sys/kernel/random/boot_id")
_CROCKFORD: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


class Clock(Protocol):
    """Wall time, and a time that no one can set."""

    @property
    def boot(self) -> str:
        """Names the span in which `mono_ms` values compare."""

    def now(self) -> datetime:
        """The wall clock, in UTC."""

    def mono_ms(self) -> int:
        """Milliseconds that only grow within one `boot`."""


class Ids(Protocol):
    """New names and chance."""

    def new(self) -> str:
        """An id that was never given before and sorts by time."""

    def between(self, low: float, high: float) -> float:
        """Some number in [low, high]: spreads retries of many gateways."""


class SystemClock:
    """This machine's clocks. The monotonic one counts suspended time too, where the system has such a clock."""

    def __init__(self) -> None:
        try:
            self.boot = _BOOT_ID.read_text().strip()
            self._clock_id = time.CLOCK_BOOTTIME
        except (OSError, AttributeError):
            # No boot id: a span of our own, so that no monotonic time of another process is compared with ours.
            self.boot = secrets.token_hex(16)
            self._clock_id = time.CLOCK_MONOTONIC

    def now(self) -> datetime:
        return datetime.now(UTC)

    def mono_ms(self) -> int:
        return time.clock_gettime_ns(self._clock_id) // 1_000_000


class SystemIds:
    """ULIDs (48 bits of milliseconds, 80 of chance, Crockford base 32) and the system's random numbers."""

    def __init__(self) -> None:
        self._random = secrets.SystemRandom()

    def new(self) -> str:
        number = (time.time_ns() // 1_000_000) << 80 | self._random.getrandbits(80)
        return "".join(_CROCKFORD[number >> shift & 31] for shift in range(125, -1, -5))

    def between(self, low: float, high: float) -> float:
        return self._random.uniform(low, high)
