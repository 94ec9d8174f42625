"""`rpmhub-gateway scan`, `pair` and `forget`: a person at a terminal, beside the device."""

import asyncio
import json
import re
import sys
from collections.abc import Callable, Coroutine
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final, TypeVar

import click

from device_gateway.cli.options import AS_JSON, SETTINGS_FILE, Sentence, load_settings
from device_gateway.clock import SystemClock
from device_gateway.errors import GatewayError
from device_gateway.registry import Paired, Registry
from device_gateway.settings import Settings
from device_gateway.sources.ble import Radio
from device_gateway.sources.ble.pairing import Heard
from device_gateway.sources.ble.pairing import forget as forget_device
from device_gateway.sources.ble.pairing import pair as pair_device
from device_gateway.sources.ble.pairing import scan as scan_devices
from device_gateway.wire import instant

_SECONDS: Final = click.option(
    "--seconds", type=click.FloatRange(0.1, 600), default=10.0, show_default=True, help="How long to listen."
)
_ADDRESS: Final = re.compile(r"[0-9A-Fa-f]{2}(:[0-9A-Fa-f]{2}){5}")
_DIGITS: Final = 6
_ANSWER_S: Final = 55.0  # BlueZ gives up after a minute
_T = TypeVar("_T")


@click.command()
@SETTINGS_FILE
@_SECONDS
@AS_JSON
def scan(config: Path | None, seconds: float, as_json: bool) -> None:
    """Lists the devices that can be heard, the nearest first."""
    settings, registry = _ready(config)
    if not as_json:
        click.echo(
            f"Listening for {seconds:g} s. Wake the device: step on, clip on, or put it into pairing mode.", err=True
        )
    heard = _run(scan_devices(_radio(settings), seconds))
    paired = _or_sentence(registry.all)
    if as_json:
        rows = [
            {**asdict(each), "bond": paired[each.address].bond if each.address in paired else None} for each in heard
        ]
        click.echo(json.dumps(rows, indent=2))
        return
    for line in _lines(heard, {address: device.bond for address, device in paired.items()}):
        click.echo(line)
    if not heard:
        click.echo("Nothing was heard.")


@click.command()
@click.argument("address", required=False)
@SETTINGS_FILE
@click.option(
    "--passkey", type=click.IntRange(0, 999_999), help="The digits the device shows, where nobody can be asked."
)
@_SECONDS
@AS_JSON
def pair(
    address: str | None,
    config: Path | None,
    passkey: int | None,
    seconds: float,
    as_json: bool,
) -> None:
    """Pairs a device: ADDRESS, or one of those that can be heard now.

    Paired before, it is paired anew. The gateway need not be stopped for it.
    """
    settings, registry = _ready(config)
    radio = _radio(settings)
    chosen = _checked(address) if address else _choose(radio, seconds)
    person = AtTheTerminal(passkey)
    device = _run(pair_device(radio, chosen, person, registry, SystemClock(), within_s=max(seconds, 5)))
    if as_json:
        row = asdict(device) | {"paired_at": instant(device.paired_at), "clock_skew": None, "bond": device.bond}
        click.echo(json.dumps(row, indent=2))
        return
    for line in _told(device, str(settings.hub.user)):
        click.echo(line)


@click.command()
@click.argument("address")
@SETTINGS_FILE
def forget(address: str, config: Path | None) -> None:
    """Forgets a paired device: nothing connects to it any more."""
    settings, registry = _ready(config)
    if not _run(forget_device(_radio(settings), _checked(address), registry)):
        raise Sentence(f"{address} is not paired here.")
    click.echo(f"{address} is forgotten.")


class AtTheTerminal:
    """Asks whoever sits there; a passkey given beforehand is not asked for."""

    def __init__(self, passkey: int | None) -> None:
        self._passkey = passkey

    async def passkey(self) -> int | None:
        """The digits the device shows; None where nobody answers."""
        if self._passkey is not None:
            return self._passkey
        while (typed := await _line("The six digits that the device shows")) is not None:
            if typed.isdecimal() and len(typed) <= _DIGITS:
                return int(typed)
            click.echo("They are six digits, and nothing else.", err=True)
        return None

    async def same(self, passkey: int) -> bool:
        """Whether the device shows the same."""
        if self._passkey is not None:
            return passkey == self._passkey
        return await _line(f"Does the device show {passkey:06}? Type yes if it does") in {"y", "yes"}

    async def show(self, passkey: int) -> None:
        """Tells which digits to type into the device."""
        click.echo(f"Type {passkey:06} into the device.", err=True)

    async def agrees(self) -> bool:
        """The command itself is the agreement: it names this device, and the device shows nothing to compare."""
        return True


async def _line(question: str) -> str | None:
    """What is typed within a minute; None: nothing. No thread waits for it, which could not be ended."""
    click.echo(f"{question}: ", nl=False, err=True)
    if not sys.stdin.isatty():
        return sys.stdin.readline().strip() or None
    loop = asyncio.get_running_loop()
    typed: asyncio.Future[str] = loop.create_future()

    def read() -> None:
        loop.remove_reader(sys.stdin)
        typed.set_result(sys.stdin.readline())

    loop.add_reader(sys.stdin, read)
    try:
        async with asyncio.timeout(_ANSWER_S):
            return (await typed).strip() or None
    except TimeoutError:
        click.echo("\nNobody answered.", err=True)
        return None
    finally:
        loop.remove_reader(sys.stdin)


def _checked(address: str) -> str:
    if not _ADDRESS.fullmatch(address):
        raise Sentence(f"{address} is no Bluetooth address; one looks like C1:52:50:4D:00:01.")
    return address


def _choose(radio: Radio, seconds: float) -> str:
    click.echo(f"Listening for {seconds:g} s. Put the device into pairing mode.", err=True)
    heard = _run(scan_devices(radio, seconds))
    if not heard:
        raise Sentence("No device was heard. Put it into pairing mode, keep it within two metres, and try again.")
    for number, line in enumerate(_lines(heard, {}), start=1):
        click.echo(f"{number:3}  {line}", err=True)
    number = click.prompt("Which one", type=click.IntRange(1, len(heard)), default=1, err=True)
    return heard[number - 1].address


def _lines(heard: tuple[Heard, ...], bonds: dict[str, str]) -> list[str]:
    return [
        f"{one.address}  {one.profile:15} {one.rssi:4} dBm  {one.name or '-':20} {bonds.get(one.address, '')}".rstrip()
        for one in heard
    ]


def _told(device: Paired, gateway: str) -> list[str]:
    battery = "not told" if device.battery_percent is None else f"{device.battery_percent} %"
    return [
        f"Paired: {device.name or 'the device'}, a {device.profile}, {device.address}. Battery: {battery}.",
        "Its readings are collected from now on. On the hub, say whose it is:",
        f"  rpmhub device add --address {device.address} --profile {device.profile} --gateway {gateway}",
        "  rpmhub device assign DEVICE PATIENT",
    ]


def _ready(config: Path | None) -> tuple[Settings, Registry]:
    settings = load_settings(config)
    if not settings.ble_adapter:
        raise Sentence("RPMHUB_GATEWAY_BLE_ADAPTER is not set: name the Bluetooth adapter, e.g. hci0.")
    return settings, _or_sentence(lambda: Registry(Path(settings.data_dir)))


def _radio(settings: Settings) -> Radio:
    return Radio(settings.ble_adapter)


def _run(work: Coroutine[Any, Any, _T]) -> _T:
    return _or_sentence(lambda: asyncio.run(work))


def _or_sentence(act: Callable[[], _T]) -> _T:
    try:
        return act()
    except GatewayError as error:
        raise Sentence(str(error)) from error
