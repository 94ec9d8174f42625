"""Virtual devices behave as real ones do, whichever way a client reaches them."""

import asyncio
import contextlib
import struct
from datetime import datetime, timedelta

import pytest
from bleak.exc import BleakError, BleakGATTProtocolError

from device_gateway.simulator.radio import Air, GlucoseMeter, PulseOximeter, WeightScale, make_backend
from tests.bluez.agent import Agent, registered
from tests.bluez.clients import (
    ABORT,
    ABORTED,
    ALL,
    BATTERY,
    CLOCK,
    CONTINUOUS,
    COUNT_ALL,
    DONE,
    METER,
    OXIMETER,
    SCALE,
    SCALES,
    SPOT,
    WEIGHT,
    Collector,
    Ear,
    records,
    weights,
)
from tests.bluez.places import NOON, WITHIN_S, Place, on_both_ways

PASSKEY = 123_456


@on_both_ways
async def test_a_scan_finds_the_services_asked_for(place: Place) -> None:
    await place.add(WeightScale, SCALE, always_on=True)
    await place.add(PulseOximeter, OXIMETER, always_on=True)
    assert await place.discover(SCALES) == {SCALE: "WeightScale"}
    assert await place.discover() == {SCALE: "WeightScale", OXIMETER: "PulseOximeter"}


@on_both_ways
async def test_a_device_advertises_while_it_has_something_to_tell(place: Place) -> None:
    scale = await place.add(WeightScale, SCALE)
    assert await place.discover() == {}
    scale.store(weights(1))
    assert await place.discover() == {SCALE: "WeightScale"}


@on_both_ways
async def test_a_scale_tells_what_it_kept_oldest_first_and_drops_what_is_confirmed(place: Place) -> None:
    scale, ear = await place.add(WeightScale, SCALE), Ear()
    scale.store(weights(1, 2, 3))
    async with await place.client(scale, pair=True) as client:
        await client.start_notify(WEIGHT, ear)
        assert await ear.until(3) == weights(1, 2, 3)
        await scale.until(lambda: scale.stored == ())
        scale.store(weights(4))
        await ear.until(4)
        await scale.until(lambda: scale.stored == ())
    assert (scale.confirmed, scale.bonds) == (weights(1, 2, 3, 4), 1)
    assert await place.discover() == {}


@on_both_ways
async def test_a_value_that_wants_safety_pairs_by_itself(place: Place) -> None:
    scale = await place.add(WeightScale, SCALE, always_on=True, battery=37)
    async with await place.client(scale) as client:
        assert scale.bonds == 0
        assert await client.read_gatt_char(BATTERY) == bytes([37])
    assert scale.bonds == 1


@on_both_ways
async def test_a_bond_is_used_again_and_outlives_the_devices_power(place: Place) -> None:
    scale = await place.add(WeightScale, SCALE, always_on=True)
    async with await place.client(scale, pair=True):
        pass
    await scale.stop()
    await scale.start()
    async with await place.client(scale) as client:
        assert await client.read_gatt_char(BATTERY)
        assert scale.connection is not None
        assert scale.connection.is_encrypted
    assert scale.bonds == 1


@on_both_ways
async def test_a_reading_the_central_did_not_confirm_is_told_again(place: Place) -> None:
    scale, ear = await place.add(WeightScale, SCALE), Ear()
    scale.store(weights(1))
    async with await place.client(scale, pair=True):
        await scale.drop()  # before anyone subscribed
    assert scale.stored == tuple(weights(1))
    async with await place.client(scale) as client:
        await client.start_notify(WEIGHT, ear)
        assert await ear.until(1) == weights(1)


@on_both_ways
async def test_a_device_ends_the_link_when_everything_is_told(place: Place) -> None:
    scale, ear, ended = await place.add(WeightScale, SCALE, disconnect_after=True), Ear(), asyncio.Event()
    scale.store(weights(1, 2))
    client = await place.client(scale, pair=True, disconnected_callback=lambda _client: ended.set())
    await client.connect()
    await client.start_notify(WEIGHT, ear)
    async with asyncio.timeout(WITHIN_S):
        await ended.wait()
    assert (ear.heard, client.is_connected) == (weights(1, 2), False)
    with pytest.raises(BleakError):
        await client.read_gatt_char(BATTERY)
    await client.disconnect()


@on_both_ways
async def test_a_clock_is_read_set_and_keeps_going(place: Place) -> None:
    def running() -> datetime:
        return NOON

    scale = await place.add(WeightScale, SCALE, always_on=True, clock=running)
    set_to = struct.pack("<HBBBBBBBB", 2026, 5, 4, 13, 30, 0, 1, 0, 1)
    async with await place.client(scale, pair=True) as client:
        assert await client.read_gatt_char(CLOCK) == struct.pack("<HBBBBBBBB", 2026, 5, 4, 12, 0, 0, 1, 0, 0)
        await client.write_gatt_char(CLOCK, set_to, response=True)
        assert scale.now() == NOON + timedelta(minutes=90)
        with pytest.raises(BleakGATTProtocolError) as refused:
            await client.write_gatt_char(CLOCK, bytes(10), response=True)
    assert (refused.value.code, scale.time_writes) == (0x80, [set_to])


@on_both_ways
async def test_a_device_without_a_clock_shows_none(place: Place) -> None:
    scale = await place.add(WeightScale, SCALE, always_on=True, no_clock=True)
    async with await place.client(scale, pair=True) as client:
        assert client.services.get_characteristic(CLOCK) is None


@on_both_ways
async def test_a_meter_counts_and_hands_out_its_records(place: Place) -> None:
    meter = await place.add(GlucoseMeter, METER)
    meter.store(records(*range(1, 11)))
    async with await place.client(meter, pair=True) as client:
        collector = Collector(client)
        await collector.subscribe()
        assert await collector.answer(COUNT_ALL) == b"\5\0\x0a\0"
        assert await collector.answer(ALL) == DONE
        expected = [part for each in meter.records for part in (each.measurement, each.context) if part is not None]
        assert collector.told.heard == expected
        assert await collector.answer(b"\1\3\1\x0b\0") == b"\6\0\1\6"  # none from 11 on
        assert await collector.answer(b"\2\1") == b"\6\0\2\2"  # and it deletes nothing
        await meter.until(lambda: len(meter.confirmed) == 4)
    assert await place.discover() == {}


@on_both_ways
async def test_a_meter_wants_its_subscriptions_first_and_one_request_at_a_time(place: Place) -> None:
    meter = await place.add(GlucoseMeter, METER, record_gap_s=WITHIN_S)
    meter.store(records(1, 2, 3))
    async with await place.client(meter, pair=True) as client:
        collector = Collector(client)
        with pytest.raises(BleakGATTProtocolError) as early:
            await collector.ask(ALL)
        await collector.subscribe()
        await collector.ask(ALL)
        with pytest.raises(BleakGATTProtocolError) as busy:
            await collector.ask(COUNT_ALL)
        assert await collector.answer(ABORT) == ABORTED
        assert len(await collector.told.until(1)) == 1
        assert await collector.answer(COUNT_ALL) == b"\5\0\3\0"
    assert (early.value.code, busy.value.code) == (0xFD, 0xFE)


@on_both_ways
async def test_a_transfer_that_broke_off_is_taken_up_again(place: Place) -> None:
    meter, ended = await place.add(GlucoseMeter, METER, drop_after_records=2), asyncio.Event()
    meter.store(records(1, 2, 4, 5))
    client = await place.client(meter, pair=True, disconnected_callback=lambda _client: ended.set())
    await client.connect()
    first = Collector(client)
    await first.subscribe()
    await first.ask(ALL)
    async with asyncio.timeout(WITHIN_S):
        await ended.wait()
    await client.disconnect()
    assert (len(first.told.heard), first.answers.heard) == (2, [])
    async with await place.client(meter) as again:
        second = Collector(again)
        await second.subscribe()
        assert await second.answer(b"\1\3\1\4\0") == DONE
        assert len(second.told.heard) == 2


@on_both_ways
async def test_an_oximeter_keeps_spot_checks_and_streams_to_whoever_listens(place: Place) -> None:
    oximeter, spots, stream = await place.add(PulseOximeter, OXIMETER), Ear(), Ear()
    oximeter.store([b"\0spot"])
    assert await oximeter.stream([b"\0lost"]) == 0
    async with await place.client(oximeter, pair=True) as client:
        await client.start_notify(SPOT, spots)
        await client.start_notify(CONTINUOUS, stream)
        assert await spots.until(1) == [b"\0spot"]
        assert await oximeter.stream([b"\0one", b"\0two"]) == 2
        assert await stream.until(2) == [b"\0one", b"\0two"]


@on_both_ways
async def test_a_passkey_opens_the_device_and_a_wrong_one_does_not(place: Place) -> None:
    meter = await place.add(GlucoseMeter, METER, always_on=True, passkey=PASSKEY)
    for typed in (PASSKEY + 1, PASSKEY):
        async with _typing(place, typed):
            client = await place.client(meter, pair=True)
            if typed != PASSKEY:
                with pytest.raises(BleakError, match=r"(?i)authentication"):
                    await client.connect()
                assert meter.bonds == 0
            else:
                async with client:
                    assert await client.read_gatt_char(BATTERY)
    assert meter.bonds == 1


@on_both_ways
async def test_a_device_with_a_passkey_refuses_a_central_that_cannot_type(place: Place) -> None:
    meter = await place.add(GlucoseMeter, METER, always_on=True, passkey=PASSKEY)
    with pytest.raises(BleakError, match=r"(?i)authentication"):
        await (await place.client(meter, pair=True)).connect()
    assert meter.bonds == 0


@on_both_ways
async def test_a_device_that_lost_its_keys_is_told_apart_and_can_be_paired_anew(place: Place) -> None:
    scale = await place.add(WeightScale, SCALE, always_on=True)
    async with await place.client(scale, pair=True):
        pass
    await scale.forget_bonds()
    client = await place.client(scale)
    with pytest.raises(BleakError, match="le-connection-refused"):
        await client.connect()
    assert scale.bonds == 0
    await client.unpair()
    async with await place.client(scale, pair=True) as client:
        assert await client.read_gatt_char(BATTERY)
    assert scale.bonds == 1


@on_both_ways
async def test_a_hidden_address_gives_way_to_the_identity_on_pairing(place: Place) -> None:
    scale, ear = await place.add(WeightScale, SCALE, private_address=True), Ear()
    scale.store(weights(1))
    found = await place.find(scale)
    client = place.client_of(found, pair=True)
    assert client.address != SCALE
    async with client:
        assert client.address == SCALE
        await client.start_notify(WEIGHT, ear)
        await ear.until(1)
    scale.store(weights(2))
    again = await place.find(scale)
    assert (again.address, found.address != SCALE) == (SCALE, True)
    async with place.client_of(again) as client:
        await client.start_notify(WEIGHT, ear)
        await ear.until(2)


@on_both_ways
async def test_an_eager_device_loses_a_reading_to_a_central_that_stayed_subscribed(place: Place) -> None:
    scale, ear = await place.add(WeightScale, SCALE, eager=True, always_on=True), Ear()
    async with await place.client(scale, pair=True) as client:
        await client.start_notify(WEIGHT, ear)
    scale.store(weights(1))
    async with await place.client(scale) as client:
        await scale.until(lambda: scale.stored == ())  # confirmed before anybody could listen
        await client.start_notify(WEIGHT, ear)
        scale.store(weights(2))
        await ear.until(1)
        await scale.until(lambda: scale.stored == ())
    assert (scale.confirmed, ear.heard) == (weights(1, 2), weights(2))


@on_both_ways
async def test_an_eager_device_waits_for_a_central_that_unsubscribed(place: Place) -> None:
    scale, ear = await place.add(WeightScale, SCALE, eager=True, always_on=True), Ear()
    async with await place.client(scale, pair=True) as client:
        await client.start_notify(WEIGHT, ear)
        await client.stop_notify(WEIGHT)
    scale.store(weights(1))
    async with await place.client(scale) as client:
        await client.start_notify(WEIGHT, ear)
        assert await ear.until(1) == weights(1)


@on_both_ways
async def test_a_subscription_that_holds_waits_for_the_central_unless_the_device_is_eager(place: Place) -> None:
    scale, ear = await place.add(WeightScale, SCALE, persist_cccd=True, always_on=True), Ear()
    async with await place.client(scale, pair=True) as client:
        await client.start_notify(WEIGHT, Ear())
    scale.store(weights(1))
    async with await place.client(scale) as client:
        assert scale.subscribed(scale.indicated)
        await client.start_notify(WEIGHT, ear)
        assert await ear.until(1) == weights(1)


@on_both_ways
async def test_an_attempt_given_up_does_not_come_true_later(place: Place) -> None:
    scale = await place.add(WeightScale, SCALE, always_on=True)
    found = await place.find(scale)
    await scale.stop()
    with pytest.raises(TimeoutError):
        await place.client_of(found, timeout=0.2).connect()
    await scale.start()
    await place.discover()
    assert scale.connection is None
    async with place.client_of(found, pair=True) as client:
        assert client.is_connected


@on_both_ways
async def test_a_device_switched_off_takes_the_link_along_and_keeps_its_readings(place: Place) -> None:
    scale, ended = await place.add(WeightScale, SCALE), asyncio.Event()
    scale.store(weights(1))
    client = await place.client(scale, pair=True, disconnected_callback=lambda _client: ended.set())
    await client.connect()
    await scale.stop()
    async with asyncio.timeout(WITHIN_S):
        await ended.wait()
    await client.disconnect()
    assert scale.stored == tuple(weights(1))
    await scale.start()
    assert await place.discover() == {SCALE: "WeightScale"}


def test_nothing_runs_on_after_the_last_device() -> None:
    async def story() -> None:
        air = Air()
        central = await air.central()
        make_backend(central)
        scales = [WeightScale(air, f"C1:00:00:00:00:{n:02X}", name=f"Scale {n}", clock=lambda: NOON) for n in range(3)]
        for scale in scales:
            scale.store(weights(1))
            await scale.start()
        for scale in scales:
            await scale.stop()
            await scale.stop()
        await central.close()
        assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(story())


def _typing(place: Place, passkey: int) -> "contextlib.AbstractAsyncContextManager[None]":
    if place.bluez is not None:
        return registered(Agent(passkey))

    async def typed(_address: str) -> int:
        return passkey

    make_backend(place.central, typed)
    return contextlib.nullcontext()
