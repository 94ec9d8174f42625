"""Simulated homes as a Bluetooth central meets them: paired, they tell what they remember and what they measure."""

import asyncio
import subprocess
import sys
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Final

import pytest
from bleak import BleakClient, BleakScanner

from device_gateway.simulator import World, draw
from device_gateway.simulator.on_air import homes_on_air
from device_gateway.simulator.peripherals import HomesOnAir
from device_gateway.simulator.radio import GlucoseMeter, PulseOximeter, WeightScale, make_backend
from tests.unit.gateway.parts import HandClock
from tests.unit.gateway.simulated import CHICAGO, START, demo, device

SPOT_CHECK: Final = "00002a5e-0000-1000-8000-00805f9b34fb"
TIME: Final = "00002a2b-0000-1000-8000-00805f9b34fb"
BATTERY: Final = "00002a19-0000-1000-8000-00805f9b34fb"


def in_a_loop(test: Callable[[], Awaitable[None]]) -> Callable[[], None]:
    def run() -> None:
        asyncio.run(asyncio.wait_for(test(), 30))  # type: ignore[arg-type]

    run.__name__ = test.__name__
    return run


def world_of(*homes: int, stored_days: int = 30) -> World:
    return World(tuple(draw(12, 1)[number - 1] for number in homes), 1, START, CHICAGO, stored_days)


async def paired(homes: HomesOnAir, address: str) -> BleakClient:
    """A connected client of that device; whoever pairs it reads off its digits."""
    digits = {each.address: each.passkey for each in homes.to_pair}

    async def reads(asked: str) -> int | None:
        return digits[asked]

    scanner, client = make_backend(await homes.central(), reads)
    found = await BleakScanner.find_device_by_address(address, backend=scanner)
    assert found is not None
    made = BleakClient(found, pair=True, backend=client)
    await made.connect()
    return made


@in_a_loop
async def test_every_bluetooth_device_of_the_demo_is_on_the_air_with_its_memory() -> None:
    world = demo()
    async with homes_on_air(world, HandClock(START)) as homes:
        assert [each.address for each in homes.to_pair] == [each.device for each in world.devices("ble")]
        assert {each.passkey for each in homes.to_pair} == {None, 314_159}
        for mine in world.devices("ble"):
            kept = homes.devices[mine.device]
            assert isinstance(kept, GlucoseMeter | WeightScale | PulseOximeter)
            holds = len(kept.records if isinstance(kept, GlucoseMeter) else kept.stored)
            records = [world.record(mine, number) for number in world.stored(mine, START)]
            assert holds == len([record for record in records if record is not None]) > 15


@in_a_loop
async def test_an_oximeter_tells_what_it_remembers_and_each_new_spot_check() -> None:
    world, clock = world_of(9), HandClock(START)
    mine = world.devices("ble")[0]
    told: list[bytes] = []
    async with homes_on_air(world, clock) as homes:
        oximeter = homes.devices[mine.device]
        assert isinstance(oximeter, PulseOximeter)
        remembered = list(oximeter.stored)
        client = await paired(homes, mine.device)
        await client.start_notify(SPOT_CHECK, lambda _from, value: told.append(bytes(value)))
        await oximeter.until(lambda: len(oximeter.confirmed) == len(remembered))
        clock.forward(seconds=2 * mine.interval_s)
        await oximeter.until(lambda: len(oximeter.confirmed) == len(remembered) + 2)
        newest = world.record(mine, world.newest(mine, clock.now()))
        assert newest is not None
        assert told[: len(remembered)] == remembered
        assert told[-1] == newest.payload
        assert not oximeter.always_on  # paired, it is heard only when it has something to tell
        await client.disconnect()


@in_a_loop
async def test_a_locked_clock_shows_its_own_time_and_takes_no_other() -> None:
    world, clock = world_of(10), HandClock(START)
    mine = device(world, "glucose-meter", 11)
    async with homes_on_air(world, clock) as homes:
        client = await paired(homes, mine.device)
        shown = bytes(await client.read_gatt_char(TIME))
        with pytest.raises(Exception, match="0x80"):
            await client.write_gatt_char(TIME, shown, response=True)
        assert shown[4:7] == bytes([4, 0, 0])  # it is 7 o'clock in Chicago
        assert bytes(await client.read_gatt_char(BATTERY)) == bytes([world.battery_percent(mine, START)])
        assert homes.devices[mine.device].time_writes == []
        await client.disconnect()


@in_a_loop
async def test_a_device_with_a_passkey_is_paired_by_its_digits_and_one_without_a_clock_has_none() -> None:
    world = world_of(3, 12, stored_days=0)
    async with homes_on_air(world, HandClock(START)) as homes:
        for person in (3, 13):
            mine = device(world, "glucose-meter", person)
            client = await paired(homes, mine.device)
            assert homes.devices[mine.device].bonds == 1
            assert (client.services.get_characteristic(TIME) is None) is mine.no_clock
            await client.disconnect()


@in_a_loop
async def test_homes_that_fail_end_the_block() -> None:
    class Stopped(HandClock):
        def now(self):  # type: ignore[no-untyped-def]  # noqa: ANN202
            if asyncio.current_task().get_name() == "simulated homes":  # type: ignore[union-attr]
                raise ArithmeticError("the clock broke")
            return super().now()

    with pytest.raises(ExceptionGroup):
        async with homes_on_air(world_of(9), Stopped(START)):
            await asyncio.sleep(timedelta(minutes=1).total_seconds())


def test_without_bumble_a_gateway_runs_and_says_what_simulated_bluetooth_needs() -> None:
    program = """
import sys
sys.modules["bumble"] = None
import device_gateway.cli
from device_gateway.clock import SystemClock
from device_gateway.errors import SettingsError
from device_gateway.simulator.on_air import homes_on_air
try:
    homes_on_air(None, SystemClock())
except SettingsError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert done.stdout == "Simulated Bluetooth devices need the package bumble: pip install 'rpmhub[demo]'.\n"
