"""Meters that do not keep to the book: the transfer is tried another way, or given up and told, and nothing is lost."""

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from bumble.att import ATT_Error

from device_gateway.simulator.radio import racp
from device_gateway.simulator.radio.air import Air
from device_gateway.simulator.radio.glucose_meter import GlucoseMeter
from tests.contract.bluetooth_home import METER, Home, glucose, home, now

STORED = [glucose(number, 90 + number, now()) for number in range(1, 6)]


class WithoutNewest(GlucoseMeter):
    """Knows neither "the last record" nor "from this one on"."""

    async def _answer(self, op: int, operator: int, operand: bytes) -> None:
        if operator != 1:
            raise racp.Refused(racp.Code.OPERATOR_NOT_SUPPORTED)
        await super()._answer(op, operator, operand)


class BusyAtFirst(GlucoseMeter):
    """Says that another procedure is under way until it is told to stop it."""

    busy = True

    def _asked(self, request: bytes) -> None:
        if request[0] == racp.Op.ABORT:
            self.busy = False
        if self.busy:
            self.requests.append(request)
            raise ATT_Error(racp.BUSY)
        super()._asked(request)


class Silent(GlucoseMeter):
    """Starts to tell, and falls silent after the second record of a longer answer, once."""

    silent = True

    async def _report(self, records: list[Any]) -> None:
        if self.silent and len(records) > 1:
            self.silent = False
            for record in records[:2]:
                await self._notify(self.measurement, record.measurement)
            await asyncio.Event().wait()
        await super()._report(records)


class Reversed(GlucoseMeter):
    """Tells the latest first."""

    async def _report(self, records: list[Any]) -> None:
        await super()._report(records[::-1])


class TalksOfSomethingElse(GlucoseMeter):
    """Answers the first question as if it had been another."""

    confused = True

    async def _answer(self, op: int, operator: int, operand: bytes) -> None:
        if self.confused:
            self.confused = False
            await self._respond(racp.counted(5))
            return
        await super()._answer(op, operator, operand)


class HangsUp(GlucoseMeter):
    """Drops the link after each answer."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.disconnect_after = True


class Wraps(GlucoseMeter):
    """Counts 65534, 65535, 0, 1: the newest is not the one of the highest number."""

    async def _answer(self, op: int, operator: int, operand: bytes) -> None:
        if (op, operator) == (racp.Op.REPORT, 6):
            await self._report([*self.records][-1:])
        else:
            await super()._answer(op, operator, operand)


class CallsTheOldestItsLast(GlucoseMeter):
    """As some do that number backwards."""

    async def _answer(self, op: int, operator: int, operand: bytes) -> None:
        await super()._answer(op, 5 if operator == 6 else operator, operand)


def collected(directory: Path, kind: type[GlucoseMeter], then: Callable[[Home, GlucoseMeter], None]) -> None:
    async def run() -> None:
        air = Air()
        device = kind(air, METER, name="Odd", clock=now)
        device.store(STORED)
        async with home(directory, air, [device]) as here, here.gateway():
            await here.until(lambda: {*here.payloads(METER)} == {record.measurement for record in STORED})
            await here.until(
                lambda: (
                    (found := here.registry.find(METER)) is not None
                    and found.sequence == 5
                    and device.connection is None
                )
            )
            then(here, device)

    asyncio.run(asyncio.wait_for(run(), 30))


@pytest.mark.parametrize("kind", [WithoutNewest, BusyAtFirst, Silent, Reversed, TalksOfSomethingElse, HangsUp])
def test_all_is_collected(tmp_path: Path, kind: type[GlucoseMeter]) -> None:
    collected(tmp_path, kind, lambda _here, _device: None)


def test_a_meter_that_calls_the_oldest_its_last_hides_nothing_new(tmp_path: Path) -> None:
    async def run() -> None:
        air = Air()
        device = CallsTheOldestItsLast(air, METER, name="Odd", clock=now)
        device.store(STORED)
        async with home(tmp_path, air, [device]) as here, here.gateway():
            await here.until(lambda: len(here.frames) == len(STORED) and device.connection is None)
            new = glucose(6, 51, now())
            device.store([new])
            await here.until(lambda: new.measurement in here.payloads(METER))

    asyncio.run(asyncio.wait_for(run(), 30))


def test_where_nobody_can_say_which_is_the_newest_the_last_counts_as_fresh(tmp_path: Path) -> None:
    def then(here: Home, _device: GlucoseMeter) -> None:
        assert [frame.superseded for frame in here.frames] == [True, True, True, True, False]

    collected(tmp_path, WithoutNewest, then)


def test_a_silent_meter_is_told_to_stop(tmp_path: Path) -> None:
    def then(_here: Home, device: GlucoseMeter) -> None:
        assert bytes((racp.Op.ABORT, 0)) in device.requests

    collected(tmp_path, Silent, then)


def test_no_meter_is_ever_told_to_delete(tmp_path: Path) -> None:
    def then(_here: Home, device: GlucoseMeter) -> None:
        assert racp.Op.DELETE not in {request[0] for request in device.requests}

    collected(tmp_path, Silent, then)


@pytest.mark.parametrize(
    ("kind", "before", "after"),
    [
        (HangsUp, range(1, 6), range(1, 9)),
        (HangsUp, range(1, 6), range(1, 3)),
        (Wraps, (65533, 65534), (65535, 0, 1, 2)),
    ],
    ids=["new batteries, beyond where it was", "new batteries", "the last number was used"],
)
def test_a_count_that_began_anew_hides_nothing(
    tmp_path: Path, kind: type[GlucoseMeter], before: Sequence[int], after: Sequence[int]
) -> None:
    async def run() -> None:
        air = Air()
        device = kind(air, METER, name="Odd", clock=now)
        async with home(tmp_path, air, [device]) as here, here.gateway():
            device.store([glucose(number, 100, now()) for number in before])
            await here.until(
                lambda: (
                    (found := here.registry.find(METER)) is not None
                    and found.sequence == before[-1]
                    and device.connection is None
                )
            )
            if after[0] <= before[0]:
                device._records.clear()
            new = [glucose(number, 50, now()) for number in after]
            device.store(new)
            await here.until(lambda: {*here.payloads(METER)} >= {record.measurement for record in new})

    asyncio.run(asyncio.wait_for(run(), 30))
