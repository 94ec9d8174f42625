"""A past for a town: readings written straight into the tables, many times faster than ingest could.

Rows come in ``PERIODS`` sweeps over all devices, each in the order of the keys: fast, and the trees are as loosely
packed as where every device sends now and then. While they are written nothing is durable.
"""

import os
from contextlib import closing
from datetime import timedelta
from typing import Any

from hub.adapters.clock import SystemClock
from hub.adapters.sql.engine import sqlite_driver
from hub.adapters.sql.tables.measurements import METRIC_CODES, PROFILE_CODES
from hub.adapters.sql.types import to_ms
from tests.bench.messages import reading, required
from tests.bench.town import KINDS, NUMBERS, PROFILES, Town

FOLLOWED = """INSERT OR REPLACE INTO projection (name, journal_id, change_id, moved_at)
    SELECT column1, (SELECT max(id) FROM journal), 0, :newest FROM (VALUES ('rollups'), ('adherence'))"""
"""Else a worker would make the hours and days of all of it, which it has done long ago."""

CLOCK = SystemClock()
PERIODS = 4
CACHE_KB = 2_000_000
SPAN = timedelta(days=365)
SPOOL = "01JC0000000000000000000000"
HEAD = b'{"sent_at":"2026-01-01T00:00:00.120000+00:00","sent_mono_ms":512345678,"reading":'
"""What ingest writes before a reading's own bytes."""

VALUES: tuple[tuple[int, int, str, int], ...] = (
    # kind of device, place, metric, hundredths of its unit
    (0, 0, "body_weight", 7800),
    (1, 0, "oxygen_saturation", 9700),
    (1, 1, "pulse_rate", 7200),
    (2, 0, "systolic_blood_pressure", 12400),
    (2, 1, "diastolic_blood_pressure", 7800),
    (2, 2, "pulse_rate", 7200),
    (3, 0, "blood_glucose", 11200),
)

AT = ":since + (tick.n - 1) * :step + kind * 1000 + home % 60 * 5000"
ID = ":first + (device_id - 1) * :each + tick.n"
SEQ = f":period * {KINDS} * :each + :seq + kind * :each + tick.n"
EACH = "temp.past CROSS JOIN temp.tick"
SWEEP = (
    f"""INSERT INTO journal (id, gateway_id, spool, seq, device, status, device_id, patient_id, effective_at,
        hub_received_at, age_s, flags, body)
        SELECT {ID}, 'home-' || home, :spool, {SEQ}, address, 'stored', device_id, home, {AT}, {AT} + 900, 0.9, '', body
        FROM {EACH}""",
    f"""INSERT INTO transport_key (gateway_id, spool, seq, digest, status)
        SELECT 'home-' || home, :spool, {SEQ}, randomblob(16), 'stored' FROM {EACH}""",
    f"""INSERT INTO record_key (device, record, digest, journal_id)
        SELECT address, strftime('%Y-%m-%dT%H:%M:%S', ({AT}) / 1000, 'unixepoch') || printf('/%016x', {ID}),
        randomblob(16), {ID} FROM {EACH}""",
    f"""INSERT INTO reading (patient_id, metric, at, reading_id, centi, source, words)
        SELECT home, metric, {AT}, ({ID}) * 16 + place, centi, device_id * 32 + code, ''
        FROM temp.past CROSS JOIN temp.given USING (kind) CROSS JOIN temp.tick""",
)
LATEST = f"""INSERT OR REPLACE INTO latest (patient_id, metric, at, reading_id, centi, source, words)
    SELECT home, metric, {AT}, ({ID}) * 16 + place, centi, device_id * 32 + code, ''
    FROM temp.past CROSS JOIN temp.given USING (kind) CROSS JOIN temp.tick WHERE tick.n = :each"""


def grow(town: Town, readings: int, *, lean: bool = False) -> float:
    """The past comes to have about ``readings`` more, the newest a day old; how many of them a second that took.

    ``lean``: with no more in each than the contract requires.
    """
    began, there = CLOCK.monotonic(), town.last_reading()
    devices = town.homes * KINDS
    each = max(1, round(readings / devices / PERIODS))
    newest = to_ms(CLOCK.now() - timedelta(days=1))
    step = SPAN // timedelta(milliseconds=1) // (each * PERIODS)
    with closing(sqlite_driver().connect(town.file, isolation_level=None)) as connection:
        _prepare(connection, each, lean=lean)
        for period in range(PERIODS):
            numbers = {
                "each": each,
                "step": step,
                "period": period,
                "since": newest - step * each * (PERIODS - period),
                "first": there + period * each * devices,
                "seq": there,
                "spool": SPOOL,
            }
            for statement in SWEEP if period < PERIODS - 1 else (*SWEEP, LATEST):
                connection.execute(statement, {name: numbers[name] for name in numbers if f":{name}" in statement})
        connection.execute(FOLLOWED, {"newest": newest})
    os.sync()  # else the disk is busy with all of it while something else is measured
    return (town.last_reading() - there) / (CLOCK.monotonic() - began)


def _prepare(connection: Any, each: int, *, lean: bool) -> None:
    for pragma in ("journal_mode = DELETE", "journal_mode = OFF", "synchronous = OFF", f"cache_size = -{CACHE_KB}"):
        connection.execute(f"PRAGMA {pragma}").fetchall()
    ticks = NUMBERS.format(first=1, last=each)
    connection.execute(f"CREATE TEMP TABLE tick AS {ticks} SELECT n FROM n")
    connection.execute("CREATE TEMP TABLE given (kind, place, metric, centi, code)")
    given = [
        (kind, place, METRIC_CODES[metric], centi, PROFILE_CODES[PROFILES[kind]])
        for kind, place, metric, centi in VALUES
    ]
    connection.executemany("INSERT INTO given VALUES (?, ?, ?, ?, ?)", given)
    connection.execute("CREATE TEMP TABLE body (kind, body)")
    make = required if lean else reading
    bodies = [HEAD + make(10**6, 1, kind, CLOCK.now()) + b"}" for kind in range(KINDS)]
    connection.executemany("INSERT INTO body VALUES (?, ?)", enumerate(bodies))
    connection.execute(
        f"""CREATE TEMP TABLE past AS
        SELECT id AS device_id, (id - 1) / {KINDS} + 1 AS home, (id - 1) % {KINDS} AS kind, address, body
        FROM device JOIN body ON kind = (id - 1) % {KINDS} ORDER BY id"""
    )
