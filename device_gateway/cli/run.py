"""`rpmhub-gateway run`."""

from datetime import timedelta
from pathlib import Path

import click

from device_gateway.cli.options import (
    INTERVAL,
    SEED,
    SETTINGS_FILE,
    STORED,
    began_at,
    load_homes,
    load_settings,
    serve,
)
from device_gateway.clock import SystemClock, SystemIds
from device_gateway.runtime import Gateway
from device_gateway.simulator import World


@click.command()
@SETTINGS_FILE
@click.option(
    "--simulate",
    "homes",
    metavar="FILE|N",
    help="Simulated homes: a JSON list, or how many. A next run goes on with them.",
)
@SEED
@INTERVAL
@STORED
@click.option("--replay-hours", type=click.FloatRange(0), help="Send again what the hub acknowledged in these hours.")
def run(
    config: Path | None, homes: str | None, seed: int, interval: float, stored_days: int, replay_hours: float | None
) -> None:
    """Runs the gateway until SIGTERM or SIGINT."""
    settings = load_settings(config)
    clock, ids = SystemClock(), SystemIds()
    world = None
    if homes is not None:
        began = began_at(settings, clock.now())
        world = World(load_homes(homes, seed, interval), seed, began, settings.time_zone, stored_days)
    replay = None if replay_hours is None else timedelta(hours=replay_hours)
    serve(Gateway(settings, clock, ids, world, replay=replay).run)
