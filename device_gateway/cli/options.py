"""What several commands take, and how a command fails."""

import asyncio
import logging
import os
import signal
from collections.abc import Awaitable, Callable
from datetime import datetime
from pathlib import Path
from typing import Final

import click

from device_gateway import settings as gateway_settings
from device_gateway.errors import GatewayError
from device_gateway.settings import CONFIG, PREFIX, Settings
from device_gateway.simulator import Home, draw, load
from device_gateway.simulator.beginning import beginning

AS_JSON: Final = click.option("--json", "as_json", is_flag=True, help="Machine-readable output.")
SETTINGS_FILE: Final = click.option(
    "--config",
    type=click.Path(path_type=Path, dir_okay=False),
    envvar=f"{PREFIX}{CONFIG.upper()}",
    help="TOML file of settings; the environment goes before it.",
)
SEED: Final = click.option("--seed", type=int, default=1, show_default=True, help="Same seed, same homes and noise.")
INTERVAL: Final = click.option(
    "--interval",
    type=click.FloatRange(1, 86_400),
    default=5.0,
    show_default=True,
    help="Seconds between a cuff's readings; the other devices' follow from it.",
)
STORED: Final = click.option(
    "--stored-days",
    type=click.IntRange(0, 400),
    default=0,
    show_default=True,
    help="Days whose readings, at the hours at which people measure, are in the devices' memory at the start.",
)


class Sentence(click.ClickException):
    """One sentence to the operator, and a failing exit."""


def load_settings(config: Path | None) -> Settings:
    """The settings in force, or one sentence that names what is wrong."""
    try:
        return gateway_settings.load(config, os.environ)
    except GatewayError as error:
        raise Sentence(str(error)) from error


def load_homes(text: str, seed: int, interval: float) -> tuple[Home, ...]:
    """The homes in a file, or so many drawn."""
    if text.isdecimal() and 0 < int(text) <= 10_000:
        return draw(int(text), seed, interval)
    try:
        return load(Path(text))
    except GatewayError as error:
        raise Sentence(str(error)) from error


def began_at(settings: Settings, now: datetime) -> datetime:
    """When the simulation in the gateway's data directory began."""
    try:
        return beginning(Path(settings.data_dir), now)
    except GatewayError as error:
        raise Sentence(str(error)) from error


def serve(program: Callable[[asyncio.Event], Awaitable[None]], level: int = logging.INFO) -> None:
    """Runs `program` until it ends; SIGTERM and SIGINT set its event."""
    logging.basicConfig(level=level, format="%(asctime)s %(levelname)s %(name)s: %(message)s")

    async def until_told() -> None:
        stop = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        await program(stop)

    try:
        asyncio.run(until_told())
    except GatewayError as error:
        raise Sentence(str(error)) from error
