"""Devices that indicate what they have kept, oldest first, and drop it once it is confirmed."""

import contextlib
from collections import deque
from collections.abc import Iterable

from bumble.gatt import Characteristic

from device_gateway.simulator.radio.health_device import HealthDevice
from device_gateway.simulator.radio.link import LinkLost


class PushingDevice(HealthDevice):
    """Keeps each payload until a subscribed central confirmed it: scales and oximeters have no other memory."""

    indicated: Characteristic[bytes]
    interval_s: float = 0.0  # a real link carries one indication a connection interval, on this one there is none

    def __post_init__(self) -> None:
        super().__post_init__()
        self._stored: deque[bytes] = deque()

    @property
    def stored(self) -> tuple[bytes, ...]:
        """What no central has confirmed yet, oldest first."""
        return tuple(self._stored)

    def store(self, payloads: Iterable[bytes]) -> None:
        """Measured just now: told as soon as somebody listens."""
        self._stored.extend(payloads)
        self._touch()

    def _has_news(self) -> bool:
        return bool(self._stored)

    async def _serve(self) -> None:
        told = False
        while self._stored and self._may_tell(self.indicated):
            if not await self._indicate(self.indicated, self._stored[0]):
                return
            self._stored.popleft()
            told = True
            with contextlib.suppress(LinkLost):
                await self.pause(self.interval_s)
        if told and self.disconnect_after and not self._stored:
            await self.drop()
