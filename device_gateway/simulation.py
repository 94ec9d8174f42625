"""Simulated Bluetooth homes as a running gateway meets them: on a radio of their own, paired as a person would have."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from device_gateway.clock import Clock
from device_gateway.registry import Registry
from device_gateway.simulator import World
from device_gateway.simulator.on_air import homes_on_air
from device_gateway.sources.ble import Radio
from device_gateway.sources.ble.pairing import pair


@asynccontextmanager
async def paired_homes(world: World, registry: Registry, clock: Clock) -> AsyncIterator[Radio]:
    """The radio on which the homes' devices are heard inside. Raises SettingsError: a package is missing."""
    async with homes_on_air(world, clock) as homes:
        from device_gateway.simulator.radio import make_backend

        person = Owner({device.address: device.passkey for device in homes.to_pair})
        central = await homes.central()
        try:
            radio = Radio("", *make_backend(central, person.reads))
            for device in homes.to_pair:  # the bonds of a virtual radio end with its process
                await pair(radio, device.address, person, registry, clock)
            yield radio
        finally:
            await central.close()


class Owner:
    """Lives with these devices, and reads off each what it shows while it is paired."""

    def __init__(self, digits: Mapping[str, int | None]) -> None:
        self._digits = digits

    async def reads(self, address: str) -> int | None:
        """The device's digits; None where it shows none."""
        return self._digits.get(address)

    async def passkey(self) -> int | None:
        return None

    async def same(self, passkey: int) -> bool:  # noqa: ARG002 - the protocol's
        return True

    async def show(self, passkey: int) -> None:
        """Nothing needs typing."""

    async def agrees(self) -> bool:
        return True
