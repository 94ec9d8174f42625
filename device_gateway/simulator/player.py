"""Virtual cuffs on the device broker: each measurement is published when it is taken, later ones from memory."""

import asyncio
import logging
from collections.abc import Iterator
from typing import Final

from device_gateway.clock import Clock, Ids
from device_gateway.connection import Connection, Plan
from device_gateway.simulator.homes import Home
from device_gateway.simulator.world import World

log = logging.getLogger(__name__)

_MEMORY: Final = 60  # measurements a cuff can hold


async def play(world: World, plan: Plan, topic: str, clock: Clock, ids: Ids) -> None:
    """Publishes until cancelled. `topic` is the devices' topic filter; the serial takes the place of its `+`."""
    connection = Connection(plan, clock, ids, on_up=lambda: None, on_message=lambda _message: None)
    link = asyncio.create_task(connection.run())
    waiting = [(home, number) for home in world.homes for number in world.stored(home)]
    sent = {home.serial: world.newest(home, world.start) for home in world.homes}
    log.info("simulating %d cuffs", len(world.homes))
    try:
        while not link.done():
            while waiting and _publish(connection, world, topic, *waiting[0], from_memory=True):
                waiting.pop(0)
            for home, number, late in _due(world, sent, clock):
                if not _publish(connection, world, topic, home, number, from_memory=late):
                    break  # the cuffs keep what they have until the broker is there
                sent[home.serial] = number
            soonest = min(world.taken_at(home, sent[home.serial] + 1) for home in world.homes)
            await asyncio.sleep(max(0.1, min(1.0, (soonest - clock.now()).total_seconds())))
        link.result()
    finally:
        link.cancel()
        await asyncio.gather(link, return_exceptions=True)


def _publish(connection: Connection, world: World, topic: str, home: Home, number: int, *, from_memory: bool) -> bool:
    """Whether this measurement is dealt with: it was handed to the broker, or the patient took none then."""
    payload = world.record(home, number, from_memory=from_memory)
    return payload is None or connection.publish(topic.replace("+", home.serial), payload)


def _due(world: World, sent: dict[str, int], clock: Clock) -> Iterator[tuple[Home, int, bool]]:
    for home in world.homes:
        newest = world.newest(home, clock.now())
        for number in range(max(sent[home.serial] + 1, newest - _MEMORY + 1), newest + 1):
            yield home, number, number < newest
