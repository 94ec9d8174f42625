"""The spool's file: made, checked, locked, and moved aside when it is damaged."""

import fcntl
import logging
import os
import sqlite3
from datetime import datetime
from pathlib import Path
from typing import Final

from device_gateway.clock import Ids
from device_gateway.errors import SpoolCorruptError, SpoolLockedError, SpoolUnavailableError

log = logging.getLogger(__name__)

FILE: Final = "spool.sqlite3"
_DAMAGED: Final = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})

# AUTOINCREMENT: a sequence number is never given twice, even after its row is gone.
_TABLES: Final = """
BEGIN;
CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS queue (
  seq INTEGER PRIMARY KEY AUTOINCREMENT, live_until_ms INTEGER NOT NULL, received_ms INTEGER NOT NULL,
  body BLOB NOT NULL);
CREATE INDEX IF NOT EXISTS queue_live ON queue (live_until_ms);
CREATE TABLE IF NOT EXISTS kept (
  seq INTEGER PRIMARY KEY, received_ms INTEGER NOT NULL, body BLOB NOT NULL, at_ms INTEGER NOT NULL);
CREATE INDEX IF NOT EXISTS kept_at ON kept (at_ms);
CREATE TABLE IF NOT EXISTS refused (
  seq INTEGER PRIMARY KEY, at_ms INTEGER NOT NULL, code TEXT NOT NULL, body BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS quarantine (
  id INTEGER PRIMARY KEY AUTOINCREMENT, at_ms INTEGER NOT NULL, code TEXT NOT NULL, reason TEXT NOT NULL,
  route TEXT NOT NULL, data BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS device (
  device TEXT PRIMARY KEY, profile TEXT NOT NULL, last_seen_at TEXT NOT NULL, battery_percent INTEGER) WITHOUT ROWID;
COMMIT;
"""


def connect(file: Path) -> sqlite3.Connection:
    """A connection whose commits survive a power cut."""
    db = sqlite3.connect(file, timeout=5, isolation_level=None, check_same_thread=False)
    db.execute("PRAGMA journal_mode=WAL")
    db.execute("PRAGMA synchronous=FULL")
    return db


def connect_to_read(file: Path) -> sqlite3.Connection:
    """A connection that can change nothing, beside the gateway that owns the file."""
    return sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True, timeout=5, isolation_level=None)


def prepare(data_dir: Path, ids: Ids, now: datetime) -> Path:
    """A spool file that is sound; a damaged one is moved aside, kept, and replaced under a new spool id."""
    file = data_dir / FILE
    try:
        _create(file, ids)
    except SpoolCorruptError:
        aside = _move_aside(file, now)
        log.critical(
            "SPOOL DAMAGED: readings not yet delivered may be in %s; keep it. A new spool starts beside it.", aside
        )
        _create(file, ids)
    file.chmod(0o600)
    return file


def lock(data_dir: Path) -> int:
    """Claims the directory for this process until the returned descriptor is closed. Raises SpoolLockedError."""
    data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(data_dir / "spool.lock", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(descriptor)
        raise SpoolLockedError(f"Another gateway is already running on {data_dir}.") from error
    return descriptor


def classified(error: sqlite3.Error) -> SpoolCorruptError | SpoolUnavailableError:
    """Our error for SQLite's: damaged for good, or worth another attempt."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code in _DAMAGED:
        return SpoolCorruptError(f"the spool file is damaged: {error}")
    return SpoolUnavailableError(f"the spool cannot store: {error}")


def _create(file: Path, ids: Ids) -> None:
    try:
        db = connect(file)
        try:
            if (verdict := db.execute("PRAGMA quick_check(1)").fetchone()[0]) != "ok":
                raise SpoolCorruptError(f"the spool file is damaged: {verdict}")
            db.executescript(_TABLES)
            db.execute("INSERT OR IGNORE INTO meta VALUES ('spool', ?)", (ids.new(),))
        finally:
            db.close()
    except sqlite3.Error as error:
        raise classified(error) from error


def _move_aside(file: Path, now: datetime) -> Path:
    aside = file.with_name(f"{file.name}.damaged-{now:%Y%m%dT%H%M%S%f}")
    for suffix in ("", "-wal", "-shm"):
        part = file.with_name(file.name + suffix)
        if part.exists():
            part.rename(aside.with_name(aside.name + suffix))
    return aside
