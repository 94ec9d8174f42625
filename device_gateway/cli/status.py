"""`rpmhub-gateway status`."""

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import click
import msgspec

from device_gateway.cli.options import AS_JSON, SETTINGS_FILE, Sentence, load_settings
from device_gateway.clock import SystemClock
from device_gateway.errors import GatewayError
from device_gateway.settings import describe
from device_gateway.spool import FILE, Quarantined, Report, read
from device_gateway.wire import instant


@click.command()
@SETTINGS_FILE
@AS_JSON
@click.option("--settings", "show_settings", is_flag=True, help="Print the settings in force, passwords masked.")
def status(config: Path | None, as_json: bool, show_settings: bool) -> None:
    """Says what the spool holds, lost, set aside, and when the hub last answered."""
    settings = load_settings(config)
    if show_settings:
        for name, value, text in describe(settings):
            click.echo(f"{name}={value}  # {text}")
        return
    file = Path(settings.data_dir) / FILE
    if not file.exists():
        raise Sentence(f"There is no spool in {settings.data_dir}: this gateway has not run yet.")
    try:
        report, quarantined = read(file)
    except GatewayError as error:
        raise Sentence(str(error)) from error
    damaged = sorted(each.name for each in file.parent.glob(f"{FILE}.damaged-*[0-9]"))
    if as_json:
        click.echo(json.dumps(_row(report, quarantined, damaged), indent=2))
        return
    for line in _lines(report, quarantined, damaged, SystemClock().now()):
        click.echo(line)


def _row(report: Report, quarantined: tuple[Quarantined, ...], damaged: list[str]) -> dict[str, Any]:
    newest = [
        {"at": instant(each.at), "code": each.code, "reason": each.reason, "route": each.route, "data": each.data.hex()}
        for each in quarantined
    ]
    return {**msgspec.to_builtins(report), "quarantined": newest, "damaged_files": damaged}


def _lines(report: Report, quarantined: tuple[Quarantined, ...], damaged: list[str], now: datetime) -> list[str]:
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
