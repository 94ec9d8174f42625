"""The Bluetooth devices this gateway is paired with, and what it must remember of each between two sessions.

A file of its own beside the spool: it is written by `pair` while the gateway runs, and survives a spool that is moved
aside. The bonds themselves are the Bluetooth stack's.
"""

import os
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Final, Literal

from device_gateway.errors import RegistryError
from device_gateway.wire import Device, instant

FILE: Final = "devices.sqlite3"
LOST_AFTER: Final = 2
"""So many sessions in a row that failed at the bond, and a person is asked to pair again."""

_DAMAGED: Final = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
_TABLE: Final = """
CREATE TABLE IF NOT EXISTS paired (
  address TEXT PRIMARY KEY, profile TEXT NOT NULL, name TEXT NOT NULL, paired_at TEXT NOT NULL,
  bond_failures INTEGER NOT NULL DEFAULT 0, sequence INTEGER, newest_record TEXT, clock_skew_s REAL,
  battery_percent INTEGER, quiet INTEGER NOT NULL DEFAULT 0, hasty INTEGER NOT NULL DEFAULT 0) WITHOUT ROWID
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Paired:
    """A device as the last session left it. `address` is its identity address, upper case."""

    address: str
    profile: str
    name: str
    paired_at: datetime
    bond_failures: int = 0
    sequence: int | None = None  # the newest record the spool has, of devices that number theirs
    newest_record: str | None = None  # tells that record from others: a memory may begin anew
    clock_skew: timedelta | None = None  # the device's clock minus ours, as it must be now
    battery_percent: int | None = None
    quiet: bool = False  # it was left unsubscribed: it will not send before it is asked
    hasty: bool = False  # it answers one question and drops the link

    @property
    def bond(self) -> Literal["paired", "lost"]:
        """`lost`: the device seems to have forgotten this gateway; only a person may pair it again."""
        return "lost" if self.bond_failures >= LOST_AFTER else "paired"


class Registry:
    """Reads see at once what another process wrote. Raises RegistryError."""

    def __init__(self, data_dir: Path) -> None:
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._file = data_dir / FILE
        with self._open() as db:
            db.execute("PRAGMA journal_mode=WAL")
            db.execute(_TABLE)
        self._file.chmod(0o600)
        if os.geteuid() == 0:  # an administrator who pairs a device leaves the file to the gateway's own user
            owner = data_dir.stat()
            os.chown(self._file, owner.st_uid, owner.st_gid)

    def add(self, device: Paired) -> None:
        """A device that a person has just paired; what was known of it before is forgotten, but not where it stood."""
        with self._open() as db:
            db.execute(
                "INSERT INTO paired (address, profile, name, paired_at, battery_percent, quiet) "
                "VALUES (?, ?, ?, ?, ?, 1) "
                "ON CONFLICT (address) DO UPDATE SET profile = excluded.profile, name = excluded.name, "
                "paired_at = excluded.paired_at, battery_percent = excluded.battery_percent, "
                "bond_failures = 0, quiet = 1",
                (device.address, device.profile, device.name, instant(device.paired_at), device.battery_percent),
            )

    def forget(self, address: str) -> bool:
        """Whether there was such a device to forget."""
        with self._open() as db:
            return db.execute("DELETE FROM paired WHERE address = ?", (address,)).rowcount == 1

    def all(self) -> Mapping[str, Paired]:
        """Every paired device by its address."""
        with self._open() as db:
            return MappingProxyType({row["address"]: _paired(row) for row in db.execute("SELECT * FROM paired")})

    def find(self, address: str) -> Paired | None:
        """The device of this identity address."""
        with self._open() as db:
            row = db.execute("SELECT * FROM paired WHERE address = ?", (address,)).fetchone()
        return None if row is None else _paired(row)

    def note_session(self, device: Paired) -> None:
        """Keeps what a session learned, if the device is still paired."""
        skew = None if device.clock_skew is None else device.clock_skew.total_seconds()
        with self._open() as db:
            db.execute(
                "UPDATE paired SET bond_failures = ?, sequence = ?, newest_record = ?, clock_skew_s = ?, "
                "battery_percent = ?, quiet = ?, hasty = ? WHERE address = ? AND paired_at = ?",
                (
                    device.bond_failures,
                    device.sequence,
                    device.newest_record,
                    skew,
                    device.battery_percent,
                    device.quiet,
                    device.hasty,
                    device.address,
                    instant(device.paired_at),
                ),
            )

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        try:
            db = sqlite3.connect(self._file, timeout=5, isolation_level=None)
            try:
                db.row_factory = sqlite3.Row
                db.execute("PRAGMA synchronous=FULL")
                yield db
            finally:
                db.close()
        except sqlite3.Error as error:
            damaged = getattr(error, "sqlite_errorcode", 0) & 0xFF in _DAMAGED
            advice = " Move it away and pair the devices again." if damaged else ""
            text = f"The list of paired devices, {self._file}, cannot be used: {error}.{advice}"
            raise RegistryError(text) from error


def with_bonds(heard: tuple[Device, ...], paired: Mapping[str, Paired], limit: int) -> tuple[Device, ...]:
    """What the gateway tells of its devices: those it heard, and those it is paired with and never heard."""
    names = {device.device for device in heard}
    told = [
        Device(
            device.device,
            device.profile,
            device.last_seen_at,
            device.battery_percent,
            paired[device.device].bond if device.device in paired else None,
            device.quarantined,
        )
        for device in heard
    ]
    never = [
        Device(each.address, each.profile, None, each.battery_percent, each.bond)
        for each in paired.values()
        if each.address not in names
    ]
    return tuple((never + told)[:limit])


def _paired(row: sqlite3.Row) -> Paired:
    return Paired(
        address=row["address"],
        profile=row["profile"],
        name=row["name"],
        paired_at=datetime.fromisoformat(row["paired_at"]),
        bond_failures=row["bond_failures"],
        sequence=row["sequence"],
        newest_record=row["newest_record"],
        clock_skew=None if row["clock_skew_s"] is None else timedelta(seconds=row["clock_skew_s"]),
        battery_percent=row["battery_percent"],
        quiet=bool(row["quiet"]),
        hasty=bool(row["hasty"]),
    )
