"""Virtual devices on the device broker: each measurement is published when it is taken, later ones from memory."""

import asyncio
import logging
from datetime import datetime
from typing import Final

from device_gateway.clock import Clock, Ids
from device_gateway.connection import Connection, Plan
from device_gateway.simulator.due import Due
from device_gateway.simulator.household import Device
from device_gateway.simulator.world import World

log = logging.getLogger(__name__)

_TOPICS: Final = {"blood-pressure": "blood-pressure", "cgm": "glucose"}
_AT_ONCE: Final = 50  # stored ones between two looks at what is due: the present does not wait for the past


async def play(world: World, plan: Plan, topic: str, clock: Clock, ids: Ids) -> None:
    """Publishes until cancelled. `topic` is the devices' topic filter: serial and kind follow what precedes its `+`."""
    connection = Connection(plan, clock, ids, on_up=lambda: None, on_message=lambda _message: None)
    link = asyncio.create_task(connection.run())
    publisher = _Publisher(world, topic, connection, clock.now())
    log.info("simulating %d devices on the broker", len(world.devices("mqtt")))
    try:
        while not link.done():
            publisher.publish_due(clock.now())
            await asyncio.sleep(0.0 if publisher.publish_stored() else publisher.due.wait_s(clock.now()))
        link.result()
    finally:
        link.cancel()
        await asyncio.gather(link, return_exceptions=True)


class _Publisher:
    """What of the devices' measurements has still to go out."""

    def __init__(self, world: World, topic: str, connection: Connection, now: datetime) -> None:
        self._world, self._connection = world, connection
        self._prefix = topic.partition("+")[0].partition("#")[0]
        devices = world.devices("mqtt")
        self._stored = [(device, number) for device in devices for number in reversed(world.stored(device, now))]
        self.due = Due(world, devices, now)

    def publish_stored(self) -> bool:
        """Whether more are to follow at once."""
        for _ in range(_AT_ONCE):
            if not self._stored or not self._publish(*self._stored[-1], from_memory=True):
                return False
            self._stored.pop()
        return True

    def publish_due(self, now: datetime) -> None:
        for device, number, late in self.due.taken(now):
            if not self._publish(device, number, from_memory=late):
                return  # the devices keep what they have until the broker is there
            self.due.done(device, number)

    def _publish(self, device: Device, number: int, *, from_memory: bool) -> bool:
        """Whether this measurement is dealt with: it was handed to the broker, or nobody took one then."""
        record = self._world.record(device, number, from_memory=from_memory)
        topic = f"{self._prefix}{device.device}/{_TOPICS[device.profile]}"
        return record is None or self._connection.publish(topic, record.payload)
