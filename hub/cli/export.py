"""Readings for analysis elsewhere."""

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import click
import msgspec

from hub import __version__
from hub.adapters.export.making import Format, Made
from hub.adapters.export.making import export as write
from hub.adapters.export.rows import Selection, snapshot
from hub.adapters.sql.engine import make_engine
from hub.cli.context import COMMAND_LINE, hub, settings
from hub.cli.progress import progress
from hub.domain.metrics import METRICS
from hub.services.exporting import begun, ended


class Instant(click.ParamType[datetime]):
    """An instant with its offset: a time without one would have to be guessed."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        """Aware, or an error that says how it must look."""
        if isinstance(value, datetime):
            return value
        try:
            at = datetime.fromisoformat(value)
        except ValueError:
            at = None
        if at is None or at.tzinfo is None:
            self.fail(f"{value} is no time with its offset, such as 2026-11-22T07:00+01:00", param, ctx)
        return at


@click.command()
@click.option("--format", "kind", type=click.Choice(["parquet", "csv"]), default="csv", show_default=True)
@click.option("--out", "folder", type=click.Path(file_okay=False, path_type=Path), required=True, metavar="DIR")
@click.option("--patient", "patients", type=int, multiple=True, metavar="ID", help="This one alone; repeatable.")
@click.option("--metric", "metrics", type=click.Choice(sorted(METRICS)), multiple=True, metavar="NAME")
@click.option("--since", type=Instant(), metavar="TIME", help="Measured then or later, with an offset.")
@click.option("--until", type=Instant(), metavar="TIME", help="Measured before then.")
@click.option("--json", "as_json", is_flag=True, help="Print the manifest.")
def export(
    kind: Format,
    folder: Path,
    patients: tuple[int, ...],
    metrics: tuple[str, ...],
    since: datetime | None,
    until: datetime | None,
    as_json: bool,
) -> None:
    """Write readings as one file and a manifest into DIR. The hub may run.

    One snapshot, ids and no names: void and replaced readings are in it and say so. Whoever holds the file holds
    patients' data. Parquet needs pip install 'rpmhub[export]'.
    """
    opened = hub()
    selection = Selection(tuple(sorted(set(patients))), tuple(sorted(set(metrics))), since, until)
    made = Made(kind, selection, opened.clock.now(), opened.site.mode, __version__)
    # Before the snapshot: with a rollback journal nobody commits while one is open.
    begun(opened, COMMAND_LINE, kind, selection.patients, selection.metrics, since, until)
    engine = make_engine(settings().database)
    try:
        with snapshot(engine, selection) as taken:
            manifest = write(taken, folder, made, progress())
    finally:
        engine.dispose()
    ended(opened, COMMAND_LINE, manifest.rows, manifest.sha256)
    if as_json:
        click.echo(json.dumps(msgspec.to_builtins(manifest)))
        return
    note = f" {manifest.note}" if manifest.note else ""
    size = f"{manifest.rows} readings of {manifest.patients} patients, {manifest.bytes / 1e6:.1f} MB"
    click.echo(f"{folder / manifest.file}: {size}.{note}")
