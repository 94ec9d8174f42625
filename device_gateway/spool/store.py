"""The queue between devices and hub: what `put` has taken is on disk, and leaves it on the hub's word only."""

import json
import os
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from device_gateway import wire
from device_gateway.clock import Ids
from device_gateway.errors import GatewayError
from device_gateway.frames import FROM_MEMORY, Measurement, Packet, RawFrame, Rejected
from device_gateway.spool import schema
from device_gateway.spool.report import Report, report, to_ms

_LATELY: Final = 1000  # readings
_PAYLOAD_KEPT: Final = 131_072  # of a message that nobody could read, this much is kept
_CLOCK_SLACK: Final = timedelta(minutes=2)
_IMPLAUSIBLY_OLD: Final = timedelta(days=400)
RETAINED: Final = "retained"


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How much the spool holds, and for how long."""

    max_rows: int = 500_000
    max_bytes: int = 268_435_456
    aside_rows: int = 1000
    keep_acked: timedelta = timedelta(hours=72)
    live_window: timedelta = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Row:
    """A waiting reading: its number in this spool, and its JSON without that number."""

    seq: int
    body: bytes


class Spool:
    """Thread-safe; every call may wait for the disk. After any failed write the file is opened anew."""

    def __init__(self, data_dir: Path, limits: Limits, ids: Ids, now: datetime) -> None:
        self._limits = limits
        self._mutex = threading.Lock()
        self._leased: set[int] = set()
        self._db: sqlite3.Connection | None = None
        self._size = (0, 0)
        self._lock = schema.lock(data_dir)
        try:
            self._file = schema.prepare(data_dir, ids, now)
            self.id = self.report().spool
        except GatewayError:
            self.close()
            raise

    def close(self) -> None:
        """Lets go of the file."""
        with self._mutex:
            self._drop_connection()
            if self._lock >= 0:
                os.close(self._lock)
                self._lock = -1

    def put(self, taken: Sequence[Measurement | Rejected], now: datetime) -> None:
        """Stores all of `taken` in one commit, durable when it returns. SpoolUnavailableError: none of it is stored."""
        with self._transaction() as db:
            for item in taken:
                body = wire.encode_reading(item) if isinstance(item, Measurement) else b""
                if isinstance(item, Rejected):
                    self._set_aside(db, item, now)
                elif wire.fits(item, body):
                    self._enqueue(db, item, body, now)
                else:
                    self._set_aside(db, Rejected("too_large", "no batch can hold it", _frame(item)), now)
            self._make_room(db, now)

    def lease(self, *, live: bool, now: datetime, limit: int = wire.MAX_READINGS) -> tuple[Row, ...]:
        """The next readings for one batch, oldest first, not given again until acknowledged, refused or released."""
        # `live` goes by freshness, so that it never has to walk through a long backlog.
        want = (
            "live_until_ms > ? AND {free} ORDER BY live_until_ms, seq"
            if live
            else "live_until_ms <= ? AND {free} ORDER BY seq"
        )
        free = "seq NOT IN (SELECT value FROM json_each(?))"
        with self._transaction() as db:
            found = db.execute(
                f"SELECT seq, body FROM queue WHERE {want.format(free=free)} LIMIT ?",
                (to_ms(now), json.dumps(list(self._leased)), limit),
            ).fetchall()
        rows = tuple(Row(*row) for row in found[: wire.batch_room((body for _, body in found), limit)])
        self._leased.update(row.seq for row in rows)
        return rows

    def release(self, seqs: Iterable[int]) -> None:
        """Gives leased readings back to the queue."""
        self._leased.difference_update(seqs)

    def acknowledge(self, seqs: Iterable[int], now: datetime) -> int:
        """The hub has these: they leave the queue and stay for a replay. Returns how many were still waiting."""
        numbers, at = json.dumps(list(seqs)), to_ms(now)
        with self._transaction() as db:
            moved = db.execute(
                "INSERT OR REPLACE INTO kept SELECT seq, received_ms, body, ? FROM queue "
                "WHERE seq IN (SELECT value FROM json_each(?))",
                (at, numbers),
            ).rowcount
            db.execute("DELETE FROM queue WHERE seq IN (SELECT value FROM json_each(?))", (numbers,))
            horizon = to_ms(now - self._limits.keep_acked)
            self._shrink(db.execute("DELETE FROM kept WHERE at_ms <= ? RETURNING length(body)", (horizon,)).fetchall())
            db.execute("INSERT OR REPLACE INTO meta VALUES ('last_ack_ms', ?)", (at,))
        self.release(json.loads(numbers))
        return moved

    def refuse(self, seqs: Iterable[int], code: str, now: datetime) -> None:
        """The hub cannot read these: they leave the queue for good and stay here to be looked at."""
        numbers = json.dumps(list(seqs))
        with self._transaction() as db:
            db.execute(
                "INSERT OR REPLACE INTO refused SELECT seq, ?, ?, body FROM queue "
                "WHERE seq IN (SELECT value FROM json_each(?))",
                (to_ms(now), code, numbers),
            )
            gone = db.execute(
                "DELETE FROM queue WHERE seq IN (SELECT value FROM json_each(?)) RETURNING length(body)", (numbers,)
            ).fetchall()
            self._shrink(gone)
            _count(db, "refused_total", len(gone))
            _trim(db, "refused", "seq", self._limits.aside_rows)
        self.release(json.loads(numbers))

    def replay(self, since: datetime) -> int:
        """Queues again what the hub acknowledged since then, e.g. after it was restored from a backup."""
        with self._transaction() as db:
            db.execute(
                "INSERT OR IGNORE INTO queue SELECT seq, 0, received_ms, body FROM kept WHERE at_ms >= ?",
                (to_ms(since),),
            )
            return db.execute("DELETE FROM kept WHERE at_ms >= ?", (to_ms(since),)).rowcount

    def is_kept(self, device: str, packet: Packet) -> bool:
        """Whether one of the last readings, or of the messages set aside, was made of this packet of this device."""
        words = f'"device":"{device}"', f'"kind":"{packet.kind}","data":"{packet.data.hex()}"'
        lately = " UNION ALL ".join(
            f"SELECT body FROM (SELECT body FROM {table} ORDER BY seq DESC LIMIT {_LATELY})"
            for table in ("queue", "kept")
        )
        with self._transaction() as db:
            found = db.execute(
                f"SELECT 1 FROM ({lately}) WHERE instr(body, ?) AND instr(body, ?) UNION ALL "
                "SELECT 1 FROM quarantine WHERE route = ? AND data = ? LIMIT 1",
                (*(word.encode() for word in words), f"ble/{device}", packet.data),
            )
            return found.fetchone() is not None

    def count_source_failure(self) -> None:
        """Remembers that a source failed."""
        with self._transaction() as db:
            _count(db, "source_failures_total", 1)

    def report(self) -> Report:
        """What the spool holds and has lost."""
        with self._transaction() as db:
            return report(db)

    def _enqueue(self, db: sqlite3.Connection, item: Measurement, body: bytes, now: datetime) -> None:
        # Numbered from the time on: the hub keeps what thousands of gateways send at one time side by side.
        db.execute(
            "INSERT INTO queue (seq, live_until_ms, received_ms, body) "
            "VALUES (max(?, 1 + coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'queue'), 0)), ?, ?, ?)",
            (to_ms(now), self._live_until(item), to_ms(item.received_at), body),
        )
        _count(db, "taken_total", 1)  # the numbers do not tell: what left in silence would not be missed
        self._size = self._size[0] + 1, self._size[1] + len(body)
        db.execute(
            "INSERT INTO device VALUES (?, ?, ?, ?) ON CONFLICT (device) DO UPDATE SET "
            "profile = excluded.profile, last_seen_at = excluded.last_seen_at, "
            "battery_percent = coalesce(excluded.battery_percent, battery_percent)",
            (item.device, item.profile, wire.instant(item.received_at), item.battery_percent),
        )

    def _live_until(self, item: Measurement) -> int:
        """Until when the reading travels as live. A clock that must be wrong says nothing about the reading's age."""
        age = item.received_at - item.measured_at
        plausible = -_CLOCK_SLACK <= age <= _IMPLAUSIBLY_OLD
        if FROM_MEMORY in item.flags or (plausible and age > self._limits.live_window):
            return 0
        return to_ms(item.received_at + self._limits.live_window)

    def _set_aside(self, db: sqlite3.Connection, item: Rejected, now: datetime) -> None:
        if item.code == RETAINED:
            _count(db, "retained_total", 1)
            return
        _count(db, "quarantined_total", 1)
        data = b"\n".join(packet.data for packet in item.frame.packets)[:_PAYLOAD_KEPT]
        db.execute(
            "INSERT INTO quarantine (at_ms, code, reason, route, data) VALUES (?, ?, ?, ?, ?)",
            (to_ms(now), item.code, item.reason, item.frame.route, data),
        )
        _trim(db, "quarantine", "id", self._limits.aside_rows)

    def _make_room(self, db: sqlite3.Connection, now: datetime) -> None:
        """Over the limit, goes first what the hub has, then the oldest stored reading, then the oldest of all."""
        steps = (
            ("kept", "SELECT seq, length(body) FROM kept ORDER BY seq LIMIT 256", ()),
            (
                "queue",
                "SELECT seq, length(body) FROM queue WHERE live_until_ms <= ? ORDER BY seq LIMIT 1024",
                (to_ms(now),),
            ),
            ("queue", "SELECT seq, length(body) FROM queue ORDER BY seq LIMIT 1024", ()),
        )
        for table, oldest, arguments in steps:
            while excess := self._excess(row for row in db.execute(oldest, arguments) if row[0] not in self._leased):
                db.executemany(f"DELETE FROM {table} WHERE seq = ?", [(seq,) for seq, _ in excess])
                self._shrink([(size,) for _, size in excess])
                if table == "queue":
                    _count(db, "dropped_total", len(excess))

    def _excess(self, oldest: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
        """As many of the oldest as must go for the rest to fit."""
        rows, size = self._size
        excess = []
        for seq, length in oldest:
            if rows <= self._limits.max_rows and size <= self._limits.max_bytes:
                break
            excess.append((seq, length))
            rows, size = rows - 1, size - length
        return excess

    def _shrink(self, gone: Sequence[tuple[int]]) -> None:
        self._size = self._size[0] - len(gone), self._size[1] - sum(length for (length,) in gone)

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._mutex:
            try:
                db = self._db or self._open()
                db.execute("BEGIN IMMEDIATE")
                yield db
                db.execute("COMMIT")
            except BaseException as error:
                self._drop_connection()  # rolls back; a file whose write failed is only trusted after opening anew
                if isinstance(error, sqlite3.Error):
                    raise schema.classified(error) from error
                raise

    def _open(self) -> sqlite3.Connection:
        self._db = schema.connect(self._file)
        sizes = "SELECT length(body) AS size FROM queue UNION ALL SELECT length(body) FROM kept"
        rows, size = self._db.execute(f"SELECT count(*), coalesce(sum(size), 0) FROM ({sizes})").fetchone()
        self._size = rows, size
        return self._db

    def _drop_connection(self) -> None:
        if self._db is not None:
            self._db.close()
            self._db = None


def _count(db: sqlite3.Connection, name: str, by: int) -> None:
    db.execute(
        "INSERT INTO meta VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = value + excluded.value", (name, by)
    )


def _trim(db: sqlite3.Connection, table: str, key: str, rows: int) -> None:
    db.execute(
        f"DELETE FROM {table} WHERE {key} <= (SELECT {key} FROM {table} ORDER BY {key} DESC LIMIT 1 OFFSET ?)", (rows,)
    )


def _frame(item: Measurement) -> RawFrame:
    return RawFrame(
        route=f"{item.profile}/{item.device}",
        packets=item.raw,
        received_at=item.received_at,
        received_mono_ms=item.received_mono_ms,
        boot=item.boot,
    )
