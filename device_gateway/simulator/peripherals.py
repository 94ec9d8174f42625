"""Virtual homes on virtual radio: each Bluetooth device with its memory, and every new measurement when it is due."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Final

from device_gateway.clock import Clock
from device_gateway.simulator import radio
from device_gateway.simulator.due import Due
from device_gateway.simulator.household import Device, Profile
from device_gateway.simulator.world import World

_KINDS: Final[Mapping[Profile, type[radio.HealthDevice]]] = {
    "weight-scale": radio.WeightScale,
    "glucose-meter": radio.GlucoseMeter,
    "pulse-oximeter": radio.PulseOximeter,
}
_ADVERT_MS: Final = 100.0


@dataclass(frozen=True, slots=True)
class ToPair:
    """What pairing needs to know of a device. `passkey`: the digits that it would show."""

    address: str
    profile: Profile
    name: str
    passkey: int | None


@dataclass(frozen=True, slots=True)
class HomesOnAir:
    """The air of the homes, while they are there."""

    air: radio.Air
    devices: Mapping[str, radio.HealthDevice]
    to_pair: tuple[ToPair, ...]

    async def central(self, name: str = "gateway", address: str = radio.CENTRAL) -> radio.Central:
        """A powered central in the same air, for a gateway."""
        return await self.air.central(name, address)


@asynccontextmanager
async def switched_on(world: World, clock: Clock) -> AsyncIterator[HomesOnAir]:
    """The homes' Bluetooth devices. Should they fail, the block is cancelled and ends with an ExceptionGroup."""
    air, mine, now = radio.Air(), world.devices("ble"), clock.now()
    homes = _Homes(world, {device.device: _made(air, world, device, clock) for device in mine}, clock)
    due = Due(world, mine, now)
    for device in mine:
        homes.store(device, *world.stored(device, now))
    async with AsyncExitStack() as stack:
        for peripheral in homes.devices.values():
            await peripheral.start()
            stack.push_async_callback(peripheral.stop)
        async with asyncio.TaskGroup() as group:
            measuring = group.create_task(homes.measure(due), name="simulated homes")
            yield HomesOnAir(air, homes.devices, tuple(_to_pair(device) for device in mine))
            measuring.cancel()


@dataclass(frozen=True, slots=True)
class _Homes:
    world: World
    devices: Mapping[str, radio.HealthDevice]
    clock: Clock

    async def measure(self, due: Due) -> None:
        """Until cancelled. A device can be heard all the time until somebody paired it, then when it has news."""
        while True:
            for peripheral in self.devices.values():
                peripheral.always_on = not peripheral.bonds
            for device, number, _late in list(due.taken(self.clock.now())):
                self.store(device, number)
                due.done(device, number)
            await asyncio.sleep(due.wait_s(self.clock.now()))

    def store(self, device: Device, *numbers: int) -> None:
        """Puts into the device what was measured."""
        taken = [self.world.record(device, number) for number in numbers]
        records = [record for record in taken if record is not None]
        match self.devices[device.device]:
            case radio.GlucoseMeter() as meter:
                meter.store([radio.Record(each.sequence, each.payload, each.context) for each in records])
            case radio.WeightScale() | radio.PulseOximeter() as pushing:
                pushing.store([each.payload for each in records])


def _made(air: radio.Air, world: World, device: Device, clock: Clock) -> radio.HealthDevice:
    return _KINDS[device.profile](
        air,
        device.device,
        name=device.name,
        clock=lambda: world.local(device, clock.now()),
        clock_locked=device.clock_off_h != 0,
        no_clock=device.no_clock,
        battery=world.battery_percent(device, clock.now()),
        passkey=device.passkey,
        adv_interval_ms=_ADVERT_MS,
        always_on=True,
    )


def _to_pair(device: Device) -> ToPair:
    return ToPair(device.device, device.profile, device.name, device.passkey)
