"""How fast charts and lists get their numbers: 90 days of a point each 5 minutes, and the newest values of everybody.

All patients' points came in the order of time, as they do, so those of one lie apart. The reference is a bare cursor on
the same file, which gives rows and no more.
"""

from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Any

import pytest
from sqlalchemy import Engine, insert, text

from hub.adapters.clock import SystemClock
from hub.adapters.series.influx import InfluxSeries
from hub.adapters.sql.engine import make_engine, read_only, sqlite_driver
from hub.adapters.sql.reads.copying import SqlCopySource
from hub.adapters.sql.tables.measurements import METRIC_CODES, latest
from hub.adapters.sql.unit_of_work import SqlUnitOfWork
from hub.services.ports.feed import Touched
from tests.bench.record import Figure, Reference, at_most, put
from tests.bench.sizes import size
from tests.contract.series_rows import sqlite
from tests.contract.series_stores import influx, vacuum

CLOCK = SystemClock()
SINCE, EVERY, DAYS = datetime(2026, 1, 1, tzinfo=UTC), timedelta(minutes=5), 90
UNTIL = SINCE + timedelta(days=DAYS)
METRICS = ("body_weight", "oxygen_saturation", "pulse_rate", "blood_glucose", "body_temperature")
RUNS, TIMES, WRITTEN = 3, 15, 20_000
POINTS = DAYS * 288
SOURCE = 5

COLUMNS = "patient_id, metric, at, reading_id, centi, source, words"
INTO = {
    "sqlite": f"INSERT INTO reading ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?)",
    "postgresql": f"INSERT INTO reading ({COLUMNS}) VALUES (%s, %s, %s, %s, %s, %s, %s)",
}
BARE = "SELECT at, centi, reading_id FROM reading WHERE patient_id = ? AND metric = ? AND at >= ? AND at < ? ORDER BY 3"


def rows(patients: int) -> Iterator[tuple[object, ...]]:
    start, step = round(SINCE.timestamp() * 1000), round(EVERY.total_seconds() * 1000)
    number = 0
    for tick in range(POINTS):
        for patient in range(1, patients + 1):
            for metric in METRICS:
                number += 1
                centi = 6_000 + (tick * 7 + patient) % 400 * 10
                yield patient, METRIC_CODES[metric], start + tick * step, number * 16, centi, SOURCE, ""


def fill(engine: Engine, patients: int) -> None:
    some: list[tuple[object, ...]] = []
    with engine.connect() as connection:
        for row in rows(patients):
            some.append(row)
            if len(some) == WRITTEN:
                connection.exec_driver_sql(INTO[engine.dialect.name], some)
                some = []
        if some:
            connection.exec_driver_sql(INTO[engine.dialect.name], some)
        connection.commit()
        connection.execute(text("ANALYZE"))
        connection.commit()
    if engine.dialect.name == "postgresql":
        vacuum(engine)


def copy_all(engine: Engine, copy: InfluxSeries, patients: int) -> None:
    with read_only(engine).connect() as connection:
        source = SqlCopySource(connection)
        for patient in range(1, patients + 1):
            for month in range(DAYS // 30):
                since = SINCE + timedelta(days=30 * month)
                until = since + timedelta(days=30, milliseconds=-1)
                copy.write(source.points([Touched(patient, since, until)]))


def took(act: Callable[[int], object], patients: int) -> list[float]:
    """Milliseconds: the median of each run."""
    runs = []
    for _ in range(RUNS):
        each = []
        for n in range(TIMES):
            began = CLOCK.monotonic()
            act(n % patients + 1)
            each.append((CLOCK.monotonic() - began) * 1e3)
        runs.append(median(each))
    return runs


def of_series(engine: Engine) -> Callable[[int], object]:
    def ask(patient: int) -> object:
        with SqlUnitOfWork(read_only(engine)) as uow:
            found = uow.series.columns(patient, "oxygen_saturation", SINCE, UNTIL)
        assert len(found) == POINTS
        return found

    return ask


def bare(file: Path) -> list[float]:
    ends = round(SINCE.timestamp() * 1000), round(UNTIL.timestamp() * 1000)
    with closing(sqlite_driver().connect(file)) as connection:

        def ask(patient: int) -> list[Any]:
            asked = connection.execute(BARE, (patient, METRIC_CODES["oxygen_saturation"], *ends))
            return [list(column) for column in zip(*asked.fetchall(), strict=True)]

        return took(ask, size("CHARTS"))


@pytest.mark.timeout(3600)
def test_series(scratch: Path, postgres_url: str, influx_url: str) -> None:
    patients, many = size("CHARTS"), size("PATIENTS")
    engine, server, copy = sqlite(scratch), make_engine(postgres_url), influx(influx_url)
    fill(engine, patients)
    fill(server, patients)
    copy_all(engine, copy, patients)
    reference = Reference("bare sqlite3 cursor, the same rows", bare(scratch / "hub.db"))
    figures = [
        Figure("90 days on SQLite", "ms", took(of_series(engine), patients), at_most(12), reference),
        Figure("90 days on PostgreSQL", "ms", took(of_series(server), patients), at_most(45), reference),
        Figure("90 days on InfluxDB 1.6.7", "ms", took(of_copy(copy), patients), reference=reference),
        Figure(f"newest of 5 metrics of {many:,} on SQLite", "ms", newest(engine, many), at_most(30)),
        Figure(f"newest of 5 metrics of {many:,} on PostgreSQL", "ms", newest(server, many)),
    ]
    put("series", figures, scratch, patients=patients, rows=patients * len(METRICS) * POINTS, points=POINTS)
    for one in (engine, server):
        one.dispose()
    copy.close()


def of_copy(copy: InfluxSeries) -> Callable[[int], object]:
    def ask(patient: int) -> object:
        found = copy.columns(patient, "oxygen_saturation", SINCE, UNTIL)
        assert len(found) == POINTS
        return found

    return ask


def newest(engine: Engine, many: int) -> list[float]:
    told = [
        {"patient_id": n, "metric": METRIC_CODES[metric], "at": UNTIL, "reading_id": n * 160 + place, "centi": 7150}
        | {"source": SOURCE, "words": ""}
        for n in range(1, many + 1)
        for place, metric in enumerate(METRICS)
    ]
    with engine.connect() as connection:
        connection.execute(insert(latest), told)
        connection.commit()
    everybody = range(1, many + 1)

    def ask(_: int) -> object:
        with SqlUnitOfWork(read_only(engine)) as uow:
            found = uow.series.latest_columns(everybody)
        assert len(found) == many * len(METRICS)
        return found

    return took(ask, 1)
