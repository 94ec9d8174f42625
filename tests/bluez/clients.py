"""What a client of the devices hears and asks, and what the devices say."""

import asyncio
import struct

from bleak import BleakClient
from bleak.uuids import normalize_uuid_16

from device_gateway.simulator.radio import Record
from tests.bluez.places import WITHIN_S

SCALE, METER, OXIMETER = "C1:00:00:00:00:01", "C2:00:00:00:00:02", "C3:00:00:00:00:03"
WEIGHT, GLUCOSE, CONTEXT, CONTROL, SPOT, CONTINUOUS, CLOCK, BATTERY, SCALES = (
    normalize_uuid_16(kind) for kind in (0x2A9D, 0x2A18, 0x2A34, 0x2A52, 0x2A5E, 0x2A5F, 0x2A2B, 0x2A19, 0x181D)
)
ALL, COUNT_ALL, ABORT, DONE, ABORTED = b"\1\1", b"\4\1", b"\3\0", b"\6\0\1\1", b"\6\0\3\1"


def weights(*numbers: int) -> list[bytes]:
    return [struct.pack("<BH", 0, 14_000 + number) for number in numbers]


def records(*numbers: int) -> list[Record]:
    """Every third has a context."""
    return [
        Record(
            sequence=number,
            measurement=struct.pack("<BH7sH", 0, number, bytes(7), number),
            context=struct.pack("<BH", 0, number) if number % 3 == 0 else None,
        )
        for number in numbers
    ]


class Ear:
    """What a client was told, and a wait for more."""

    def __init__(self) -> None:
        self.heard: list[bytes] = []
        self._news = asyncio.Event()

    def __call__(self, _characteristic: object, value: bytearray) -> None:
        self.heard.append(bytes(value))
        self._news.set()

    async def until(self, number: int) -> list[bytes]:
        async with asyncio.timeout(WITHIN_S):
            while len(self.heard) < number:
                self._news.clear()
                await self._news.wait()
        return self.heard


class Collector:
    """The central's half of a glucose meter's procedures."""

    def __init__(self, client: BleakClient) -> None:
        self._client, self.told, self.answers = client, Ear(), Ear()

    async def subscribe(self) -> None:
        for kind, ear in ((CONTEXT, self.told), (GLUCOSE, self.told), (CONTROL, self.answers)):
            await self._client.start_notify(kind, ear)

    async def ask(self, request: bytes) -> None:
        await self._client.write_gatt_char(CONTROL, request, response=True)

    async def answer(self, request: bytes) -> bytes:
        before = len(self.answers.heard)
        await self.ask(request)
        return (await self.answers.until(before + 1))[-1]
