"""How fast the virtual radio is, and what a dozen devices at rest cost: what tests and the demo may ask of it."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from bleak import BleakClient, BleakScanner
from bleak.backends.device import BLEDevice

from device_gateway.simulator.radio import GlucoseMeter, PulseOximeter, WeightScale
from tests.bench.record import Figure, put
from tests.bluez.clients import (
    ALL,
    CONTINUOUS,
    DONE,
    METER,
    OXIMETER,
    SPOT,
    WEIGHT,
    Collector,
    Ear,
    records,
    weights,
)
from tests.bluez.places import Place, place

SCALES, NOTIFICATIONS, INDICATIONS, RECORDS, RESTING, REST_S = 20, 3000, 500, 1000, 12, 4.0
UNITS = {"per_s": "/s", "ms": "ms", "of_a_core": "%"}


async def took(work: Awaitable[Any]) -> float:
    began = asyncio.get_running_loop().time()
    await work
    return asyncio.get_running_loop().time() - began


async def sessions(here: Place) -> dict[str, float]:
    """Per second: connect, pair, discover, subscribe, one indication, disconnect; then the same with bonds."""
    scales = [
        await here.add(WeightScale, f"C1:00:00:00:01:{n:02X}", name=f"S{n}", always_on=True) for n in range(SCALES)
    ]
    found = [await here.find(scale) for scale in scales]

    async def session(scale: WeightScale, at: BLEDevice, *, pair: bool) -> None:
        ear = Ear()
        scale.store(weights(1))
        async with here.client_of(at, pair=pair) as client:
            await client.start_notify(WEIGHT, ear)
            await ear.until(1)

    async def one_by_one(*, pair: bool) -> None:
        for scale, at in zip(scales, found, strict=True):
            await session(scale, at, pair=pair)

    async def at_once() -> None:
        await asyncio.gather(*(session(scale, at, pair=False) for scale, at in zip(scales, found, strict=True)))

    steps: dict[str, Callable[[], Awaitable[None]]] = {
        "sessions_per_s": lambda: one_by_one(pair=True),
        "bonded_sessions_per_s": lambda: one_by_one(pair=False),
        "bonded_sessions_at_once_per_s": at_once,
    }
    figures = {name: SCALES / await took(step()) for name, step in steps.items()}
    for scale in scales:
        await scale.stop()
    return figures


async def traffic(here: Place) -> dict[str, float]:
    oximeter = await here.add(PulseOximeter, OXIMETER, always_on=True)
    meter = await here.add(GlucoseMeter, METER)
    meter.store(records(*range(RECORDS)))
    async with await here.client(oximeter, pair=True) as client:
        told, spots = Ear(), Ear()
        await client.start_notify(CONTINUOUS, told)
        await client.start_notify(SPOT, spots)

        async def notify() -> None:
            await oximeter.stream([bytes(5)] * NOTIFICATIONS)
            await told.until(NOTIFICATIONS)

        async def indicate() -> None:
            oximeter.store([bytes(5)] * INDICATIONS)
            await oximeter.until(lambda: not oximeter.stored)

        figures = {"notifications_per_s": NOTIFICATIONS / await took(notify())}
        figures["indications_per_s"] = INDICATIONS / await took(indicate())
    async with await here.client(meter, pair=True) as client:
        figures["records_1000_ms"] = 1000 * await took(fetched(client))
    return figures


async def fetched(client: BleakClient) -> None:
    collector = Collector(client)
    await collector.subscribe()
    assert await collector.answer(ALL) == DONE


async def rest(here: Place) -> dict[str, float]:
    """Percent of a core for a dozen advertising devices, as in the demo, and a scan for them."""
    for n in range(RESTING):
        await here.add(WeightScale, f"C1:00:00:00:02:{n:02X}", name=f"R{n}", always_on=True, adv_interval_ms=250)
    async with BleakScanner(lambda _device, _advert: None, **here._scanner):
        before = time.process_time()
        await asyncio.sleep(REST_S)
        return {"resting_percent_of_a_core": 100 * (time.process_time() - before) / REST_S}


@pytest.mark.parametrize("way", ["bluez", "in-process"])
def test_virtual_radio(way: str, tmp_path: Path) -> None:
    async def measure() -> dict[str, float]:
        figures: dict[str, float] = {}
        for part in (sessions, traffic, rest):
            async with place(way) as here:
                figures |= await part(here)
        return figures

    found = asyncio.run(measure())
    units = {name: next(unit for end, unit in UNITS.items() if name.endswith(end)) for name in found}
    put(
        f"bluetooth-{way}",
        [Figure(name.replace("_", " "), units[name], [one]) for name, one in found.items()],
        tmp_path,
    )
    assert all(one > 0 for one in found.values())
