"""What lies beside a backup and says what is in it."""

import hashlib
import os
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

import msgspec

from hub.adapters.sql.engine import sqlite_driver
from hub.errors import Refused

COUNTED = ("journal", "alert", "outbox", "audit")
BLOCK = 4 * 1024 * 1024
SUFFIX = ".sqlite3"

Tell = Callable[[str, int, int], object]
"""Is told what is being done, how much of it is done, and of how much."""


class Contents(msgspec.Struct, frozen=True, kw_only=True):
    """What one snapshot of a database holds. Nothing of it is about a patient."""

    mode: str
    schema: str
    counts: Mapping[str, int]
    audit_position: int
    """Of the last sealed act; 0: none was sealed yet."""
    audit_head: str
    """Its hash."""


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """A backup that was verified."""

    made_at: datetime
    sha256: str
    bytes: int
    contents: Contents


def contents(connection: Any) -> Contents:
    """What this connection of the driver sees. Raises ``Refused`` where it is no hub's database."""

    def one(question: str) -> Any:
        row = connection.execute(question).fetchone()
        return None if row is None else row[0]

    driver = sqlite_driver()
    try:
        mode = one("SELECT value FROM stamp WHERE name = 'mode'")
        schema = one("SELECT version_num FROM alembic_version")
    except driver.DatabaseError as error:
        raise Refused(f"It is no database of a hub: {error}.") from error
    if mode is None or schema is None:
        raise Refused("It is no database of a hub: it carries no mode or no schema.")
    head = connection.execute("SELECT position, hash FROM audit WHERE position IS NOT NULL ORDER BY position DESC")
    position, digest = head.fetchone() or (0, b"")
    counts = {table: int(one(f"SELECT count(*) FROM {table}")) for table in COUNTED}
    return Contents(mode=mode, schema=schema, counts=counts, audit_position=position, audit_head=digest.hex())


def looked_at(file: Path) -> Contents:
    """What a file that nobody writes holds, read to its end. Raises ``Refused`` where it is damaged."""
    driver = sqlite_driver()
    try:
        connection = driver.connect(f"file:{quote(str(file))}?mode=ro&immutable=1", uri=True)
        try:
            said = str(connection.execute("PRAGMA quick_check(1)").fetchone()[0])
            if said != "ok":
                raise Refused(f"{file} is damaged: {said.strip().splitlines()[0]}.")
            return contents(connection)
        finally:
            connection.close()
    except driver.Error as error:
        raise Refused(f"{file} is damaged: {error}.") from error


def digest(file: Path, tell: Tell, copy_to: Path | None = None) -> tuple[str, int]:
    """SHA-256 and length of a file; with ``copy_to`` it is copied there on the way, and synced."""
    size, done, hashed = file.stat().st_size, 0, hashlib.sha256()
    copy = None if copy_to is None else os.open(copy_to, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        with file.open("rb") as source:
            while block := source.read(BLOCK):
                hashed.update(block)
                done += len(block)
                if copy is not None:
                    _write(copy, block)
                tell("read" if copy is None else "copied", done, size)
        if copy is not None:
            os.fsync(copy)
    finally:
        if copy is not None:
            os.close(copy)
    return hashed.hexdigest(), done


def _write(target: int, block: bytes) -> None:
    left = memoryview(block)
    while left:
        left = left[os.write(target, left) :]


def manifest_of(backup: Path) -> Path:
    """Where a backup's manifest lies."""
    return backup.with_suffix(".json")


def read_manifest(backup: Path) -> Manifest:
    """Raises ``Refused`` where there is none, or it cannot be read."""
    place = manifest_of(backup)
    try:
        return msgspec.json.decode(place.read_bytes(), type=Manifest)
    except (OSError, msgspec.DecodeError) as error:
        raise Refused(f"{place} does not say what is in {backup.name}: {error}.") from error


def verified(folder: Path) -> list[tuple[Path, Manifest]]:
    """The backups in a folder that have a manifest and its length, the newest first. Their bytes are not read."""
    found = []
    for place in folder.glob(f"rpmhub-*{SUFFIX}"):
        try:
            manifest = read_manifest(place)
            if place.stat().st_size == manifest.bytes:
                found.append((place, manifest))
        except (Refused, OSError):
            continue
    return sorted(found, key=lambda one: one[1].made_at, reverse=True)
