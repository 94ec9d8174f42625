"""Back from a backup; and what has to be said before patients are texted again."""

import json
import shutil
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

import click
import msgspec
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from hub.adapters.clock import SystemClock
from hub.adapters.probes.database import looking, parse
from hub.adapters.sql import manifest as manifests
from hub.adapters.sql import restoring
from hub.adapters.sql.backup import ROOM, refuse_full
from hub.adapters.sql.engine import make_engine, read_only
from hub.adapters.sql.hold import alone
from hub.adapters.sql.manifest import Manifest, Tell
from hub.adapters.sql.migrate import check_current
from hub.adapters.sql.reads import SqlReads
from hub.adapters.sql.unit_of_work import SqlUnitOfWork
from hub.bootstrap import make_data_dir
from hub.cli.backup import database_file
from hub.cli.context import COMMAND_LINE, hub, settings
from hub.cli.progress import progress
from hub.errors import Refused, WrongMode
from hub.services import restored
from hub.settings import Settings

ALIVE = timedelta(seconds=20)
"""A role says more often than this that it lives."""


@click.command()
@click.argument("source", metavar="FROM", type=click.Path(path_type=Path), required=False)
@click.option("--to", type=click.Path(file_okay=False, path_type=Path), help="Another DATA_DIR to restore into.")
@click.option("--drill", is_flag=True, help="Restore aside, look at it as the hub does, say how long it took.")
@click.option("--opt-outs-entered", is_flag=True, help="Say that opt-outs, deaths and departures are entered.")
@click.option("--made-at", type=click.DateTime(), help="PostgreSQL: say of when (UTC) the dump is that was restored.")
@click.option("--json", "as_json", is_flag=True, help="Print what was done as JSON.")
def restore(
    source: Path | None,
    to: Path | None,
    drill: bool,
    opt_outs_entered: bool,
    made_at: datetime | None,
    as_json: bool,
) -> None:
    """Put a backup in the place of the database: FROM is its file, or a directory whose newest is taken.

    The hub must be stopped. The database in place is moved aside, never overwritten. Afterwards patients are not
    texted until --opt-outs-entered is said.
    """
    wanted = settings()
    if to is not None:
        wanted = msgspec.structs.replace(wanted, data_dir=str(to), database_url="")
    if opt_outs_entered:
        _entered()
    elif made_at is not None:
        _mark(wanted, made_at.replace(tzinfo=UTC))
    elif source is None:
        raise click.UsageError("Name the backup, or the directory of backups: rpmhub restore FROM.")
    elif drill:
        _drill(wanted, source, as_json=as_json)
    else:
        _restore(wanted, source, as_json=as_json)


def _restore(wanted: Settings, source: Path, *, as_json: bool) -> None:
    file, clock, tell = database_file(wanted), SystemClock(), progress()
    began = clock.monotonic()
    with ExitStack() as stack:
        if file.parent.is_dir():
            stack.enter_context(alone(file))
            _refuse_alive(wanted, clock.now())
        backup, manifest = _checked(source, clock.now(), tell)
        _refuse_mode(file, manifest)
        if not file.parent.is_dir():
            make_data_dir(file.parent)
            stack.enter_context(alone(file))
        prepared = file.with_name(f"{file.name}-restoring")
        restoring.remove(prepared)  # of one that was killed: it takes the room that this one needs
        refuse_full(file.parent, restoring.takes(manifest), "Make room there, or name another place with --to.")
        stale, anew = restoring.prepare(backup, manifest, prepared, _stamping(manifest, clock.now()), tell)
        kept = restoring.put(prepared, file, clock.now())
    counts = manifest.contents.counts
    row = {
        "from": str(backup),
        "to": str(file),
        "made_at": manifest.made_at.isoformat(),
        "kept": None if kept is None else str(kept.whole),
        "cut_short": None if kept is None or kept.cut_short is None else str(kept.cut_short),
        "counts": dict(counts),
        "stale_messages": stale,
        "reds_paged_anew": anew,
        "seconds": round(clock.monotonic() - began, 2),
    }
    click.echo(json.dumps(row) if as_json else "\n".join(_story(row, manifest, counts["journal"], counts["alert"])))


def _story(row: Mapping[str, object], manifest: Manifest, readings: int, alerts: int) -> Iterator[str]:
    made = f"{manifest.made_at:%Y-%m-%d %H:%M} UTC"
    yield f"Restored {row['to']} in {row['seconds']} s from {row['from']}, of {made}:"
    yield f"{readings} readings, {alerts} alerts."
    yield f"The database that was there is kept whole in {row['kept']}." if row["kept"] else "There was none before."
    if row["cut_short"]:
        yield f"{row['cut_short']} holds what the restore that was cut short had left, and may be half of it."
    yield f"Lost is what was done since {made}: alerts taken or closed, notes, tasks, patients, devices, consents."
    yield "Readings come again: what no gateway has had acknowledged by itself; what it has, for 72 hours, when it is"
    yield "started with: rpmhub-gateway run --replay-hours 72"
    yield "Everybody signs in again. Who was disabled since, and which gateway was retired, has to be said again."
    yield f"Never sent: {row['stale_messages']} messages of the backup."
    yield f"Open reds page anew 5 minutes after the hub starts: {row['reds_paged_anew']}."
    yield "On a new machine: rpmhub gateway credentials, then systemctl reload mosquitto. Backups hold no secrets."
    yield f"No patient is texted until opt-outs, deaths and departures since {made} are entered on the charts;"
    yield "then: rpmhub restore --opt-outs-entered"


def _checked(source: Path, now: datetime, tell: Tell) -> tuple[Path, Manifest]:
    backup = restoring.chosen(source, now)
    manifest = manifests.read_manifest(backup)
    restoring.check(backup, manifest, tell)
    return backup, manifest


def _stamping(manifest: Manifest, now: datetime) -> restoring.Stamp[tuple[int, int]]:
    def stamp(engine: Engine) -> tuple[int, int]:
        with SqlUnitOfWork(engine) as uow:
            said = restored.mark(uow, COMMAND_LINE, manifest.made_at, now)
            uow.commit()
        return said

    return stamp


def _refuse_alive(wanted: Settings, now: datetime) -> None:
    """By what is written: a role of an older version, or of another machine, holds no lock here."""
    file = database_file(wanted)
    try:
        engine = looking(parse(f"sqlite:///{file}"), 2)
        with SqlUnitOfWork(engine) as uow:
            beats = [beat for beat in uow.operations.heartbeats() if abs(now - beat.at) < ALIVE]
        engine.dispose()
    except SQLAlchemyError:
        return  # there is none, or it cannot be read: that is why it is restored
    alive = ", ".join(sorted({beat.role for beat in beats}))
    if alive:
        raise Refused(
            f"{alive} gave a sign of life less than {ALIVE.seconds} s ago. Stop the hub (systemctl stop rpmhub), "
            f"wait {ALIVE.seconds} s, and try again."
        )


def _refuse_mode(file: Path, manifest: Manifest) -> None:
    try:
        engine = looking(parse(f"sqlite:///{file}"), 2)
        with SqlUnitOfWork(engine) as uow:
            mode = uow.operations.stamp("mode")
        engine.dispose()
    except SQLAlchemyError:
        return
    if mode is not None and mode != manifest.contents.mode:
        raise WrongMode(f"The backup is of a {manifest.contents.mode} database, and {file} is a {mode} one.")


def _drill(wanted: Settings, source: Path, *, as_json: bool) -> None:
    """The whole way, into a directory that is removed again."""
    clock, tell = SystemClock(), progress()
    wanted.data.mkdir(parents=True, exist_ok=True, mode=0o710)
    folder = wanted.data / "restore-drill"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700)
    try:
        began = clock.monotonic()
        backup, manifest = _checked(source, clock.now(), tell)
        refuse_full(folder, restoring.takes(manifest) + ROOM, "Name another place with --to.")  # the hub may run here
        checked = clock.monotonic()
        file = folder / "hub.sqlite3"
        prepared = folder / "prepared"
        restoring.prepare(backup, manifest, prepared, _stamping(manifest, clock.now()), tell)
        restoring.put(prepared, file, clock.now())
        placed = clock.monotonic()
        shown = _open_as_the_hub(file, manifest, clock.now())
        ended = clock.monotonic()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    row = {
        "from": str(backup),
        "made_at": manifest.made_at.isoformat(),
        "bytes": manifest.bytes,
        "counts": dict(manifest.contents.counts),
        "patients_shown": shown,
        "seconds": round(ended - began, 2),
        "seconds_verified": round(checked - began, 2),
        "seconds_restored": round(placed - checked, 2),
        "seconds_opened": round(ended - placed, 2),
    }
    parts = ", ".join(f"{row[f'seconds_{part}']} s {part}" for part in ("verified", "restored", "opened"))
    size = f"{manifest.bytes / 1e6:.1f} MB, {manifest.contents.counts['journal']} readings"
    words = f"{backup} can be restored: {row['seconds']} s ({parts}), {size}. The drill was removed."
    click.echo(json.dumps(row) if as_json else words)


def _open_as_the_hub(file: Path, manifest: Manifest, now: datetime) -> int:
    """How many patients the worklist shows. Raises ``Refused`` where it holds something else than the backup."""
    engine = make_engine(f"sqlite:///{file}", checkpoints=True)
    try:
        check_current(engine)
        with SqlUnitOfWork(engine) as uow:
            if restored.last(uow) is None or uow.operations.stamp("mode") != manifest.contents.mode:
                raise Refused("The restored database carries another mode, or no sign of the restore.")
        with read_only(engine).connect() as connection:
            shown = len(SqlReads(connection).worklist(now).patients)
    finally:
        engine.dispose()
    found = manifests.looked_at(file).counts
    expected = dict(manifest.contents.counts) | {"audit": manifest.contents.counts["audit"] + 1}
    if found != expected:
        raise Refused(f"The restored database holds {found}, the backup {manifest.contents.counts}.")
    return shown


def _mark(wanted: Settings, made_at: datetime) -> None:
    """After pg_restore: the same stamp, with the server's hub stopped."""
    now = SystemClock().now()
    engine = make_engine(wanted.database)
    check_current(engine)
    with SqlUnitOfWork(engine) as uow:
        if any(abs(now - beat.at) < ALIVE for beat in uow.operations.heartbeats()):
            raise Refused(f"The hub gave a sign of life less than {ALIVE.seconds} s ago: stop it first.")
        stale, anew = restored.mark(uow, COMMAND_LINE, made_at, now)
        uow.commit()
    engine.dispose()
    click.echo(f"Marked as restored from {made_at:%Y-%m-%d %H:%M} UTC: {stale} messages stale, {anew} reds page anew.")


def _entered() -> None:
    here = hub()
    known = restored.opt_outs_entered(here, COMMAND_LINE)
    waits = "once the provider's list since then has been read, within minutes" if here.texts else "within seconds"
    click.echo(f"Noted: all since {known.since:%Y-%m-%d %H:%M} UTC is entered. Patients are texted again {waits}.")
