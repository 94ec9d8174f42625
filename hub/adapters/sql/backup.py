"""A copy of the embedded database while the hub writes it: one snapshot, in steps, verified before it has a name."""

import contextlib
import fcntl
import os
import shutil
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

import msgspec

from hub.adapters.durable import sync
from hub.adapters.sql import manifest as manifests
from hub.adapters.sql.engine import BUSY_MS, sqlite_driver, wal_is_safe
from hub.adapters.sql.hold import hand_over
from hub.adapters.sql.manifest import SUFFIX, Contents, Manifest, Tell, manifest_of
from hub.adapters.sql.wal_room import wal_of
from hub.errors import Refused

PAGES = 512
"""Of one step: 2 MiB."""

PAUSE_S = 0.004
"""Between two steps: ingest shares the disk and the processor."""

SYNCED_EVERY = 16
"""Steps. What is written at the end in one piece would hold up whoever commits."""

ROOM = 100 * 1024 * 1024
"""Stays free beside the database itself: a full disk stops its acknowledgements."""

PART = ".part"


@dataclass(frozen=True, slots=True)
class Made:
    """A backup that was made and verified."""

    file: Path
    manifest: Manifest
    deleted: tuple[Path, ...]
    ahead: tuple[Path, ...]
    """Others whose time is still to come by this clock: until then none of them can be restored."""


def back_up(database: Path, folder: Path, keep: int, now: datetime, tell: Tell) -> Made:
    """A verified backup of ``database`` in ``folder``, beside ``keep - 1`` others. Raises ``Refused``.

    Whenever it dies, what was there is there still, and nothing half made looks like a backup.
    """
    if not database.is_file():
        raise Refused(f"There is no database at {database}.")
    try:
        if not folder.is_dir():
            folder.mkdir(parents=True, mode=0o700)
            hand_over(folder, folder.parent)
        with _only_one(folder):
            for left in folder.glob(f".rpmhub-*{PART}*"):
                left.unlink()  # of one that was killed
            _room(database, folder)
            file, manifest = _make(database, folder, now, tell)
            return Made(file, manifest, *_prune(file, manifest, keep))
    except OSError as error:
        raise Refused(f"No backup was made in {folder}: {error.strerror or error}.") from error


def _make(database: Path, folder: Path, now: datetime, tell: Tell) -> tuple[Path, Manifest]:
    file = folder / f"rpmhub-{now:%Y%m%dT%H%M%S}{now.microsecond // 1000:03}Z{SUFFIX}"
    if file.exists():
        raise Refused(f"{file} is there already.")
    part = folder / f".{file.name}{PART}"
    try:
        seen = _copy(database, part, tell)
        if manifests.looked_at(part) != seen:
            raise Refused("The copy does not hold what the database held.")
        sha256, size = manifests.digest(part, tell)
        manifest = Manifest(made_at=now, sha256=sha256, bytes=size, contents=seen)
        hand_over(part, folder)
        part.replace(file)
    finally:
        for left in folder.glob(f"{part.name}*"):
            left.unlink()
    _write(manifest_of(file), msgspec.json.format(msgspec.json.encode(manifest)))
    sync(folder)
    return file, manifest


def _copy(database: Path, part: Path, tell: Tell) -> Contents:
    """What the snapshot holds, by the database's own word; the copy is synced."""
    driver = sqlite_driver()
    os.close(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    try:
        with (
            contextlib.closing(driver.connect(f"file:{quote(str(database))}?mode=ro", uri=True)) as source,
            contextlib.closing(driver.connect(str(part))) as target,
        ):
            source.isolation_level = None
            source.execute(f"PRAGMA busy_timeout = {BUSY_MS}")
            source.execute("BEGIN")  # the whole is one snapshot: a writer neither changes it nor makes it begin anew
            seen = manifests.contents(source)
            target.execute("PRAGMA journal_mode = OFF")
            target.execute("PRAGMA synchronous = OFF")
            _step_by_step(source, target, part, tell)
    except driver.Error as error:
        raise Refused(f"{database} could not be copied to {part.parent}: {error}.") from error
    with _opened(part) as copy:
        os.fsync(copy)
    return seen


def _step_by_step(source: Any, target: Any, part: Path, tell: Tell) -> None:
    # A snapshot of a rollback journal's database keeps writers from committing: there speed is the courtesy.
    pause = threading.Event() if wal_is_safe() else None
    steps = 0
    with _opened(part) as copy:

        def stepped(_status: int, remaining: int, total: int) -> None:
            nonlocal steps
            steps += 1
            tell("copied", total - remaining, total)
            if pause is not None:
                if steps % SYNCED_EVERY == 0:
                    os.fdatasync(copy)
                pause.wait(PAUSE_S)

        source.backup(target, pages=PAGES, progress=stepped)


@contextlib.contextmanager
def _opened(part: Path) -> Iterator[int]:
    handle = os.open(part, os.O_RDONLY)
    try:
        yield handle
    finally:
        os.close(handle)


def _room(database: Path, folder: Path) -> None:
    wal = wal_of(database)
    needed = database.stat().st_size + (wal.stat().st_size if wal.exists() else 0)
    if folder.stat().st_dev == database.stat().st_dev:
        needed += ROOM
    refuse_full(folder, needed, "Name another place.")


def refuse_full(folder: Path, needed: int, mend: str) -> None:
    """Raise ``Refused`` with the ``mend``, unless so many bytes are free where ``folder`` is."""
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise Refused(f"{folder} has {free >> 20} MiB free and {(needed >> 20) + 1} are needed. {mend}")


def _write(place: Path, body: bytes) -> None:
    """Whole or not at all: a backup counts from when its manifest has its name."""
    new = place.with_name(f".{place.name}{PART}")
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(body)
        file.flush()
        os.fsync(file.fileno())
    hand_over(new, place.parent)
    new.replace(place)


def _prune(made: Path, manifest: Manifest, keep: int) -> tuple[tuple[Path, ...], tuple[Path, ...]]:
    """Keep the one just made and ``keep - 1`` others of its mode; what was deleted, and what stays of a later time.

    A clock stood wrong where there are later ones. They go first, since they take no place from what can be restored;
    and the oldest of them before the others, since it may be today's clock that stands back.
    """
    others = [
        (file, one)
        for file, one in manifests.verified(made.parent)
        if file != made and one.contents.mode == manifest.contents.mode
    ]
    ahead = [file for file, one in others if one.made_at > manifest.made_at]
    past = [file for file, one in others if one.made_at <= manifest.made_at]
    old = (past + ahead)[max(keep, 1) - 1 :]
    for file in old:
        manifest_of(file).unlink()
        file.unlink()
    sync(made.parent)
    return tuple(old), tuple(file for file in ahead if file not in old)


@contextlib.contextmanager
def _only_one(folder: Path) -> Iterator[None]:
    mark = os.open(folder / ".lock", os.O_RDWR | os.O_CREAT, 0o600)
    hand_over(folder / ".lock", folder)
    try:
        fcntl.flock(mark, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(mark)
        raise Refused(f"Another backup is being made in {folder}.") from error
    try:
        yield
    finally:
        os.close(mark)
