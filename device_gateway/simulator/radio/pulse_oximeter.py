"""A pulse oximeter (Pulse Oximeter Service 1.0): spot checks that it keeps, and a stream that it does not."""

import asyncio
import struct
from collections.abc import Iterable
from typing import ClassVar

from bumble.gatt import Characteristic, Service
from bumble.gatt_server import Server

from device_gateway.simulator.radio import attributes
from device_gateway.simulator.radio.attributes import INDICATE, NOTIFY, READ, characteristic
from device_gateway.simulator.radio.link import LinkLost
from device_gateway.simulator.radio.pushing import PushingDevice

# Measurement status, device and sensor status, stored spot checks, time stamps, fast and slow values.
_FEATURES = 0x001F


class PulseOximeter(PushingDevice):
    """`store` takes PLX Spot-Check Measurements (2A5E), `stream` PLX Continuous Measurements (2A5F)."""

    service: ClassVar[int] = 0x1822
    continuous: Characteristic[bytes]

    async def stream(self, payloads: Iterable[bytes], gap_s: float = 0.0) -> int:
        """How many were sent while a central listened; the others are gone."""
        sent = 0
        for payload in payloads:
            if self.connection is not None and self.subscribed(self.continuous):
                try:
                    await self._notify(self.continuous, payload)
                    sent += 1
                except LinkLost:
                    pass
            await asyncio.sleep(gap_s)
        return sent

    def _services(self, server: Server) -> list[Service]:
        self.indicated = characteristic(server, 0x2A5E, INDICATE, secure=self.secure)
        self.continuous = characteristic(server, 0x2A5F, NOTIFY, secure=self.secure)
        features = characteristic(server, 0x2A60, READ, secure=self.secure, value=struct.pack("<H", _FEATURES))
        own = attributes.service(self.service, self.indicated, self.continuous, features)
        return [own, *super()._services(server)]
