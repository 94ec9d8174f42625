"""Records on their way from sessions to the spool, and word of when they are safe there."""

import asyncio
from collections import deque
from collections.abc import Callable
from datetime import timedelta
from typing import Final

from device_gateway.clock import Clock
from device_gateway.frames import Packet, RawFrame

_MOST_AT_ONCE: Final = 200

Stored = Callable[[], None]


class Outlet:
    """What sessions put in, in order; `taken` hands it out and `stored` says that what was handed out is durable."""

    def __init__(self) -> None:
        self.some = asyncio.Event()
        self._waiting: deque[tuple[RawFrame, Stored]] = deque()
        self._out: list[tuple[RawFrame, Stored]] = []

    def put(self, frame: RawFrame, stored: Stored) -> None:
        """`stored` is called once the frame is on disk."""
        self._waiting.append((frame, stored))
        self.some.set()

    def take(self) -> tuple[RawFrame, ...]:
        """The frames that wait; none of them is given again."""
        self._out = [self._waiting.popleft() for _ in range(min(_MOST_AT_ONCE, len(self._waiting)))]
        if not self._waiting:
            self.some.clear()
        return tuple(frame for frame, _ in self._out)

    def rest(self) -> tuple[RawFrame, ...]:
        """All that waits, for whoever closes the outlet."""
        return tuple(self._waiting.popleft()[0] for _ in range(len(self._waiting)))

    def stored(self) -> None:
        """What was taken last is on disk."""
        out, self._out = self._out, []
        for _, stored in out:
            stored()


class Delivery:
    """One session's way into the outlet."""

    def __init__(self, outlet: Outlet, clock: Clock, address: str) -> None:
        self._outlet, self._clock, self._address = outlet, clock, address
        self.battery_percent: int | None = None
        self.clock_skew: timedelta | None = None
        self.clock_read = False  # in this session
        self._open = 0
        self._settled = asyncio.Event()
        self._settled.set()

    def put(self, packets: tuple[Packet, ...], *, superseded: bool = False) -> None:
        """Hands on one record, with what is known of the device by now."""
        self._open += 1
        self._settled.clear()
        frame = RawFrame(
            route=f"ble/{self._address}",
            packets=packets,
            received_at=self._clock.now(),
            received_mono_ms=self._clock.mono_ms(),
            boot=self._clock.boot,
            device=self._address,
            battery_percent=self.battery_percent,
            clock_skew=self.clock_skew,
            clock_read=self.clock_read,
            superseded=superseded,
        )
        self._outlet.put(frame, self._stored)

    @property
    def is_settled(self) -> bool:
        """Whether all that was put is on disk."""
        return not self._open

    async def settled(self) -> None:
        """Returns when all that was put is on disk."""
        await self._settled.wait()

    def _stored(self) -> None:
        self._open -= 1
        if not self._open:
            self._settled.set()
