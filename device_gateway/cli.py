"""The command `rpmhub-gateway`."""

import asyncio
import json
import logging
import os
import signal
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import click
import msgspec

from device_gateway import settings as gateway_settings
from device_gateway.clock import SystemClock, SystemIds
from device_gateway.decoders import DECODERS
from device_gateway.errors import GatewayError
from device_gateway.frames import Packet, RawFrame, Rejected
from device_gateway.runtime import Gateway, device_plan
from device_gateway.settings import CONFIG, PREFIX, Settings
from device_gateway.simulator import PROFILE, Home, World, draw, load, play
from device_gateway.spool import FILE, Quarantined, Report, read
from device_gateway.wire import encode_reading, instant

_JSON: Final = click.option("--json", "as_json", is_flag=True, help="Machine-readable output.")
_CONFIG: Final = click.option(
    "--config",
    type=click.Path(path_type=Path, dir_okay=False),
    envvar=f"{PREFIX}{CONFIG.upper()}",
    help="TOML file of settings; the environment goes before it.",
)
_SEED: Final = click.option("--seed", type=int, default=1, show_default=True, help="Same seed, same homes and noise.")
_INTERVAL: Final = click.option(
    "--interval",
    type=click.FloatRange(1, 86_400),
    default=5.0,
    show_default=True,
    help="Seconds between a cuff's readings.",
)
_STORED: Final = click.option(
    "--stored-days",
    type=click.IntRange(0, 400),
    default=0,
    show_default=True,
    help="Days whose readings, morning and evening, are in the cuffs' memory at the start.",
)


class _Sentence(click.ClickException):
    """One sentence to the operator, and a failing exit."""


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Collects readings from devices and hands each to the hub, losing none."""


@main.command()
@_CONFIG
@click.option("--simulate", "homes", metavar="FILE|N", help="Simulated cuffs publish on the devices' broker as well.")
@_SEED
@_INTERVAL
@_STORED
@click.option("--replay-hours", type=click.FloatRange(0), help="Send again what the hub acknowledged in these hours.")
def run(
    config: Path | None, homes: str | None, seed: int, interval: float, stored_days: int, replay_hours: float | None
) -> None:
    """Runs the gateway until SIGTERM or SIGINT."""
    settings = _settings(config)
    clock, ids = SystemClock(), SystemIds()
    world = None
    if homes is not None:
        world = World(_homes(homes, seed, interval), seed, clock.now(), settings.time_zone, stored_days)
    replay = None if replay_hours is None else timedelta(hours=replay_hours)
    _serve(Gateway(settings, clock, ids, world, replay).run)


@main.command()
@_CONFIG
@_JSON
@click.option("--settings", "show_settings", is_flag=True, help="Print the settings in force, passwords masked.")
def status(config: Path | None, as_json: bool, show_settings: bool) -> None:  # noqa: FBT001 - click's flags
    """Says what the spool holds, lost, set aside, and when the hub last answered."""
    settings = _settings(config)
    if show_settings:
        for name, value, text in gateway_settings.describe(settings):
            click.echo(f"{name}={value}  # {text}")
        return
    file = Path(settings.data_dir) / FILE
    if not file.exists():
        raise _Sentence(f"There is no spool in {settings.data_dir}: this gateway has not run yet.")
    try:
        report, quarantined = read(file)
    except GatewayError as error:
        raise _Sentence(str(error)) from error
    damaged = sorted(each.name for each in file.parent.glob(f"{FILE}.damaged-*[0-9]"))
    if as_json:
        click.echo(json.dumps(_status_row(report, quarantined, damaged), indent=2))
        return
    for line in _status_lines(report, quarantined, damaged, SystemClock().now()):
        click.echo(line)


@main.command()
@click.argument("kind")
@click.argument("data")
@click.option("--zone", default="UTC", show_default=True, help="IANA zone of the device's clock.")
@_JSON
def decode(kind: str, data: str, zone: str, as_json: bool) -> None:  # noqa: FBT001 - click's flag
    """Prints the measurement that a decoder makes of DATA (hex, or JSON as it is)."""
    decoders = {decoder.kind: decoder for decoder in DECODERS}
    if kind not in decoders:
        raise _Sentence(f"No decoder is called {kind}; there are: {', '.join(decoders)}.")
    clock = SystemClock()
    frame = RawFrame(
        route="",
        packets=(Packet("mqtt", _bytes(data)),),
        received_at=clock.now(),
        received_mono_ms=clock.mono_ms(),
        boot=clock.boot,
    )
    try:
        made = decoders[kind].decode(frame, ZoneInfo(zone))
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise _Sentence(f"{zone} is no time zone.") from error
    if isinstance(made, Rejected):
        raise _Sentence(f"rejected({made.code}): {made.reason}")
    reading = json.loads(encode_reading(made))
    if as_json:
        click.echo(json.dumps(reading, indent=2))
        return
    for value in reading["values"]:
        shown = f"  (shown: {value['shown']['value']} {value['shown']['unit']})" if "shown" in value else ""
        click.echo(f"{value['metric']:26} {value['value']:g} {value['unit']}{shown}")
    for name in ("device", "measured_at", "record", "user_index", "battery_percent"):
        click.echo(f"{name:26} {reading.get(name, '-')}")
    click.echo(f"{'flags':26} {', '.join(reading['flags']) or '-'}")


@main.command()
@_CONFIG
@click.option(
    "--homes", default="12", show_default=True, metavar="FILE|N", help="JSON list of homes, or how many to draw."
)
@_SEED
@_INTERVAL
@_STORED
@click.option("--list", "only_list", is_flag=True, help="Print the homes and their devices, and publish nothing.")
@_JSON
def simulate(
    config: Path | None,
    homes: str,
    seed: int,
    interval: float,
    stored_days: int,
    only_list: bool,  # noqa: FBT001 - click's flags
    as_json: bool,  # noqa: FBT001
) -> None:
    """Publishes simulated cuffs on the devices' broker."""
    cast = _homes(homes, seed, interval)
    if only_list:
        rows = [{"profile": PROFILE, **msgspec.to_builtins(home)} for home in cast]
        click.echo(json.dumps(rows, indent=2) if as_json else "\n".join(_home_line(home) for home in cast))
        return
    settings = _settings(config)
    clock, ids = SystemClock(), SystemIds()
    world = World(cast, seed, clock.now(), settings.time_zone, stored_days)
    try:
        plan = device_plan(settings, "simulator", clean_session=True)
    except GatewayError as error:
        raise _Sentence(str(error)) from error

    async def publish(stop: asyncio.Event) -> None:
        playing = asyncio.create_task(play(world, plan, settings.source_mqtt_topic, clock, ids))
        stopped = asyncio.create_task(stop.wait())
        await asyncio.wait((playing, stopped), return_when=asyncio.FIRST_COMPLETED)
        for task in (playing, stopped):
            task.cancel()
        await asyncio.gather(playing, stopped, return_exceptions=True)

    _serve(publish)


def _serve(program: Callable[[asyncio.Event], Awaitable[None]]) -> None:
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")

    async def until_told() -> None:
        stop = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        await program(stop)

    try:
        asyncio.run(until_told())
    except GatewayError as error:
        raise _Sentence(str(error)) from error


def _settings(config: Path | None) -> Settings:
    try:
        return gateway_settings.load(config, os.environ)
    except GatewayError as error:
        raise _Sentence(str(error)) from error


def _homes(text: str, seed: int, interval: float) -> tuple[Home, ...]:
    if text.isdecimal() and 0 < int(text) <= 10_000:
        return draw(int(text), seed, interval)
    try:
        return load(Path(text))
    except GatewayError as error:
        raise _Sentence(str(error)) from error


def _bytes(text: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError:
        return text.encode()


def _home_line(home: Home) -> str:
    return f"{home.serial}  {PROFILE}  slot {home.user_index}  {home.story:8} {home.unit:5} every {home.interval_s:g} s"


def _status_row(report: Report, quarantined: tuple[Quarantined, ...], damaged: list[str]) -> dict[str, Any]:
    newest = [
        {"at": instant(each.at), "code": each.code, "reason": each.reason, "route": each.route, "data": each.data.hex()}
        for each in quarantined
    ]
    return {**msgspec.to_builtins(report), "quarantined": newest, "damaged_files": damaged}


def _status_lines(report: Report, quarantined: tuple[Quarantined, ...], damaged: list[str], now: datetime) -> list[str]:
    oldest, last = report.oldest_received_at, report.last_ack_at
    lines = [
        f"spool              {report.spool}",
        f"waiting            {report.depth}" + (f", oldest {_ago(now - oldest)}" if oldest else ""),
        f"last acknowledged  {_ago(now - last) if last else 'never'}",
        f"kept for replay    {report.kept}",
        f"dropped            {report.dropped_total}",
        f"quarantined        {report.quarantined_total}",
        f"refused by hub     {report.refused_total}",
        f"retained, ignored  {report.retained_total}",
        f"source failures    {report.source_failures_total}",
        f"devices heard      {len(report.devices)}",
    ]
    lines += [f"  {instant(each.at)} {each.code}: {each.reason}" for each in quarantined]
    return lines + [f"DAMAGED SPOOL kept as {name}" for name in damaged]


def _ago(span: timedelta) -> str:
    return f"{max(0, round(span.total_seconds()))} s ago"
