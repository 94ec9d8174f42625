"""`rpmhub-gateway simulate`."""

import asyncio
import json
from pathlib import Path

import click

from device_gateway.cli.options import (
    AS_JSON,
    INTERVAL,
    SEED,
    SETTINGS_FILE,
    STORED,
    Sentence,
    began_at,
    load_homes,
    load_settings,
    serve,
)
from device_gateway.clock import SystemClock, SystemIds
from device_gateway.errors import GatewayError
from device_gateway.runtime import device_plan
from device_gateway.simulator import World, play
from device_gateway.simulator.listing import lines, rows


@click.command()
@SETTINGS_FILE
@click.option(
    "--homes", default="12", show_default=True, metavar="FILE|N", help="JSON list of homes, or how many to draw."
)
@SEED
@INTERVAL
@STORED
@click.option("--list", "only_list", is_flag=True, help="Print the homes and their devices, and publish nothing.")
@AS_JSON
def simulate(
    config: Path | None, homes: str, seed: int, interval: float, stored_days: int, only_list: bool, as_json: bool
) -> None:
    """Publishes simulated cuffs and glucose sensors on the devices' broker.

    Bluetooth devices are on no radio here: `run --simulate` has them.
    """
    cast = load_homes(homes, seed, interval)
    if only_list:
        click.echo(json.dumps(rows(cast), indent=2) if as_json else "\n".join(lines(cast)))
        return
    settings = load_settings(config)
    clock, ids = SystemClock(), SystemIds()
    try:
        plan = device_plan(settings, "simulator", clean_session=True)
    except GatewayError as error:
        raise Sentence(str(error)) from error
    world = World(cast, seed, began_at(settings, clock.now()), settings.time_zone, stored_days)

    async def publish(stop: asyncio.Event) -> None:
        playing = asyncio.create_task(play(world, plan, settings.source_mqtt_topic, clock, ids))
        stopped = asyncio.create_task(stop.wait())
        await asyncio.wait((playing, stopped), return_when=asyncio.FIRST_COMPLETED)
        for task in (playing, stopped):
            task.cancel()
        await asyncio.gather(playing, stopped, return_exceptions=True)

    serve(publish)
