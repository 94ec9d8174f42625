"""The same rows written again by nothing but SQLite: what any hub on it could reach at best, and which tables cost."""

import json
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from typing import Any

from hub.adapters.clock import SystemClock
from hub.adapters.sql.engine import sqlite_driver
from tests.bench.town import Town

CLOCK = SystemClock()
GROUP = 500
"""Readings of a commit, as in ingest's full groups."""

KEY = 16  # values a journal id has room for
SPOOL = "bare"


@dataclass(frozen=True, slots=True)
class Rewritten:
    """How it went: readings a second, and the seconds of each table and of the commits."""

    rate: float
    seconds: dict[str, float]


Rows = list[list[tuple[Any, ...]]]


def rewrite(town: Town, first: int) -> Rewritten:
    """Appends copies of the journal's rows from the id ``first`` on, with new ids and keys, in groups, durably."""
    with closing(sqlite_driver().connect(town.file, isolation_level=None)) as connection:
        for pragma in ("journal_mode = WAL", "synchronous = FULL", "wal_autocheckpoint = 1000", "foreign_keys = ON"):
            connection.execute(f"PRAGMA {pragma}").fetchall()
        copies = _copies(connection, first)
        seconds = dict.fromkeys([*copies, "commit"], 0.0)
        groups = len(copies["journal"])
        began = CLOCK.monotonic()
        for number in range(groups):
            connection.execute("BEGIN IMMEDIATE")
            for table, rows in copies.items():
                _timed(seconds, table, partial(connection.executemany, _INTO[table], rows[number]))
            _timed(seconds, "commit", partial(connection.execute, "COMMIT"))
        took = CLOCK.monotonic() - began
    return Rewritten(sum(map(len, copies["journal"])) / took, seconds)


def _timed(seconds: dict[str, float], name: str, act: Callable[[], object]) -> None:
    began = CLOCK.monotonic()
    act()
    seconds[name] += CLOCK.monotonic() - began


_JOURNAL = (
    "gateway_id, spool, seq, device, status, code, device_id, patient_id, effective_at, hub_received_at, age_s, flags, "
    "body"
)
_VALUES = "patient_id, metric, at, reading_id, centi, source, words"
_NEWER = ", ".join(f"{name.strip()} = excluded.{name.strip()}" for name in _VALUES.split(",")[2:])


def _insert(table: str, columns: str) -> str:
    return f"INSERT INTO {table} ({columns}) VALUES ({', '.join('?' * len(columns.split(',')))})"


_INTO = {
    "journal": _insert("journal", f"id, {_JOURNAL}"),
    "transport_key": _insert("transport_key", "gateway_id, spool, seq, digest, status, code"),
    "record_key": _insert("record_key", "device, record, digest, journal_id"),
    "reading": _insert("reading", _VALUES),
    "latest": f"{_insert('latest', _VALUES)} ON CONFLICT (patient_id, metric) DO UPDATE SET {_NEWER} "
    "WHERE excluded.at >= latest.at",
}


def _copies(connection: Any, first: int) -> dict[str, Rows]:
    """By table and group the rows to write."""
    entries = connection.execute(f"SELECT id, {_JOURNAL} FROM journal WHERE id >= ? ORDER BY id", [first]).fetchall()
    beyond = entries[-1][0] + 1 - first
    copies: dict[str, Rows] = {table: [] for table in _INTO}
    for start in range(0, len(entries), GROUP):
        group = entries[start : start + GROUP]
        values = [_moved(row, beyond) for entry in group for row in _values_of(connection, entry)]
        copies["journal"].append([(e[0] + beyond, e[1], SPOOL + e[2], *e[3:]) for e in group])
        copies["transport_key"].append([(e[1], SPOOL + e[2], e[3], bytes(16), e[5], e[6]) for e in group])
        copies["record_key"].append([(e[4], SPOOL + _record(e[-1]), bytes(16), e[0] + beyond) for e in group])
        copies["reading"].append(values)
        copies["latest"].append(values)
    return copies


def _record(body: bytes) -> str:
    return str(json.loads(body)["reading"]["record"])


def _values_of(connection: Any, entry: tuple[Any, ...]) -> list[tuple[Any, ...]]:
    journal_id, patient_id, at = entry[0], entry[8], entry[9]
    theirs = f"SELECT {_VALUES} FROM reading WHERE patient_id = ? AND metric IN (1, 3, 4, 6, 7, 8) AND at = ?"
    return [row for row in connection.execute(theirs, [patient_id, at]) if row[3] // KEY == journal_id]


def _moved(row: tuple[Any, ...], beyond: int) -> tuple[Any, ...]:
    return *row[:3], row[3] + beyond * KEY, *row[4:]
