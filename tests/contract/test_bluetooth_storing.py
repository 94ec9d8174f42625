"""A disk that does not take what devices told: no device gives away more, and the gateway can still be stopped."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import replace
from datetime import UTC
from pathlib import Path

from device_gateway.simulator.radio.air import Air
from device_gateway.sources.ble import BleSource, Known
from tests.contract.bluetooth_home import (
    CLOCK,
    IDS,
    METER,
    OXIMETER,
    PACE,
    Home,
    glucose,
    home,
    meter,
    now,
    oximeter,
    scale,
    spot,
    weight,
)
from tests.contract.test_bluetooth_collecting import in_a_loop

IN_TIME_S = 2.0


@asynccontextmanager
async def slow_gateway(here: Home, disk: asyncio.Event) -> AsyncIterator[None]:
    """Stores when the disk may."""
    pace = replace(PACE, store_s=0.2)
    source = BleSource(here.radio, here.registry, Known(lambda _device, _packet: False), CLOCK, IDS, UTC, pace)

    async def collect() -> None:
        async with aclosing(source.frames()) as arriving:
            async for frames in arriving:
                here.frames += frames
                await disk.wait()

    task = asyncio.create_task(collect())
    try:
        yield
    finally:
        task.cancel()
        done, _ = await asyncio.wait((task,), timeout=IN_TIME_S)
        assert done, "it hangs"


@in_a_loop
async def test_a_gateway_stops_while_records_wait_for_the_disk(tmp_path: Path) -> None:
    air = Air()
    device = meter(air, record_gap_s=0.01)
    device.store([glucose(number, 90, now()) for number in range(1, 200)])
    async with home(tmp_path, air, [device]) as here, slow_gateway(here, asyncio.Event()):
        await here.until(lambda: bool(here.heard(METER)))
        await device.pause(0.1)


@in_a_loop
async def test_a_device_keeps_what_could_not_be_stored(tmp_path: Path) -> None:
    air, disk = Air(), asyncio.Event()
    first, second = scale(air), oximeter(air)
    async with home(tmp_path, air, [first, second]) as here, slow_gateway(here, disk):
        first.store([weight(80.0, now())])
        await here.until(lambda: len(first.confirmed) == 1)
        await asyncio.sleep(0.3)
        second.store([spot(88, 61, now())])
        await asyncio.sleep(0.5)
        assert (second.connection, second.confirmed) == (None, [])
        disk.set()
        await here.until(lambda: len(here.heard(OXIMETER)) == 1)
