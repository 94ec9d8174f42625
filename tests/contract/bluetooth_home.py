"""A home on virtual Bluetooth in this process: real devices' bytes, the gateway's own source, no Bluetooth daemon."""

import asyncio
import contextlib
import struct
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from device_gateway.clock import SystemClock, SystemIds
from device_gateway.frames import RawFrame
from device_gateway.registry import Registry
from device_gateway.simulator.radio.air import Air
from device_gateway.simulator.radio.backend import make_backend
from device_gateway.simulator.radio.glucose_meter import GlucoseMeter, Record
from device_gateway.simulator.radio.health_device import HealthDevice
from device_gateway.simulator.radio.pulse_oximeter import PulseOximeter
from device_gateway.simulator.radio.weight_scale import WeightScale
from device_gateway.sources.ble import BleSource, Known, Pace, Radio
from device_gateway.sources.ble.pairing import pair

SCALE, METER, OXIMETER = "C1:00:00:00:00:01", "C2:00:00:00:00:02", "C3:00:00:00:00:03"
CLOCK, IDS = SystemClock(), SystemIds()
PACE = Pace(idle_s=0.2, quiet_s=1.0, longest_s=20, rest_s=0.1)
WAIT_S = 10.0


def now(off: timedelta = timedelta()) -> datetime:
    """The local time of a device in UTC whose clock is off by so much."""
    return CLOCK.now().replace(tzinfo=None) + off


def scale(air: Air, **faults: Any) -> WeightScale:
    return WeightScale(air, SCALE, name="Scale", clock=now, **faults)


def meter(air: Air, **faults: Any) -> GlucoseMeter:
    return GlucoseMeter(air, METER, name="Meter", clock=now, **faults)


def oximeter(air: Air, **faults: Any) -> PulseOximeter:
    return PulseOximeter(air, OXIMETER, name="Oximeter", clock=now, **faults)


def stamp(at: datetime) -> bytes:
    return struct.pack("<HBBBBB", at.year, at.month, at.day, at.hour, at.minute, at.second)


def weight(kg: float, at: datetime, user: int = 1) -> bytes:
    """A Weight Measurement with a time and a user."""
    return struct.pack("<BH", 0x06, round(kg / 0.005)) + stamp(at) + bytes((user,))


def glucose(sequence: int, mg_dl: int, at: datetime, context: bytes | None = None) -> Record:
    """A stored measurement in kg/L, capillary blood from a finger; `context`: flags, then all behind the sequence."""
    flags = 0x02 | (0x10 if context else 0)
    head = struct.pack("<BH", flags, sequence) + stamp(at)
    whole = None if context is None else context[:1] + struct.pack("<H", sequence) + context[1:]
    return Record(sequence, head + struct.pack("<H", 0xB << 12 | mg_dl) + b"\x11", whole)


def spot(oxygen: int, pulse: int, at: datetime) -> bytes:
    """A PLX Spot-Check Measurement with a time."""
    return struct.pack("<BHH", 0x01, oxygen, pulse) + stamp(at)


class Nobody:
    """Stands beside devices that show nothing."""

    async def passkey(self) -> int | None:
        return None

    async def same(self, passkey: int) -> bool:
        return True

    async def show(self, passkey: int) -> None:
        pass

    async def agrees(self) -> bool:
        return True


@dataclass
class Home:
    """What the gateway heard, and what its devices are."""

    radio: Radio
    registry: Registry
    frames: list[RawFrame] = field(default_factory=list)
    news: asyncio.Event = field(default_factory=asyncio.Event)

    def heard(self, address: str) -> list[RawFrame]:
        return [frame for frame in self.frames if frame.device == address]

    def payloads(self, address: str) -> list[bytes]:
        return [frame.packets[0].data for frame in self.heard(address)]

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(WAIT_S):
            while not condition():
                self.news.clear()
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self.news.wait(), 0.05)

    @contextlib.asynccontextmanager
    async def gateway(self, pace: Pace = PACE, *, clock_is_wrong: bool = False) -> AsyncIterator[None]:
        """A gateway that runs inside; another may follow on the same home."""
        known = Known(lambda _device, _packet: False, lambda: clock_is_wrong)
        source = BleSource(self.radio, self.registry, known, CLOCK, IDS, UTC, pace)

        async def collect() -> None:
            async with aclosing(source.frames()) as arriving:
                async for frames in arriving:
                    self.frames += frames
                    self.news.set()

        task = asyncio.create_task(collect())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


@contextlib.asynccontextmanager
async def home(directory: Path, air: Air, devices: Sequence[HealthDevice]) -> AsyncIterator[Home]:
    """The devices are on, and paired by the product's own act."""
    central = await air.central()
    try:
        radio = Radio("", *make_backend(central))
        there = Home(radio, Registry(directory))
        for device in devices:
            await device.start()
            always_on, device.always_on = device.always_on, True
            await pair(radio, device.address, Nobody(), there.registry, CLOCK, within_s=5)
            device.always_on = always_on
        yield there
    finally:
        for device in devices:
            await device.stop()
        await central.close()
