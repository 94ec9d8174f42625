"""`rpmhub-gateway decode`."""

import json
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import click

from device_gateway.cli.options import AS_JSON, Sentence
from device_gateway.clock import SystemClock
from device_gateway.decoders import DECODERS
from device_gateway.frames import Packet, RawFrame, Rejected
from device_gateway.wire import encode_reading


@click.command()
@click.argument("kind")
@click.argument("data")
@click.option("--zone", default="UTC", show_default=True, help="IANA zone of the device's clock.")
@AS_JSON
def decode(kind: str, data: str, zone: str, as_json: bool) -> None:
    """Prints the measurement that a decoder makes of DATA (hex, or JSON as it is)."""
    decoders = {decoder.kind: decoder for decoder in DECODERS}
    if kind not in decoders:
        raise Sentence(f"No decoder is called {kind}; there are: {', '.join(decoders)}.")
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
        raise Sentence(f"{zone} is no time zone.") from error
    if isinstance(made, Rejected):
        raise Sentence(f"rejected({made.code}): {made.reason}")
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


def _bytes(text: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError:
        return text.encode()
