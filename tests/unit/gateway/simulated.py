"""Simulated devices read as the gateway reads them: their bytes through its own decoders."""

from datetime import UTC, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from device_gateway.decoders import decode
from device_gateway.frames import Measurement, Packet, RawFrame, Rejected
from device_gateway.simulator import Device, World, draw

START: Final = datetime(2026, 11, 22, 13, 0, tzinfo=UTC)
CHICAGO: Final = ZoneInfo("America/Chicago")
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
_CARRIED_BY: Final = {"weight-scale": "2A9D", "glucose-meter": "2A18", "pulse-oximeter": "2A5E"}
_TOPICS: Final = {"blood-pressure": "blood-pressure", "cgm": "glucose"}


def demo(seed: int = 1, start: datetime = START, **changes: Any) -> World:
    """The demo's homes with a month in their devices' memory."""
    base: dict[str, Any] = {"homes": draw(12, seed), "seed": seed, "start": start, "zone": CHICAGO, "stored_days": 30}
    return World(**(base | changes))


def device(world: World, profile: str, person: int) -> Device:
    """That person's device of that kind."""
    owned = [each for home in world.homes for each in home.devices if each.profile == profile and person in each.people]
    assert len(owned) == 1
    return owned[0]


def frame(world: World, device: Device, number: int, received_at: datetime | None = None) -> RawFrame | None:
    """The record as it reaches the gateway; the gateway has read the device's clock."""
    record = world.record(device, number)
    if record is None:
        return None
    at: dict[str, Any] = {
        "received_at": received_at or world.taken_at(device, number),
        "received_mono_ms": 1,
        "boot": "boot-1",
    }
    if device.link == "mqtt":
        route = f"devices/{device.device}/{_TOPICS[device.profile]}"
        return RawFrame(route=route, packets=(Packet("mqtt", record.payload),), **at)
    packets = [Packet(_CARRIED_BY[device.profile], record.payload)]
    packets += [Packet("2A34", record.context)] if record.context is not None else []
    skew = None if device.no_clock else timedelta(hours=device.clock_off_h)
    route = f"ble/{device.device}"
    return RawFrame(route=route, device=device.device, packets=tuple(packets), clock_skew=skew, **at)


def read(
    world: World, device: Device, number: int, received_at: datetime | None = None
) -> Measurement | Rejected | None:
    """What the gateway makes of that record; None if nobody measured then."""
    raw = frame(world, device, number, received_at)
    return None if raw is None else decode(raw, world.zone)


def readings(world: World, device: Device, numbers: "list[int] | range") -> list[Measurement]:
    """The measurements among those records."""
    made = [read(world, device, number) for number in numbers]
    return [each for each in made if isinstance(each, Measurement)]


def remembered(world: World, device: Device, now: datetime | None = None) -> list[Measurement]:
    """What is in the device's memory."""
    return readings(world, device, world.stored(device, now or world.start))


def live(world: World, device: Device, span: timedelta, begin: datetime | None = None) -> list[Measurement]:
    """What the device measures from `begin` (the start) on, for so long."""
    first = begin or world.start
    numbers = range(world.newest(device, first) + 1, world.newest(device, first + span) + 1)
    return readings(world, device, numbers)


def values(made: list[Measurement], metric: str) -> list[float]:
    """The numbers of one metric."""
    return [float(value.value) for each in made for value in each.values if value.metric == metric]
