"""The virtual Bluetooth daemon bites where BlueZ does."""

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from bleak import BleakAdapter, BleakScanner
from bleak.args.bluez import OrPattern
from bleak.assigned_numbers import AdvertisementDataType
from bleak.exc import BleakBluetoothNotAvailableError, BleakDBusError, BleakDeviceNotFoundError, BleakError
from dbus_fast import Message, MessageType, Variant

from device_gateway.simulator.radio import WeightScale
from tests.bluez.agent import Agent, registered
from tests.bluez.bus import call, close_bleak, connected
from tests.bluez.clients import BATTERY, SCALE, SCALES, WEIGHT, Ear, weights
from tests.bluez.daemon import FakeBluez
from tests.bluez.errors import BluezError
from tests.bluez.objects import ADAPTER, CHARACTERISTIC, DEVICE, HCI0, PROPERTIES
from tests.bluez.places import NOON, WITHIN_S, Place, on_bluez, place
from tests.bluez.site import Site, site

# Subscribes, says so, and waits to be killed. A device left connected does not advertise: it has to be looked up.
CLIENT = f"""
import asyncio
from bleak import BleakAdapter, BleakClient, BleakScanner

async def main():
    left = await (await BleakAdapter.get()).get_connected_devices(["{SCALES}"])
    found = left[0] if left else await BleakScanner.find_device_by_name("Scale", timeout={WITHIN_S})
    async with BleakClient(found, pair=True) as client:
        await client.start_notify("{WEIGHT}", lambda _, value: print(value.hex(), flush=True))
        print("listening", flush=True)
        await asyncio.Event().wait()

asyncio.run(main())
"""


def daemon(place: Place) -> FakeBluez:
    assert place.bluez is not None
    return place.bluez


def characteristic(bluez: FakeBluez, uuid: str) -> str:
    return next(path for path in bluez.objects.tree if bluez.objects.get(path, CHARACTERISTIC, "UUID") == uuid)


@on_bluez
async def test_an_attempt_aborted_locally_is_worth_another(place: Place) -> None:
    scale = await place.add(WeightScale, SCALE, always_on=True)
    client = await place.client(scale)
    daemon(place).faults += [("Connect", BluezError("Failed", "le-connection-abort-by-local"))] * 2
    async with client:
        assert client.is_connected
    assert sum(line.startswith("Device1.Connect ") for line in daemon(place).log) == 3


@on_bluez
async def test_a_busy_adapter_says_so_at_once(place: Place) -> None:
    client = await place.client(await place.add(WeightScale, SCALE, always_on=True))
    daemon(place).faults.append(("Connect", BluezError("InProgress", "le-connection-busy")))
    with pytest.raises(BleakDBusError) as busy:
        await client.connect()
    assert (busy.value.dbus_error, daemon(place).faults) == ("org.bluez.Error.InProgress", [])


@on_bluez
async def test_a_second_attempt_to_connect_is_refused_while_one_runs(place: Place) -> None:
    scale = await place.add(WeightScale, SCALE, always_on=True)
    path = (await place.find(scale)).details["path"]
    await scale.stop()
    async with connected() as bus:
        first = asyncio.create_task(call(bus, path, DEVICE, "Connect"))
        await asyncio.sleep(0.02)
        second = await call(bus, path, DEVICE, "Connect")
        await call(bus, path, DEVICE, "Disconnect")
        assert (second.error_name, (await first).error_name) == (
            "org.bluez.Error.InProgress",
            "org.bluez.Error.Failed",
        )


@on_bluez
async def test_a_fault_may_be_a_delay(place: Place) -> None:
    client = await place.client(await place.add(WeightScale, SCALE, always_on=True), timeout=0.1)
    daemon(place).faults.append(("Connect", 0.3))
    with pytest.raises(TimeoutError):
        await client.connect()


@on_bluez
async def test_a_read_looks_like_a_notification(place: Place) -> None:
    scale, ear = await place.add(WeightScale, SCALE, always_on=True), Ear()
    async with await place.client(scale, pair=True) as client:
        path, seen = characteristic(daemon(place), BATTERY), []
        async with connected(lambda message: seen.append((message.path, message.body[1]))):
            await client.start_notify(WEIGHT, ear)
            value = await client.read_gatt_char(BATTERY)
            await asyncio.sleep(0.02)
    assert [changed["Value"].value for at, changed in seen if at == path and "Value" in changed] == [bytes(value)]


@on_bluez
async def test_attributes_of_a_bonded_device_stay_and_others_go(place: Place) -> None:
    bonded = await place.add(WeightScale, SCALE, always_on=True)
    open_to_all = await place.add(WeightScale, "C1:00:00:00:00:02", name="Open", always_on=True, secure=False)
    async with await place.client(bonded, pair=True):
        pass
    async with await place.client(open_to_all):
        pass
    tree, bluez = daemon(place).objects, daemon(place)
    assert tree.below(bluez.path(SCALE), CHARACTERISTIC) != []
    assert tree.below(bluez.path(open_to_all.address), CHARACTERISTIC) == []
    before = len(tree.tree)
    async with await place.client(bonded) as client:
        assert await client.read_gatt_char(BATTERY)
    assert len(tree.tree) == before


@on_bluez
async def test_a_notify_session_belongs_to_its_client_and_ends_with_it(place: Place) -> None:
    scale = await place.add(WeightScale, SCALE, always_on=True)
    async with await place.client(scale, pair=True):
        path = characteristic(daemon(place), WEIGHT)
        async with connected() as bus:
            assert (await call(bus, path, CHARACTERISTIC, "StartNotify")).message_type == MessageType.METHOD_RETURN
            again = await call(bus, path, CHARACTERISTIC, "StartNotify")
            async with connected() as other:
                stop = await call(other, path, CHARACTERISTIC, "StopNotify")
            assert (again.error_name, stop.body) == ("org.bluez.Error.InProgress", ["No notify session started"])
            assert scale.subscribed(scale.indicated)
        await scale.until(lambda: not scale.subscribed(scale.indicated))
        assert daemon(place).objects.get(path, CHARACTERISTIC, "Notifying") is False


@on_bluez
async def test_a_session_whose_client_stayed_is_renewed_on_reconnect(place: Place) -> None:
    scale = await place.add(WeightScale, SCALE, always_on=True)
    client = await place.client(scale, pair=True)
    async with connected() as bus:
        async with client:
            await call(bus, characteristic(daemon(place), WEIGHT), CHARACTERISTIC, "StartNotify")
        assert not scale.subscribed(scale.indicated)
        async with await place.client(scale):
            await scale.until(lambda: scale.subscribed(scale.indicated))


@on_bluez
async def test_the_default_agent_is_asked_and_its_refusal_ends_the_pairing(place: Place) -> None:
    scale = await place.add(WeightScale, SCALE, always_on=True)
    daemon(place).agents.confirm_just_works = True
    for consents in (False, True):
        agent = Agent(consents=consents)
        async with registered(agent):
            client = await place.client(scale, pair=True)
            if consents:
                async with client:
                    pass
            else:
                with pytest.raises(BleakDBusError, match="AuthenticationFailed"):
                    await client.connect()
        assert agent.asked == [("RequestAuthorization", daemon(place).path(SCALE))]
    assert scale.bonds == 1


@on_bluez
async def test_just_works_asks_nobody(place: Place) -> None:
    scale, agent = await place.add(WeightScale, SCALE, always_on=True), Agent()
    async with registered(agent), await place.client(scale, pair=True):
        pass
    assert (agent.asked, scale.bonds) == ([], 1)


@on_bluez
async def test_a_pairing_can_be_cancelled(place: Place) -> None:
    scale = await place.add(WeightScale, SCALE, always_on=True)
    path = (await place.find(scale)).details["path"]
    await scale.stop()
    async with connected() as bus:
        pairing = asyncio.create_task(call(bus, path, DEVICE, "Pair"))
        await asyncio.sleep(0.02)
        cancelled = await call(bus, path, DEVICE, "CancelPairing")
        none = await call(bus, path, DEVICE, "CancelPairing")
        assert cancelled.message_type == MessageType.METHOD_RETURN
        assert (await pairing).error_name == "org.bluez.Error.AuthenticationCanceled"
        assert none.error_name == "org.bluez.Error.DoesNotExist"


@on_bluez
async def test_what_is_paired_is_not_paired_again_and_what_is_unknown_not_removed(place: Place) -> None:
    scale = await place.add(WeightScale, SCALE, always_on=True)
    async with await place.client(scale, pair=True), connected() as bus:
        path = daemon(place).path(SCALE)
        assert (await call(bus, path, DEVICE, "Pair")).error_name == "org.bluez.Error.AlreadyExists"
        gone = await call(bus, HCI0, ADAPTER, "RemoveDevice", "o", f"{HCI0}/dev_00")
        assert gone.error_name == "org.bluez.Error.DoesNotExist"
        assert (await call(bus, f"{HCI0}/dev_00", DEVICE, "Connect")).error_name.endswith("UnknownObject")


@on_bluez
async def test_a_device_removed_is_gone_with_its_bond(place: Place) -> None:
    scale = await place.add(WeightScale, SCALE, always_on=True)
    found = await place.find(scale)
    async with place.client_of(found, pair=True):
        pass
    await place.client_of(found).unpair()
    with pytest.raises((BleakDeviceNotFoundError, BleakError)):
        await place.client_of(found).connect()
    async with await place.client(scale) as client:
        assert await client.read_gatt_char(BATTERY)


def test_an_unpaired_device_is_forgotten_some_time_after_it_was_heard() -> None:
    async def story() -> None:
        async with place("bluez", temporary_s=0.05) as here:
            found = await here.find(await here.add(WeightScale, SCALE, always_on=True))
            await here.devices[0].stop()
            await asyncio.sleep(0.1)
            with pytest.raises(BleakError, match="not found"):
                await here.client_of(found).connect()

    asyncio.run(story())


@on_bluez
async def test_an_agent_that_thinks_too_long_is_told_that_it_is_too_late(place: Place) -> None:
    meter, agent = await place.add(WeightScale, SCALE, always_on=True, passkey=1), Agent(passkey=1, answers=False)
    async with registered(agent):
        with pytest.raises(TimeoutError):
            await (await place.client(meter, pair=True, timeout=0.2)).connect()
        async with asyncio.timeout(WITHIN_S):
            await agent.cancelled.wait()
    assert [member for member, _ in agent.asked] == ["RequestPasskey", "Cancel"]


@on_bluez
async def test_without_power_nothing_works_and_links_end(place: Place) -> None:
    scale, ended = await place.add(WeightScale, SCALE, always_on=True), asyncio.Event()
    client = await place.client(scale, pair=True, disconnected_callback=lambda _client: ended.set())
    await client.connect()
    async with connected() as bus:
        await call(bus, HCI0, PROPERTIES, "Set", "ssv", ADAPTER, "Powered", Variant("b", False))
        async with asyncio.timeout(WITHIN_S):
            await ended.wait()
        assert (await call(bus, HCI0, ADAPTER, "StartDiscovery")).error_name == "org.bluez.Error.NotReady"
    await client.disconnect()
    with pytest.raises(BleakBluetoothNotAvailableError):
        await BleakScanner.discover(timeout=0.1)


@on_bluez
async def test_discovery_belongs_to_its_client_and_ends_with_it(place: Place) -> None:
    ended = asyncio.Event()

    def heard(message: Message) -> None:
        discovering = message.body[1].get("Discovering")
        if discovering is not None and not discovering.value:
            ended.set()

    async with connected(heard):
        async with connected() as bus:
            await call(bus, HCI0, ADAPTER, "StartDiscovery")
            assert (await call(bus, HCI0, ADAPTER, "StartDiscovery")).error_name == "org.bluez.Error.InProgress"
            assert daemon(place).objects.get(HCI0, ADAPTER, "Discovering") is True
        async with asyncio.timeout(WITHIN_S):
            await ended.wait()


@on_bluez
async def test_a_passive_scan_hears_devices(place: Place) -> None:
    await place.add(WeightScale, SCALE, always_on=True)
    heard = asyncio.Event()
    patterns = [OrPattern(0, AdvertisementDataType.FLAGS, b"\x06")]
    options: dict[str, Any] = {"scanning_mode": "passive", "bluez": {"or_patterns": patterns}}
    async with BleakScanner(lambda _device, _advert: heard.set(), **options), asyncio.timeout(WITHIN_S):
        await heard.wait()


@on_bluez
async def test_paired_devices_are_there_after_a_restart_of_the_daemon(place: Place) -> None:
    scale = await place.add(WeightScale, SCALE, always_on=True)
    async with await place.client(scale, pair=True):
        pass
    await daemon(place).stop()
    place.bluez = FakeBluez(place.central)
    await place.bluez.start()
    device = place.bluez.path(SCALE)
    shown = [place.bluez.objects.get(device, DEVICE, name) for name in ("Paired", "Bonded", "Connected")]
    assert shown == [True, True, False]


def test_a_link_outlives_its_client_and_is_there_for_the_next() -> None:
    with site() as here:
        scale = here.add(WeightScale, SCALE, name="Scale", clock=lambda: NOON)
        here.do(lambda: scale.store(weights(1)))
        for number in (2, 3):
            with client(here) as said:
                lines = {said.readline(), said.readline()}
                assert lines == {"listening\n", f"{weights(number - 1)[0].hex()}\n"}
            here.run(scale.until(lambda: not scale.subscribed(scale.indicated)))
            here.do(lambda number=number: scale.store(weights(number)))
            assert here.run(stale()) == [(SCALE, "Scale")]
        assert here.do(lambda: (scale.stored, scale.bonds)) == (tuple(weights(3)), 1)


@contextmanager
def client(here: Site) -> Iterator[Any]:
    """What a client of its own process says; killed in the end."""
    with subprocess.Popen([sys.executable, "-c", CLIENT], stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process.stdout
        finally:
            process.kill()


async def stale() -> list[tuple[str, str | None]]:
    adapter = await BleakAdapter.get()
    found = [(each.address, each.name) for each in await adapter.get_connected_devices([SCALES])]
    await close_bleak()
    return found
