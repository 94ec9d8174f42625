"""What the gateway asks of a Bluetooth daemon, and leaves behind there, in the long run and when things go wrong."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import replace
from datetime import UTC
from pathlib import Path

import pytest
from dbus_fast import BusType, Message, MessageType
from dbus_fast.aio import MessageBus

from device_gateway.registry import Registry
from device_gateway.simulator.radio import WeightScale
from device_gateway.sources.ble import BleSource, Known, Radio
from device_gateway.sources.ble.agent import Agent
from device_gateway.sources.ble.pairing import pair
from device_gateway.sources.ble.session import Pace
from tests.bluez.errors import BluezError
from tests.bluez.site import Site, site
from tests.contract.bluetooth_home import CLOCK, IDS, PACE, SCALE, WAIT_S, Nobody, now, weight

RADIO = Radio("hci0")


@pytest.fixture
def place(monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    with site() as made:
        monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", made.address)
        yield made


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(WAIT_S):
        while not condition():  # noqa: ASYNC110 - the devices live in another thread
            await asyncio.sleep(0.02)


@asynccontextmanager
async def gateway(registry: Registry, pace: Pace = PACE) -> AsyncIterator[list[bytes]]:
    """What it collects inside."""
    source = BleSource(RADIO, registry, Known(lambda _device, _packet: False), CLOCK, IDS, UTC, pace)
    heard: list[bytes] = []

    async def collect() -> None:
        async with aclosing(source.frames()) as arriving:
            async for frames in arriving:
                heard.extend(frame.packets[0].data for frame in frames)

    task = asyncio.create_task(collect())
    try:
        yield heard
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def paired(place: Site, directory: Path, **traits: object) -> tuple[WeightScale, Registry]:
    """A scale that advertises only when it has something."""
    device, registry = (
        place.add(WeightScale, SCALE, name="Scale", clock=now, always_on=True, **traits),
        Registry(directory),
    )
    asyncio.run(pair(RADIO, SCALE, Nobody(), registry, CLOCK))
    device.always_on = False
    return device, registry


def test_a_device_that_drops_the_link_is_heard_however_long_it_was_silent(place: Site, tmp_path: Path) -> None:
    device, registry = paired(place, tmp_path, eager=True, persist_cccd=True, disconnect_after=True)
    taken = [weight(70 + day, now()) for day in range(3)]

    def scanned() -> int:
        return sum("StartDiscovery" in call for call in place.bluez.log)

    async def run() -> None:
        async with gateway(registry, replace(PACE, silence_s=1.0)) as heard:
            for each in taken:
                place.do(lambda each=each: device.store([each]))  # type: ignore[misc]
                await until(lambda each=each: each in device.confirmed and device.connection is None)  # type: ignore[misc]
                before = scanned()
                await until(lambda before=before: scanned() > before)  # type: ignore[misc]
            await until(lambda: heard == taken)

    asyncio.run(run())


def test_what_comes_while_a_device_is_being_left_is_stored(place: Site, tmp_path: Path) -> None:
    device, registry = paired(place, tmp_path)
    first, second = weight(80, now()), weight(81, now())

    async def run() -> None:
        async with gateway(registry) as heard:
            place.do(lambda: place.bluez.faults.append(("StopNotify", 0.5)))
            place.do(lambda: device.store([first]))
            await until(lambda: not place.bluez.faults)
            place.do(lambda: device.store([second]))
            await until(lambda: second in device.confirmed)
            await until(lambda: heard == [first, second])

    asyncio.run(run())


def test_a_device_that_cannot_be_told_to_wait_is_left_all_the_same(place: Site, tmp_path: Path) -> None:
    device, registry = paired(place, tmp_path)

    async def run() -> None:
        async with gateway(registry) as heard:
            place.do(lambda: place.bluez.faults.append(("StopNotify", BluezError("Failed", "Not now"))))
            place.do(lambda: device.store([weight(80, now())]))
            await until(lambda: len(heard) == 1 and device.connection is None)

    asyncio.run(run())


def test_a_device_that_only_the_daemon_knew_can_be_paired(place: Site, tmp_path: Path) -> None:
    device, registry = paired(place, tmp_path)
    registry.forget(SCALE)
    place.run(device.forget_bonds())
    device.always_on = True
    place.do(device._touch)
    assert asyncio.run(pair(RADIO, SCALE, Nobody(), registry, CLOCK)).bond == "paired"


def test_a_bond_that_the_daemon_lost_is_not_made_anew_by_itself(place: Site, tmp_path: Path) -> None:
    device, registry = paired(place, tmp_path)

    async def run() -> None:
        async with gateway(registry) as heard:
            place.do(lambda: device.store([weight(80, now())]))
            await until(lambda: (found := registry.find(SCALE)) is not None and found.bond == "lost")
            assert (device.bonds, heard) == (0, [])

    place.run(place.bluez.devices.remove(place.bluez.path(SCALE)))
    place.run(device.forget_bonds())
    asyncio.run(run())


@pytest.mark.parametrize(("asks", "allowed"), [("C1", True), ("C2", False)])
def test_a_person_who_pairs_one_device_agrees_to_no_other(place: Site, asks: str, *, allowed: bool) -> None:
    async def ask() -> bool:
        async with Agent(Nobody()) as agent:
            agent.device = "/org/bluez/hci0/dev_C1"
            bus = await MessageBus(bus_type=BusType.SYSTEM).connect()
            try:
                assert agent._bus is not None
                call = Message(
                    destination=agent._bus.unique_name,
                    path="/org/rpmhub/agent",
                    interface="org.bluez.Agent1",
                    member="RequestAuthorization",
                    signature="o",
                    body=[f"/org/bluez/hci0/dev_{asks}"],
                )
                return (await bus.call(call)).message_type is MessageType.METHOD_RETURN
            finally:
                bus.disconnect()

    assert asyncio.run(ask()) is allowed
