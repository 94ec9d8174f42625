"""Virtual devices on the device broker: each measurement is published when it is taken, later ones from memory."""

import asyncio
import logging
from collections.abc import Iterator
from datetime import datetime
from typing import Final

from device_gateway.clock import Clock, Ids
from device_gateway.connection import Connection, Plan
from device_gateway.simulator.household import Device
from device_gateway.simulator.world import World

log = logging.getLogger(__name__)

_MEMORY: Final = 60  # measurements that a device holds while no broker is there
_TOPICS: Final = {"blood-pressure": "blood-pressure", "cgm": "glucose"}
_AT_ONCE: Final = 50  # stored ones between two looks at what is due: the present does not wait for the past


async def play(world: World, plan: Plan, topic: str, clock: Clock, ids: Ids) -> None:
    """Publishes until cancelled. `topic` is the devices' topic filter: serial and kind follow what precedes its `+`."""
    connection = Connection(plan, clock, ids, on_up=lambda: None, on_message=lambda _message: None)
    link = asyncio.create_task(connection.run())
    mine = _Devices(world, topic, connection, clock.now())
    log.info("simulating %d devices on the broker", len(mine.sent))
    try:
        while not link.done():
            mine.publish_due(clock.now())
            wait_s = 0.0 if mine.publish_stored() else mine.wait_s(clock.now())
            await asyncio.sleep(wait_s)
        link.result()
    finally:
        link.cancel()
        await asyncio.gather(link, return_exceptions=True)


class _Devices:
    """What of each device's measurements went out."""

    def __init__(self, world: World, topic: str, connection: Connection, now: datetime) -> None:
        self._world, self._connection = world, connection
        self._prefix = topic.partition("+")[0].partition("#")[0]
        self._devices = world.devices("mqtt")
        self._stored = [(device, number) for device in self._devices for number in reversed(world.stored(device, now))]
        self.sent = {device.device: world.newest(device, now) for device in self._devices}

    def publish_stored(self) -> bool:
        """Whether more are to follow at once."""
        for _ in range(_AT_ONCE):
            if not self._stored or not self._publish(*self._stored[-1], from_memory=True):
                return False
            self._stored.pop()
        return True

    def publish_due(self, now: datetime) -> None:
        for device, number, late in self._due(now):
            if not self._publish(device, number, from_memory=late):
                return  # the devices keep what they have until the broker is there
            self.sent[device.device] = number

    def wait_s(self, now: datetime) -> float:
        due = (self._world.taken_at(device, self.sent[device.device] + 1) for device in self._devices)
        return max(0.1, min([1.0, *((at - now).total_seconds() for at in due)]))

    def _due(self, now: datetime) -> Iterator[tuple[Device, int, bool]]:
        for device in self._devices:
            newest = self._world.newest(device, now)
            for number in range(max(self.sent[device.device] + 1, newest - _MEMORY + 1), newest + 1):
                yield device, number, number < newest

    def _publish(self, device: Device, number: int, *, from_memory: bool) -> bool:
        """Whether this measurement is dealt with: it was handed to the broker, or nobody took one then."""
        record = self._world.record(device, number, from_memory=from_memory)
        topic = f"{self._prefix}{device.device}/{_TOPICS[device.profile]}"
        return record is None or self._connection.publish(topic, record.payload)
