"""Bytes a reading takes on the disk after a year, table by table, as the file lies there and not packed.

Fifty patients: a weight, two blood pressures, two spot checks and two fingersticks a day, and every tenth has a sensor
that measures each five minutes. Everything goes through ingest, on a clock that is moved.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from hub.bootstrap import build_hub
from hub.services.ingest.commit import process
from hub.services.ingest.messages import Message
from hub.services.ingest.registry import Registry
from hub.settings import Settings
from tests.bench.messages import batch, reading, topic, values_of
from tests.bench.record import Figure, Reference, at_most, put, rounded
from tests.bench.sizes import size
from tests.bench.town import Town, build
from tests.unit.alerting.clinic import MovedClock

HOMES, SENSOR_EVERY = 50, 10
SCALE, OXIMETER, CUFF, METER = range(4)
HOURS = {7: (SCALE, CUFF, OXIMETER, METER), 19: (CUFF, OXIMETER, METER)}
SENSOR = (
    b'{"serial": "GS-2207", "seq": 311, "ts": "2026-11-22T07:55:00", "unit": "mmol/L", "glucose": 5.4, "battery": 64}'
)
SENT_BY_SENSORS = b"mqtt", SENSOR.hex().encode()
TABLES = ("journal", "transport_key", "transport_by_time", "record_key", "record_by_time", "reading", "latest")


def values(kind: int, number: int) -> bytes:
    """In range and as long as real ones: a scale gives tenths, a sensor's mmol/L become hundredths of mg/dL."""
    swing = number * 7 % 11
    return {
        SCALE: values_of((b"body_weight", 77.5 + swing / 10, b"kg")),
        OXIMETER: values_of((b"oxygen_saturation", 95 + swing % 4, b"%"), (b"pulse_rate", 66 + swing, b"/min")),
        CUFF: values_of(
            (b"systolic_blood_pressure", 118 + swing, b"mm[Hg]"),
            (b"diastolic_blood_pressure", 72 + swing, b"mm[Hg]"),
            (b"pulse_rate", 66 + swing, b"/min"),
        ),
        METER: values_of((b"blood_glucose", 97.3 + swing * 1.8, b"mg/dL")),
    }[kind]


def hour(now: datetime, seq: int) -> Iterator[tuple[bytes, bytes]]:
    """What comes at this hour: (topic, payload)."""
    for home in range(1, HOMES + 1):
        for kind in HOURS.get(now.hour, ()):
            sent = (reading(seq + kind, home, kind, now, values(kind, seq + home)),)
            yield topic(home), batch(seq, "year", now, sent)
        if home % SENSOR_EVERY == 0:
            ats = [now - timedelta(minutes=5 * place) for place in range(12)]
            sensed = [
                reading(seq + 4 + place, home, METER, at, values(METER, seq + place), SENT_BY_SENSORS)
                for place, at in enumerate(ats)
            ]
            yield topic(home), batch(seq, "year", now, sensed)


def live(town: Town, days: int) -> None:
    hub = build_hub(Settings(data_dir=str(town.folder), clinic_zone="UTC"), role="ingest")
    clock = MovedClock(hub.clock.now().replace(minute=0, second=0, microsecond=0))
    moved, registry = replace(hub, clock=clock), Registry()
    for number in range(days * 24):
        clock.forward(timedelta(hours=1))
        messages = [
            Message.received(where.decode(), payload, clock.now(), redelivered=False)
            for where, payload in hour(clock.now(), number * 16)
        ]
        if messages:
            process(moved, messages, registry)
    with hub.unit_of_work() as uow:
        last: Any = uow
    last._engine.dispose()


def sizes(file: Path) -> dict[str, int]:
    """Bytes of each table and its indexes, by the pages that they have."""
    question = """SELECT tbl_name, sum(pgsize) FROM sqlite_schema JOIN dbstat USING (name) GROUP BY tbl_name"""
    with closing(sqlite3.connect(file)) as connection:  # the standard library's is built with dbstat
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return dict(connection.execute(question))


@pytest.mark.timeout(3600)
def test_bytes(scratch: Path) -> None:
    town = build(scratch / "town", HOMES)
    live(town, size("DAYS"))
    split = sizes(town.file)
    readings, body = town.ask("SELECT count(*), avg(length(body)) FROM journal WHERE status = 'stored'")[0]
    samples = town.ask("SELECT count(*) FROM reading")[0][0]
    came = Reference("the reading's own bytes", [body])
    figures = [
        Figure("a reading, all that it takes", "bytes", [sum(split.values()) / readings], reference=came),
        *(Figure(f"of that {name}", "bytes", [split[name] / readings], reference=came) for name in TABLES),
        Figure("a value in the series", "bytes", [split["reading"] / samples], at_most(30)),
    ]
    rest = {name: rounded(size / readings) for name, size in split.items() if name not in TABLES and size > 8192}
    put("bytes", figures, scratch, patients=HOMES, days=size("DAYS"), readings=readings, values=samples, rest=rest)
    assert readings > HOMES * size("DAYS") * 6
