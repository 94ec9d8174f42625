"""A weight scale (Weight Scale Service 1.0)."""

import struct
from typing import ClassVar

from bumble.gatt import Service
from bumble.gatt_server import Server

from device_gateway.simulator.radio import attributes
from device_gateway.simulator.radio.attributes import INDICATE, READ, characteristic
from device_gateway.simulator.radio.pushing import PushingDevice

# Time stamps, several people, body mass index; steps of 0.005 kg and of 1 mm.
_FEATURES = 0b111 | 7 << 3 | 3 << 7


class WeightScale(PushingDevice):
    """`store` takes Weight Measurements (2A9D)."""

    service: ClassVar[int] = 0x181D

    def _services(self, server: Server) -> list[Service]:
        self.indicated = characteristic(server, 0x2A9D, INDICATE, secure=self.secure)
        feature = characteristic(server, 0x2A9E, READ, secure=self.secure, value=struct.pack("<I", _FEATURES))
        return [
            attributes.service(self.service, feature, self.indicated),
            *super()._services(server),
            attributes.device_information(server, "Invented Scales", "Plain"),
        ]
