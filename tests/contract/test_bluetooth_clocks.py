"""Clocks that change between two visits: a record of just now is fresh, and none is dated by the wrong clock."""

from datetime import UTC, timedelta
from pathlib import Path

from device_gateway.frames import FROM_MEMORY
from device_gateway.runtime import interpret
from device_gateway.simulator.radio.air import Air
from tests.contract.bluetooth_home import METER, glucose, home, meter, now, scale, weight
from tests.contract.test_bluetooth_collecting import in_a_loop, numbers


@in_a_loop
async def test_a_clock_that_fell_back_since_the_last_visit_makes_no_fresh_record_old(tmp_path: Path) -> None:
    air = Air()
    device = scale(air, disconnect_after=True)
    async with home(tmp_path, air, [device]) as here, here.gateway():
        device.store([weight(80.0, now())])
        await here.until(lambda: len(here.frames) == 1 and device.connection is None)
        device.clock = lambda: now(-timedelta(hours=12))  # new batteries
        device.store([weight(86.0, device.now())])
        await here.until(lambda: len(here.frames) == 2)
        assert not here.frames[1].clock_read
        assert FROM_MEMORY not in interpret(here.frames[1], UTC).flags  # type: ignore[union-attr]


@in_a_loop
async def test_what_an_interrupted_transfer_left_behind_is_dated_as_the_rest(tmp_path: Path) -> None:
    air = Air()
    device = meter(air, record_gap_s=0.005)
    device.clock = lambda: now(-timedelta(hours=3))
    stored = [glucose(number, 90, now(-timedelta(hours=3, minutes=60 - number))) for number in range(1, 31)]
    device.store(stored)
    device.drop_after_records = 12
    async with home(tmp_path, air, [device]) as here, here.gateway():
        await here.until(lambda: {*here.payloads(METER)} == {*numbers(stored)})
        flags = [interpret(frame, UTC).flags for frame in here.frames]  # type: ignore[union-attr]
        assert {"device_clock_off" in each for each in flags} == {True}
        await here.until(lambda: len(device.time_writes) == 1)
