"""Whose measurement is next."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Final

from device_gateway.simulator.household import Device
from device_gateway.simulator.world import World

_MEMORY: Final = 60  # measurements that a device holds while nobody takes them
_SHORTEST_S, _LONGEST_S = 0.1, 1.0  # a clock may be set


class Due:
    """Keeps account of what was handed on of the devices' measurements since `now`."""

    def __init__(self, world: World, devices: Sequence[Device], now: datetime) -> None:
        self._world, self._devices = world, devices
        self._done = {device.device: world.newest(device, now) for device in devices}

    def taken(self, now: datetime) -> Iterator[tuple[Device, int, bool]]:
        """Measurements not yet handed on: device, number, and whether a newer one was taken since."""
        for device in self._devices:
            newest = self._world.newest(device, now)
            for number in range(max(self._done[device.device] + 1, newest - _MEMORY + 1), newest + 1):
                yield device, number, number < newest

    def done(self, device: Device, number: int) -> None:
        """This measurement was handed on."""
        self._done[device.device] = number

    def wait_s(self, now: datetime) -> float:
        """Seconds until it is worth asking again."""
        soonest = (self._world.taken_at(device, self._done[device.device] + 1) for device in self._devices)
        return max(_SHORTEST_S, min([_LONGEST_S, *((at - now).total_seconds() for at in soonest)]))
