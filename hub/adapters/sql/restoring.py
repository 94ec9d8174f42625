"""A backup put in the place of a database: prepared beside it, and the one before it kept whole.

Until ``UNFINISHED`` lies there, the database is as it was. While it lies there no hub starts, and the database before
is whole in the directory it names. Once it is gone again, the restored database is in place.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from hub.adapters.durable import sync
from hub.adapters.sql import manifest as manifests
from hub.adapters.sql.engine import make_engine
from hub.adapters.sql.hold import UNFINISHED, hand_over
from hub.adapters.sql.manifest import Manifest, Tell
from hub.adapters.sql.migrate import Schema, revisions, standing, upgrade
from hub.errors import HubError, Refused

PARTS = ("", "-wal", "-shm", "-journal")
"""A database is all of these: what its WAL holds was acknowledged."""

Said = TypeVar("Said")
Stamp = Callable[[Engine], Said]

Step = Callable[[str], object]
"""Is told each edge of the change, so that a test may end the process there."""


@dataclass(frozen=True, slots=True)
class Kept:
    """Where what a restore replaced is."""

    whole: Path
    """The database before it, with its WAL."""
    cut_short: Path | None
    """What a restore that did not come to its end had left in its place."""


def chosen(source: Path, now: datetime) -> Path:
    """The backup that ``source`` names: itself, the one of its manifest, or the newest of a directory.

    Raises ``Refused`` where any there are of a time that is still to come by this clock: if it is this one that stands
    back, an older backup would be taken for the newest.
    """
    if not source.is_dir():
        return source.with_suffix(manifests.SUFFIX) if source.suffix == ".json" else source
    found = manifests.verified(source)
    if not found:
        raise Refused(f"{source} holds no verified backup.")
    ahead = [file.name for file, manifest in found if manifest.made_at > now]
    if ahead:
        newest = next((f" The newest other one is {file.name}." for file, one in found if one.made_at <= now), "")
        raise Refused(
            f"{source} holds backups of a time that is still to come: {', '.join(ahead)}. "
            f"Look whether this clock is right, and name the one to restore.{newest}"
        )
    return found[0][0]


def check(backup: Path, manifest: Manifest, tell: Tell) -> None:
    """Raise ``Refused`` unless the backup is, byte for byte and row for row, what its manifest says."""
    if not backup.is_file():
        raise Refused(f"There is no backup at {backup}.")
    _same(backup, manifest, *manifests.digest(backup, tell))
    if manifests.looked_at(backup) != manifest.contents:
        raise Refused(f"{backup} does not hold what its manifest says.")


def takes(manifest: Manifest) -> int:
    """Bytes that ``prepare`` needs: a migration keeps tables as they were beside what they become."""
    older = manifest.contents.schema in revisions()[:-1]
    return manifest.bytes * (2 if older else 1)


def prepare(backup: Path, manifest: Manifest, place: Path, stamp: Stamp[Said], tell: Tell) -> Said:
    """A copy at ``place`` in one synced file, at this version's schema and stamped by ``stamp``; what that said."""
    remove(place)
    try:
        _same(backup, manifest, *manifests.digest(backup, tell, copy_to=place))
        engine = make_engine(f"sqlite:///{place}")
        try:
            _refuse_newer(engine)
            upgrade(engine)
            said = stamp(engine)
            with engine.connect() as connection:
                connection.rollback()
                driver: Any = connection.connection.dbapi_connection
                driver.execute("PRAGMA journal_mode = DELETE")  # what is in its WAL goes into the one file
        finally:
            engine.dispose()
        if any(_part(place, part).exists() for part in PARTS[1:]):
            raise Refused(f"{place} could not be closed: something has it open.")
        hand_over(place, place.parent)
        sync(place)
    except (OSError, SQLAlchemyError) as error:
        remove(place)
        why = getattr(error, "strerror", None) or getattr(error, "orig", None) or error
        raise Refused(f"The backup could not be prepared: {why}. Nothing was changed.") from error
    except HubError:
        remove(place)
        raise
    return said


def put(prepared: Path, database: Path, now: datetime, step: Step = lambda _name: None) -> Kept | None:
    """Put the prepared database in its place; where the one before it is kept, None if there was none."""
    there = [_part(database, part) for part in PARTS if _part(database, part).exists()]
    aside = database.with_name(f"replaced-{now:%Y%m%dT%H%M%S}{now.microsecond // 1000:03}Z")
    unfinished = database.with_name(UNFINISHED)
    whole = Path(unfinished.read_text()) if unfinished.exists() else None  # what is in place now may be half of one
    if there:
        aside.mkdir(mode=0o700)
        hand_over(aside, database.parent)
        for path in there:
            os.link(path, aside / path.name)
            step(f"linked {path.name}")
        sync(aside)
        sync(database.parent)
        _sign(unfinished, str(whole or aside))
        step("signed")
        for path in there[1:] if there[0] == database else there:
            path.unlink()  # never beside another database: SQLite would take it for that one's
            step(f"unlinked {path.name}")
        sync(database.parent)
    prepared.replace(database)
    step("replaced")
    sync(database.parent)
    unfinished.unlink(missing_ok=True)
    sync(database.parent)
    if whole is not None:
        return Kept(whole, aside if there else None)
    return Kept(aside, None) if there else None


def remove(place: Path) -> None:
    """A prepared database that is not wanted."""
    for part in PARTS:
        _part(place, part).unlink(missing_ok=True)


def _same(backup: Path, manifest: Manifest, sha256: str, size: int) -> None:
    if (sha256, size) != (manifest.sha256, manifest.bytes):
        said = f"{size} bytes instead of {manifest.bytes}" if size != manifest.bytes else "other bytes"
        raise Refused(f"{backup} is not what its manifest says: {said}. Take another backup.")


def _refuse_newer(engine: Engine) -> None:
    with engine.connect() as connection:
        if standing(connection) in {Schema.FOREIGN, Schema.EMPTY}:
            raise Refused("The backup is of a later version: install the version that made it, or a newer one.")


def _part(database: Path, part: str) -> Path:
    return database.with_name(f"{database.name}{part}")


def _sign(place: Path, words: str) -> None:
    new = place.with_name(f"{place.name}.new")
    new.write_text(words)
    hand_over(new, place.parent)
    sync(new)
    new.replace(place)
    sync(place.parent)
