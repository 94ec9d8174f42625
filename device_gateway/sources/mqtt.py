"""Devices that publish over MQTT: Wi-Fi devices, and bridges that speak for Bluetooth ones."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator
from typing import Final

from device_gateway.clock import Clock, Ids
from device_gateway.connection import Connection, Incoming, Plan
from device_gateway.frames import Packet, RawFrame

_MOST_AT_ONCE: Final = 200


class MqttSource:
    """Subscribes with a persistent session; the broker keeps each message until the spool has it."""

    name = "mqtt"

    def __init__(self, plan: Plan, clock: Clock, ids: Ids, *, most_waiting: int = 10_000) -> None:
        self._clock, self._most_waiting = clock, most_waiting
        self._connection = Connection(plan, clock, ids, on_up=lambda: None, on_message=self._arrived)
        self._waiting: deque[tuple[RawFrame, Incoming]] = deque()
        self._some = asyncio.Event()
        self._overflowed = False

    async def frames(self) -> AsyncGenerator[tuple[RawFrame, ...], None]:
        """Messages as frames; each is acknowledged to the broker when the next are asked for."""
        link = asyncio.create_task(self._connection.run())
        try:
            while True:
                await self._wait(link)
                taken = [self._waiting.popleft() for _ in range(min(_MOST_AT_ONCE, len(self._waiting)))]
                yield tuple(frame for frame, _ in taken)
                for _, message in taken:
                    message.acknowledge()
        finally:
            link.cancel()
            await asyncio.gather(link, return_exceptions=True)

    def rest(self) -> tuple[RawFrame, ...]:
        """Nothing: the broker keeps what was not acknowledged."""
        return ()

    async def _wait(self, link: "asyncio.Task[None]") -> None:
        """Until a message waits. Raises whatever ended the connection's task."""
        if self._overflowed and not self._waiting:
            self._overflowed = False
            self._connection.renew()  # the broker sends what was not acknowledged again on a new session
        while not self._waiting:
            self._some.clear()
            some = asyncio.create_task(self._some.wait())
            await asyncio.wait((some, link), return_when=asyncio.FIRST_COMPLETED)
            some.cancel()
            if link.done():
                link.result()

    def _arrived(self, message: Incoming) -> None:
        if len(self._waiting) >= self._most_waiting:
            self._overflowed = True  # not acknowledged, so the broker still has it
            return
        frame = RawFrame(
            route=message.topic,
            packets=(Packet("mqtt", message.payload),),
            received_at=self._clock.now(),
            received_mono_ms=self._clock.mono_ms(),
            boot=self._clock.boot,
            retained=message.retained,
        )
        self._waiting.append((frame, message))
        self._some.set()
