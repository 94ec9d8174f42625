"""The two ways to the virtual radio: bleak's own BlueZ code over the daemon, and the backend in the process."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar

import pytest
from bleak import BleakClient, BleakScanner
from bleak.backends.device import BLEDevice

from device_gateway.simulator.radio import Air, Central, HealthDevice, make_backend
from tests.bluez.bus import close_bleak, private_bus
from tests.bluez.daemon import FakeBluez

Some = TypeVar("Some", bound=HealthDevice)
Test = Callable[["Place"], Awaitable[None]]

WITHIN_S = 10.0
NOON = datetime(2026, 5, 4, 12, 0, 0)  # noqa: DTZ001 - as a device shows it


@dataclass
class Place:
    """A central, and the devices that a test puts near it. `bluez` is there on that way only."""

    air: Air
    central: Central
    bluez: FakeBluez | None = None
    scanner: type[Any] | None = None
    backend: type[Any] | None = None
    devices: list[HealthDevice] = field(default_factory=list)

    async def add(self, kind: Callable[..., Some], address: str, **traits: Any) -> Some:
        device = kind(self.air, address, **{"name": kind.__name__, "clock": lambda: NOON, **traits})
        self.devices.append(device)
        await device.start()
        return device

    async def find(self, device: HealthDevice) -> BLEDevice:
        found = await BleakScanner.find_device_by_name(device.name, timeout=WITHIN_S, **self._scanner)
        assert found is not None
        return found

    async def discover(self, *services: str) -> dict[str, str | None]:
        """What is heard within a moment: names by address."""
        options: dict[str, Any] = {"service_uuids": list(services)} if services else {}
        found = await BleakScanner.discover(timeout=0.15, **options, **self._scanner)
        return {each.address: each.name for each in found}

    async def client(self, device: HealthDevice, **options: Any) -> BleakClient:
        """A client that is not connected yet."""
        return self.client_of(await self.find(device), **options)

    def client_of(self, found: BLEDevice, **options: Any) -> BleakClient:
        return BleakClient(found, **{"timeout": WITHIN_S, "backend": self.backend, **options})

    @property
    def _scanner(self) -> dict[str, Any]:
        return {"backend": self.scanner} if self.scanner is not None else {}


@contextlib.asynccontextmanager
async def place(way: str, **bluez: Any) -> AsyncIterator[Place]:
    """`way` is `bluez` or `in-process`."""
    with private_bus() if way == "bluez" else contextlib.nullcontext():
        air = Air()
        central = await air.central()
        if way == "bluez":
            here = Place(air, central, FakeBluez(central, **bluez))
            await here.bluez.start()
        else:
            here = Place(air, central, None, *make_backend(central))
        try:
            yield here
        finally:
            if here.bluez is not None:
                await close_bleak()
                await here.bluez.stop()
            for device in here.devices:
                await device.stop()
            await central.close()


def on_both_ways(test: Test) -> Callable[..., None]:
    """The test with a place, once on each way."""
    return pytest.mark.parametrize("way", ["bluez", "in-process"])(_named(test, lambda way: _run(test, way)))


def on_bluez(test: Test) -> Callable[[], None]:
    """The test with a place whose `bluez` is there."""
    return _named(test, lambda: _run(test, "bluez"))


def _run(test: Test, way: str) -> None:
    async def whole() -> None:
        async with asyncio.timeout(3 * WITHIN_S), place(way) as here:
            await test(here)
        assert asyncio.all_tasks() - {asyncio.current_task()} == set()

    asyncio.run(whole())


def _named(test: Test, run: Callable[..., None]) -> Callable[..., None]:
    run.__name__, run.__qualname__, run.__module__, run.__doc__ = (
        test.__name__,
        test.__qualname__,
        test.__module__,
        test.__doc__,
    )
    return run
