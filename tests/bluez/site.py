"""Devices, a Bluetooth daemon and its bus, all beside the test: it lives in a thread with an event loop of its own.

A gateway under test is a process of its own with `DBUS_SYSTEM_BUS_ADDRESS` = `site.address` in its environment, and may
be killed at any moment: devices, bonds, links and what the devices have stored are here. A test that has a loop itself
runs the parts (`private_bus`, `Air`, `FakeBluez`) in it instead and needs no thread.

    with site() as place:
        scale = place.add(WeightScale, "C1:00:00:00:00:01", name="Scale", clock=clock)
        place.do(lambda: scale.store([payload]))
        place.run(scale.until(lambda: payload in scale.confirmed))
"""

import asyncio
import contextlib
import threading
from collections.abc import Callable, Coroutine, Iterator
from typing import Any, TypeVar

from device_gateway.simulator.radio import Air, HealthDevice
from tests.bluez.bus import private_bus
from tests.bluez.daemon import FakeBluez

Result = TypeVar("Result")
Some = TypeVar("Some", bound=HealthDevice)

_WAIT_S = 30.0


class Site:
    """Everything that touches devices or the daemon goes through `run` and `do`: they belong to the other thread."""

    def __init__(self, loop: asyncio.AbstractEventLoop, address: str) -> None:
        self.address = address
        self._loop = loop
        self._devices: list[HealthDevice] = []
        self.air = Air()
        self.bluez: FakeBluez

    def run(self, work: Coroutine[Any, Any, Result], within_s: float = _WAIT_S) -> Result:
        """What it returns. Raises TimeoutError."""
        return asyncio.run_coroutine_threadsafe(asyncio.wait_for(work, within_s), self._loop).result()

    def do(self, work: Callable[[], Result]) -> Result:
        async def once() -> Result:
            return work()

        return self.run(once())

    def add(self, kind: Callable[..., Some], address: str, **traits: Any) -> Some:
        """A new device of that kind, switched on."""
        device = kind(self.air, address, **traits)
        self._devices.append(device)
        self.run(device.start())
        return device

    async def open(self) -> None:
        self.bluez = FakeBluez(await self.air.central(), self.address)
        await self.bluez.start()

    async def close(self) -> None:
        await self.bluez.stop()
        for device in self._devices:
            await device.stop()
        await self.bluez.central.close()


@contextlib.contextmanager
def site() -> Iterator[Site]:
    """A place without devices yet."""
    with private_bus() as address, _loop() as loop:
        place = Site(loop, address)
        place.run(place.open())
        try:
            yield place
        finally:
            place.run(place.close())


@contextlib.contextmanager
def _loop() -> Iterator[asyncio.AbstractEventLoop]:
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="site")
    thread.start()
    try:
        yield loop
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
