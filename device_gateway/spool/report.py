"""What the spool says about itself: for the status message, and for the operator beside the machine."""

import sqlite3
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from device_gateway.spool.schema import classified, connect_to_read
from device_gateway.wire import MAX_DEVICES, Device

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def to_ms(moment: datetime) -> int:
    """Milliseconds since 1970, UTC."""
    return (moment - EPOCH) // timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True)
class Quarantined:
    """A device message that became no reading."""

    at: datetime
    code: str
    reason: str
    route: str
    data: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """Counts are since the spool file was made."""

    spool: str
    depth: int
    oldest_received_at: datetime | None
    dropped_total: int
    quarantined_total: int
    refused_total: int
    retained_total: int
    source_failures_total: int
    kept: int
    last_ack_at: datetime | None
    devices: tuple[Device, ...]


def read(file: Path) -> tuple[Report, tuple[Quarantined, ...]]:
    """The report of a spool that another process may be using, and its newest quarantined messages."""
    try:
        db = connect_to_read(file)
        try:
            rows = db.execute("SELECT at_ms, code, reason, route, data FROM quarantine ORDER BY id DESC LIMIT 10")
            return report(db), tuple(Quarantined(_moment(at), *rest) for at, *rest in rows)
        finally:
            db.close()
    except sqlite3.Error as error:
        raise classified(error) from error


def report(db: sqlite3.Connection) -> Report:
    """The report, from rows alone."""
    meta = dict(db.execute("SELECT name, value FROM meta"))
    depth, oldest = db.execute("SELECT count(*), min(received_ms) FROM queue").fetchone()
    (kept,) = db.execute("SELECT count(*) FROM kept").fetchone()
    quarantined = _quarantined(db)
    devices = db.execute(
        "SELECT device, profile, last_seen_at, battery_percent FROM device ORDER BY last_seen_at DESC LIMIT ?",
        (MAX_DEVICES,),
    )
    return Report(
        spool=meta["spool"],
        depth=depth,
        oldest_received_at=None if oldest is None else _moment(oldest),
        dropped_total=meta.get("dropped_total", 0),
        quarantined_total=meta.get("quarantined_total", 0),
        refused_total=meta.get("refused_total", 0),
        retained_total=meta.get("retained_total", 0),
        source_failures_total=meta.get("source_failures_total", 0),
        kept=kept,
        last_ack_at=None if "last_ack_ms" not in meta else _moment(meta["last_ack_ms"]),
        devices=tuple(
            Device(name, profile, seen, level, quarantined=quarantined[name]) for name, profile, seen, level in devices
        ),
    )


def _quarantined(db: sqlite3.Connection) -> Counter[str]:
    """How many kept messages came by a route with this word in it: `ble/<address>`, `devices/<serial>/glucose`."""
    counted: Counter[str] = Counter()
    for route, count in db.execute("SELECT route, count(*) FROM quarantine GROUP BY route"):
        counted.update(dict.fromkeys(route.split("/"), count))
    return counted


def _moment(ms: int) -> datetime:
    return EPOCH + timedelta(milliseconds=ms)
