"""The way to the virtual radio, for a program that does without it unless somebody simulates Bluetooth homes."""

from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING

from device_gateway.clock import Clock
from device_gateway.errors import SettingsError
from device_gateway.simulator.world import World

if TYPE_CHECKING:
    from device_gateway.simulator.peripherals import HomesOnAir


def homes_on_air(world: World, clock: Clock) -> AbstractAsyncContextManager["HomesOnAir"]:
    """The homes' Bluetooth devices, switched on, with all they remember. Raises SettingsError: bumble is missing."""
    try:
        from device_gateway.simulator.peripherals import switched_on
    except ModuleNotFoundError as error:
        raise SettingsError(
            f"Simulated Bluetooth devices need the package {error.name}: pip install 'rpmhub[demo]'."
        ) from error
    return switched_on(world, clock)
