"""`rpmhub-gateway decode`."""

import json
import re
from typing import Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import click

from device_gateway.cli.options import AS_JSON, Sentence
from device_gateway.clock import SystemClock
from device_gateway.decoders import DECODERS
from device_gateway.frames import Packet, RawFrame, Rejected
from device_gateway.wire import encode_reading

_CHARACTERISTIC: Final = re.compile(r"[0-9A-F]{4}")
_NOBODY: Final = "00:00:00:00:00:00"


@click.command()
@click.argument("kind")
@click.argument("data")
@click.option("--with", "more", multiple=True, metavar="KIND:HEX", help="A packet that belongs to it, e.g. 2A34:02...")
@click.option("--device", default=_NOBODY, show_default=True, help="Identity address of the Bluetooth device.")
@click.option("--zone", default="UTC", show_default=True, help="IANA zone of the device's clock.")
@AS_JSON
def decode(kind: str, data: str, more: tuple[str, ...], device: str, zone: str, as_json: bool) -> None:
    """Prints the measurement that the decoder KIND makes of DATA (hex, or JSON as it is)."""
    decoders = {decoder.kind: decoder for decoder in DECODERS}
    name = kind.upper() if kind.upper() in decoders else kind
    if name not in decoders:
        raise Sentence(f"No decoder is called {kind}; there are: {', '.join(decoders)}.")
    packets = (_packet(name, data), *(_packet(*each.partition(":")[::2]) for each in more))
    made = decoders[name].decode(_frame(device, packets), _zone(zone))
    if isinstance(made, Rejected):
        raise Sentence(f"rejected({made.code}): {made.reason}")
    reading = json.loads(encode_reading(made))
    click.echo(json.dumps(reading, indent=2) if as_json else "\n".join(_lines(reading)))


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, OSError, ValueError) as error:
        raise Sentence(f"{name} is no time zone.") from error


def _frame(device: str, packets: tuple[Packet, ...]) -> RawFrame:
    clock = SystemClock()
    return RawFrame(
        route="",
        packets=packets,
        received_at=clock.now(),
        received_mono_ms=clock.mono_ms(),
        boot=clock.boot,
        device=device,
    )


def _packet(kind: str, text: str) -> Packet:
    bluetooth = _CHARACTERISTIC.fullmatch(kind.upper())
    try:
        return Packet(kind.upper() if bluetooth else "mqtt", bytes.fromhex(text))
    except ValueError as error:
        if bluetooth:
            raise Sentence(f"The packet of {kind.upper()} is not hex: {text[:40]}.") from error
        return Packet("mqtt", text.encode())


def _lines(reading: dict[str, Any]) -> list[str]:
    lines = []
    for value in reading["values"]:
        shown = f"  (shown: {value['shown']['value']} {value['shown']['unit']})" if "shown" in value else ""
        lines.append(f"{value['metric']:26} {value.get('comparator', '')}{value['value']:g} {value['unit']}{shown}")
    names = ("device", "measured_at", "record", "user_index", "battery_percent")
    lines += [f"{name:26} {reading.get(name, '-')}" for name in names]
    return [*lines, f"{'flags':26} {', '.join(reading['flags']) or '-'}"]
