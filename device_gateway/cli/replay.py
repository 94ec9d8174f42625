"""`rpmhub-gateway replay`."""

import asyncio
import json
import logging
import sys
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

import click

from device_gateway.cli.kinds import Equation, Instant, Zone
from device_gateway.cli.options import AS_JSON, SETTINGS_FILE, Sentence, load_settings, serve
from device_gateway.clock import SystemClock, SystemIds
from device_gateway.errors import GatewayError
from device_gateway.recordings import PROFILES, Bad, Columns, Tape, read, wind
from device_gateway.replay import Replay
from device_gateway.settings import Settings

_LISTED: Final = 20
_AHEAD: Final = timedelta(minutes=1)
_NOTHING_SENT: Final = "Nothing was sent; --skip-bad leaves them out."


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@SETTINGS_FILE
@click.option("--time", default="time", show_default=True, metavar="COLUMN", help="Times, ISO 8601.")
@click.option("--value", default="value", show_default=True, metavar="COLUMN", help="Numbers.")
@click.option("--metric", metavar="METRIC", help="What all of it measures; else the column `metric` says so.")
@click.option("--unit", metavar="UNIT", help="With --metric, the unit of all of it; else the column `unit` says so.")
@click.option("--where", type=Equation(), multiple=True, help="Only rows that say so: --where 'id=Subject 1'.")
@click.option("--zone", type=Zone(), default="UTC", show_default=True, help="Of times without an offset.")
@click.option("--profile", type=click.Choice(PROFILES), help="The kind of device, e.g. cgm; else told by the metric.")
@click.option("--until", type=Instant(), help="When the last sample is moved to, with an offset; default: now.")
@click.option("--device", default="recording", show_default=True, metavar="NAME", help="Its profile is appended.")
@click.option("--speed", type=click.FloatRange(0, 1e9), help="Times faster than recorded; 0 or absent: at once.")
@click.option("--skip-bad", is_flag=True, help="Leave out rows that are no sample, and list them.")
@click.option("--patience", type=click.FloatRange(1), default=120, show_default=True, help="Seconds without an answer.")
@click.option("--check", is_flag=True, help="Only read the file, and say what would be sent.")
@AS_JSON
def replay(
    file: Path,
    config: Path | None,
    until: datetime | None,
    profile: str | None,
    device: str,
    skip_bad: bool,
    check: bool,
    as_json: bool,
    **given: Any,
) -> None:
    """Sends the recording in a CSV FILE as readings that a device had kept, moved in time so that the last is now.

    The file has the columns time, metric, value and unit, or options say what it has. Ends when the hub has
    acknowledged all of it. The hub believes it a recording only of a gateway registered for that: see `rpmhub replay`.
    """
    now = SystemClock().now().replace(microsecond=0)
    if until is not None and until > now + _AHEAD:
        raise Sentence("--until lies in the future.")
    try:
        content, columns = file.read_bytes(), _columns(given)
        rows, bad = read(content, columns)
        if bad and not skip_bad:
            raise Sentence("\n".join([f"{file.name}: {len(bad)} rows are no sample. {_NOTHING_SENT}", *_listed(bad)]))
        tape = wind(content, columns, rows, until or now, now=now, profile=profile)
    except GatewayError as error:
        raise Sentence(f"{file.name}: {error}.") from error
    if not check:
        _send(_replay(load_settings(config), tape, device, given))
    row = _row(tape, device, bad)
    click.echo(json.dumps(row, indent=2) if as_json else "\n".join(_lines(row, check=check)))


def _replay(settings: Settings, tape: Tape, device: str, given: dict[str, Any]) -> Replay:
    return Replay(
        settings=settings,
        clock=SystemClock(),
        ids=SystemIds(),
        tape=tape,
        device=device,
        speed=given["speed"] or None,
        patience_s=given["patience"],
        **({"progress": _show} if sys.stderr.isatty() else {}),
    )


def _columns(given: dict[str, Any]) -> Columns:
    metric, unit = given["metric"], given["unit"]
    if (metric is None) != (unit is None):
        raise Sentence("--metric and --unit go together: a unit is never guessed.")
    fixed = {} if metric is None else {"metric": metric, "unit": unit, "fixed": True}
    return Columns(time=given["time"], value=given["value"], where=given["where"], zone=given["zone"], **fixed)


def _send(one: Replay) -> None:
    whole = False

    async def program(stop: asyncio.Event) -> None:
        nonlocal whole
        whole = await one.run(stop)

    serve(program, logging.WARNING)
    if not whole:
        raise Sentence("Stopped. What is in the spool goes out with the next replay.")


def _show(acknowledged: int, whole: int) -> None:
    click.echo(f"\r{acknowledged} of {whole} readings acknowledged", nl=acknowledged == whole, err=True)


def _row(tape: Tape, device: str, bad: Sequence[Bad]) -> dict[str, Any]:
    return {
        "readings": len(tape.moments),
        "values": sum(len(moment.rows) for moment in tape.moments),
        "until": tape.until.isoformat(),
        "devices": list(_devices(tape, device)),
        "skipped": [{"line": each.line, "reason": each.reason} for each in bad],
    }


def _devices(tape: Tape, device: str) -> Iterator[dict[str, Any]]:
    for profile in sorted({moment.profile for moment in tape.moments}):
        times = [moment.at for moment in tape.moments if moment.profile == profile]
        span = {"first": times[0].isoformat(), "last": times[-1].isoformat()}
        yield {"device": f"{device}/{profile}", "profile": profile, "readings": len(times), **span}


def _lines(row: dict[str, Any], *, check: bool) -> Iterator[str]:
    yield f"{row['readings']} readings {'would be sent' if check else 'acknowledged by the hub'}"
    for each in row["devices"]:
        yield f"  {each['device']}: {each['readings']}, {each['first']} to {each['last']}"
    if row["skipped"]:
        yield f"{len(row['skipped'])} rows left out"
        yield from _listed([Bad(**each) for each in row["skipped"]])


def _listed(bad: Sequence[Bad]) -> Iterator[str]:
    yield from (f"  line {each.line}: {each.reason}" for each in bad[:_LISTED])
    if len(bad) > _LISTED:
        yield f"  and {len(bad) - _LISTED} more"
