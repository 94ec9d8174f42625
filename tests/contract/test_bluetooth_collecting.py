"""What the gateway collects from devices, and in which state it leaves them, over the in-process Bluetooth stack."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from functools import wraps
from pathlib import Path
from typing import ParamSpec

import pytest

from device_gateway.simulator.radio.air import Air
from device_gateway.simulator.radio.backend import Scanner
from device_gateway.simulator.radio.glucose_meter import Record
from device_gateway.simulator.radio.pulse_oximeter import PulseOximeter
from device_gateway.simulator.radio.weight_scale import WeightScale
from tests.contract.bluetooth_home import (
    METER,
    OXIMETER,
    PACE,
    SCALE,
    glucose,
    home,
    meter,
    now,
    oximeter,
    scale,
    spot,
    weight,
)

P = ParamSpec("P")


def in_a_loop(test: Callable[P, Awaitable[None]]) -> Callable[P, None]:
    @wraps(test)
    def run(*arguments: P.args, **named: P.kwargs) -> None:
        asyncio.run(asyncio.wait_for(test(*arguments, **named), 30))  # type: ignore[arg-type]

    return run


def numbers(records: list[Record]) -> list[bytes]:
    return [record.measurement for record in records]


@in_a_loop
async def test_a_scale_tells_all_it_kept_and_is_left_waiting_to_be_asked(tmp_path: Path) -> None:
    air = Air()
    device = scale(air)
    kept = [weight(81.0 + day / 10, now(-timedelta(days=3 - day))) for day in range(3)]
    async with home(tmp_path, air, [device]) as here, here.gateway():
        device.store(kept)
        await here.until(lambda: here.payloads(SCALE) == kept)
        await here.until(lambda: device.connection is None)
        assert device.confirmed == kept
        await here.until(lambda: (found := here.registry.find(SCALE)) is not None and found.quiet)
        assert {frame.battery_percent for frame in here.frames} == {90}
        assert device.time_writes == []  # its clock was right


@in_a_loop
async def test_a_scale_that_ends_the_session_itself_has_succeeded(tmp_path: Path) -> None:
    air = Air()
    device = scale(air, disconnect_after=True)
    async with home(tmp_path, air, [device]) as here, here.gateway():
        for kg in (81.0, 82.0):
            device.store([weight(kg, now())])
            await here.until(lambda: not device.stored and device.connection is None)
        await here.until(lambda: len(here.frames) == 2)
        found = here.registry.find(SCALE)
        assert found is not None
        assert (found.bond_failures, found.quiet) == (0, False)


@in_a_loop
async def test_a_meter_hands_out_only_what_is_new_the_newest_first(tmp_path: Path) -> None:
    air = Air()
    device = meter(air)
    stored = [glucose(number, 90 + number, now(-timedelta(hours=9 - number))) for number in range(1, 9)]
    async with home(tmp_path, air, [device]) as here, here.gateway():
        device.store(stored)
        await here.until(lambda: len(here.frames) == 8)
        assert here.payloads(METER) == numbers([stored[-1], *stored[:-1]])
        assert [frame.superseded for frame in here.frames] == [False, *[True] * 7]
        await here.until(lambda: device.connection is None)
        new = [glucose(9, 51, now()), glucose(10, 60, now())]
        device.store(new)
        await here.until(lambda: len(here.frames) == 10)
        await here.until(lambda: device.connection is None)
        assert here.payloads(METER)[8:] == numbers([new[1], new[0]])
        found = here.registry.find(METER)
        assert found is not None
        assert found.sequence == 10


@in_a_loop
async def test_a_context_travels_with_its_measurement(tmp_path: Path) -> None:
    air = Air()
    device = meter(air)
    device.store([glucose(1, 90, now(), b"\x02\x01"), glucose(2, 95, now()), glucose(3, 99, now(), b"\x02\x03")])
    async with home(tmp_path, air, [device]) as here, here.gateway():
        await here.until(lambda: len(here.frames) == 3)
        kinds = {frame.packets[0].data[1]: [packet.kind for packet in frame.packets] for frame in here.frames}
        assert kinds == {1: ["2A18", "2A34"], 2: ["2A18"], 3: ["2A18", "2A34"]}


@in_a_loop
async def test_a_link_lost_during_a_transfer_costs_no_record(tmp_path: Path) -> None:
    air = Air()
    device = meter(air, record_gap_s=0.005)
    stored = [glucose(number, 90 + number, now(-timedelta(hours=40 - number))) for number in range(1, 31)]
    device.store(stored)
    device.drop_after_records = 12
    async with home(tmp_path, air, [device]) as here, here.gateway():
        await here.until(lambda: {*here.payloads(METER)} == {*numbers(stored)})
        await here.until(lambda: device.connection is None)
        # The second session went on where the first had got to, one record earlier to be sure of the memory.
        assert [request.hex() for request in device.requests[:4]] in (
            ["0106", "0101", "0106", "0103010b00"],
            ["0106", "0101", "0106", "0103010c00"],
        )


@in_a_loop
async def test_a_memory_that_began_anew_is_read_whole(tmp_path: Path) -> None:
    air = Air()
    device = meter(air)
    old = [glucose(number, 100, now(-timedelta(days=30 - number))) for number in range(1, 6)]
    async with home(tmp_path, air, [device]) as here, here.gateway():
        device.store(old)
        await here.until(lambda: len(here.frames) == 5)
        await here.until(lambda: device.connection is None)
        device._records.clear()  # new batteries: it counts from one again, and goes past where it had been
        new = [glucose(number, 120, now(-timedelta(hours=9 - number))) for number in range(1, 9)]
        device.store(new)
        await here.until(lambda: {*here.payloads(METER)} >= {*numbers(new)})
        assert len({*here.payloads(METER)}) == 13


@in_a_loop
async def test_an_empty_meter_is_no_failure(tmp_path: Path) -> None:
    air = Air()
    device = meter(air, always_on=True)
    async with home(tmp_path, air, [device]) as here, here.gateway():
        await here.until(lambda: bytes.fromhex("0106") in device.requests)
        await here.until(lambda: device.connection is None)
        found = here.registry.find(METER)
        assert found is not None
        assert (found.sequence, found.bond_failures) == (None, 0)
    assert here.frames == []


@in_a_loop
async def test_an_oximeter_tells_what_it_kept_and_what_it_measures_now(tmp_path: Path) -> None:
    air = Air()
    device = oximeter(air)
    kept, live = [spot(97, 61, now())], [bytes((0,)) + bytes.fromhex("61003d00")] * 5
    async with home(tmp_path, air, [device]) as here, here.gateway():
        device.store(kept)
        await here.until(lambda: device.connection is not None and device.subscribed(device.continuous))
        assert await device.stream(live, 0.01) == 5
        await here.until(lambda: len(here.frames) == 6)
        assert [frame.packets[0].kind for frame in here.heard(OXIMETER)].count("2A5F") == 5


@in_a_loop
async def test_an_oximeter_that_hangs_up_before_it_was_asked_for_everything_has_succeeded(tmp_path: Path) -> None:
    air = Air()
    device = oximeter(air, disconnect_after=True)
    async with home(tmp_path, air, [device]) as here, here.gateway():
        for number in range(3):
            device.store([spot(97, 61 + number, now())])
            await here.until(lambda number=number: len(here.frames) == number + 1 and device.connection is None)
        found = here.registry.find(OXIMETER)
        assert found is not None
        assert found.bond_failures == 0


@in_a_loop
async def test_a_wrong_clock_is_told_of_its_records_and_then_set(tmp_path: Path) -> None:
    air = Air()
    device = scale(air)
    device.clock = lambda: now(-timedelta(hours=3))
    async with home(tmp_path, air, [device]) as here, here.gateway():
        device.store([weight(80.0, device.now())])
        await here.until(lambda: len(here.frames) == 1)
        skew = here.frames[0].clock_skew
        assert skew is not None
        assert abs(skew + timedelta(hours=3)) < timedelta(seconds=3)
        await here.until(lambda: len(device.time_writes) == 1)
        assert abs(device.now() - now()) < timedelta(seconds=2)


@in_a_loop
async def test_a_gateway_whose_own_clock_is_wrong_judges_and_sets_none(tmp_path: Path) -> None:
    air = Air()
    device = scale(air)
    device.clock = lambda: now(-timedelta(hours=3))
    async with home(tmp_path, air, [device]) as here, here.gateway(clock_is_wrong=True):
        device.store([weight(80.0, device.now())])
        await here.until(lambda: len(here.frames) == 1 and device.connection is None)
        assert (here.frames[0].clock_skew, here.frames[0].clock_read, device.time_writes) == (None, False, [])


@in_a_loop
async def test_a_device_that_never_stops_sending_makes_room_in_time(tmp_path: Path) -> None:
    air = Air()
    talkers = [PulseOximeter(air, f"C3:00:00:00:01:{n:02X}", name=f"Oximeter {n}", clock=now) for n in range(5)]
    late = scale(air)
    async with home(tmp_path, air, [*talkers, late]) as here, here.gateway(replace(PACE, idle_s=60, crowded_s=0.5)):
        for device in talkers:
            device.always_on = True
            device.store([spot(97, 61, now())])
        await here.until(lambda: all(device.connection is not None for device in talkers))
        streams = [asyncio.create_task(device.stream([bytes.fromhex("005f003e00")] * 500, 0.01)) for device in talkers]
        late.store([weight(80.0, now())])
        await here.until(lambda: here.heard(SCALE) != [])
        for stream in streams:
            stream.cancel()
        await asyncio.gather(*streams, return_exceptions=True)


@in_a_loop
async def test_a_device_without_a_clock_is_collected_from_all_the_same(tmp_path: Path) -> None:
    air = Air()
    device = scale(air, no_clock=True)
    async with home(tmp_path, air, [device]) as here, here.gateway():
        device.store([weight(80.0, now())])
        await here.until(lambda: len(here.frames) == 1)
        assert here.frames[0].clock_skew is None


@in_a_loop
async def test_a_device_that_stays_connected_makes_room_for_others(tmp_path: Path) -> None:
    air = Air()
    devices = [WeightScale(air, f"C1:00:00:00:01:{n:02X}", name=f"Scale {n}", clock=now) for n in range(8)]
    async with home(tmp_path, air, devices) as here, here.gateway(replace(PACE, idle_s=60)):
        for device in devices:
            device.store([weight(80.0, now())])
        await here.until(lambda: len({frame.device for frame in here.frames}) == len(devices))


class DeafAtFirst(Scanner):
    """Dies without a word the first time, as scanners do."""

    starts = 0

    async def start(self) -> None:
        type(self).starts += 1
        if self.starts > 1:
            await super().start()

    async def stop(self) -> None:
        if self.starts > 1 and self._heard in self.central._listeners:
            await super().stop()


@in_a_loop
async def test_a_scanner_that_hears_nothing_is_started_anew(tmp_path: Path) -> None:
    air = Air()
    device = scale(air)
    device.store([weight(80.0, now())])
    async with home(tmp_path, air, [device]) as here:
        assert here.radio.scanner is not None
        deaf = type("Deaf", (DeafAtFirst,), {"central": here.radio.scanner.central})  # type: ignore[attr-defined]
        here.radio = replace(here.radio, scanner=deaf)
        async with here.gateway(replace(PACE, silence_s=0.2)):
            await here.until(lambda: len(here.frames) == 1)
        assert deaf.starts == 2


@in_a_loop
async def test_a_stranger_is_left_alone(tmp_path: Path) -> None:
    air = Air()
    ours, stranger = scale(air), oximeter(air, always_on=True)
    async with home(tmp_path, air, [ours]) as here, here.gateway():
        await stranger.start()
        try:
            stranger.store([spot(80, 61, now())])
            ours.store([weight(80.0, now())])
            await here.until(lambda: len(here.frames) == 1)
            await here.until(lambda: ours.connection is None)
            assert (stranger.connection, stranger.bonds) == (None, 0)
        finally:
            await stranger.stop()


@pytest.mark.parametrize("make", [scale, meter], ids=["pushes", "is asked"])
def test_a_device_that_forgot_its_bond_asks_for_a_person(tmp_path: Path, make: Callable[..., object]) -> None:
    asyncio.run(asyncio.wait_for(_forgets(tmp_path, make), 30))


async def _forgets(tmp_path: Path, make: Callable[..., object]) -> None:
    air = Air()
    device = make(air, always_on=True)
    async with home(tmp_path, air, [device]) as here, here.gateway():  # type: ignore[list-item]
        await device.forget_bonds()  # type: ignore[attr-defined]
        address = device.address  # type: ignore[attr-defined]
        await here.until(lambda: (found := here.registry.find(address)) is not None and found.bond == "lost")
        assert device.bonds == 0, "nothing was paired again"  # type: ignore[attr-defined]


@in_a_loop
async def test_what_another_gateway_process_had_reached_is_not_fetched_again(tmp_path: Path) -> None:
    air = Air()
    device = meter(air)
    device.store([glucose(number, 100, now(-timedelta(hours=9 - number))) for number in range(1, 6)])
    async with home(tmp_path, air, [device]) as here:
        async with here.gateway():
            await here.until(lambda: len(here.frames) == 5)
            await here.until(lambda: device.connection is None)
        async with here.gateway():
            device.store([glucose(6, 101, now())])
            await here.until(lambda: len(here.frames) == 6)
            await here.until(lambda: device.connection is None)
