"""Backups of the embedded database, taken while the hub runs."""

import json
from pathlib import Path

import click

from hub.adapters.clock import SystemClock
from hub.adapters.probes.database import file_of, parse
from hub.adapters.sql.backup import back_up
from hub.adapters.sql.hold import share
from hub.cli.context import settings
from hub.cli.progress import progress
from hub.errors import Refused
from hub.settings import Settings

KEPT = 14


@click.command()
@click.argument("to", type=click.Path(file_okay=False, path_type=Path), required=False)
@click.option("--keep", type=click.IntRange(1), default=KEPT, show_default=True, help="How many backups stay there.")
@click.option("--json", "as_json", is_flag=True, help="Print what was made as JSON.")
def backup(to: Path | None, keep: int, as_json: bool) -> None:
    """Make a verified backup in the directory TO, DATA_DIR/backups by default. The hub may run.

    It holds all patients' data and none of the hub's secrets: keep it as you keep charts, and on another machine too.
    """
    wanted = settings()
    clock = SystemClock()
    began = clock.monotonic()
    file = database_file(wanted)
    share(wanted.database)  # what a restore has left half done would be the newest backup, and whole by every check
    made = back_up(file, to or backups(wanted), keep, clock.now(), progress())
    seconds = clock.monotonic() - began
    held = made.manifest.contents
    row = {
        "file": str(made.file),
        "made_at": made.manifest.made_at.isoformat(),
        "mode": held.mode,
        "schema": held.schema,
        "bytes": made.manifest.bytes,
        "sha256": made.manifest.sha256,
        "counts": dict(held.counts),
        "seconds": round(seconds, 2),
        "deleted": [str(file) for file in made.deleted],
        "still_to_come": [str(file) for file in made.ahead],
    }
    size = f"{made.manifest.bytes / 1e6:.1f} MB, {held.counts['journal']} readings, {held.counts['alert']} alerts"
    gone = f" Deleted beyond the {keep} that are kept: {len(made.deleted)}." if made.deleted else ""
    words = f"{made.file}: {size}, verified, in {seconds:.1f} s.{gone}"
    click.echo(json.dumps(row) if as_json else words)
    if made.ahead:
        names = ", ".join(file.name for file in made.ahead)
        click.echo(f"Made at a time that is still to come, and not to be restored before it: {names}.", err=True)


def backups(wanted: Settings) -> Path:
    """Where backups are made unless another place is named."""
    return wanted.data / "backups"


def database_file(wanted: Settings) -> Path:
    """The embedded database. Raises ``Refused`` with the commands to use where it is a server's."""
    url = parse(wanted.database)
    file = file_of(url)
    if file is None:
        server = url.set(drivername="postgresql", password=None).render_as_string(hide_password=True)
        raise Refused(
            "This database is PostgreSQL's, which makes its own backups: "
            f"pg_dump --format=custom --file=rpmhub.dump '{server}', and back, with the hub stopped, "
            f"pg_restore --clean --if-exists --exit-on-error --single-transaction --dbname='{server}' rpmhub.dump, "
            "then rpmhub restore --made-at TIME-OF-THE-DUMP before the hub starts."
        )
    return file
