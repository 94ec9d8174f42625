"""Samples of before, as wide rows, are the same samples as narrow ones, and again as wide ones."""

from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, text

from hub.adapters.sql import migrate
from hub.adapters.sql.engine import make_engine
from hub.adapters.sql.unit_of_work import SqlUnitOfWork
from hub.domain.samples import Sample, Shown
from tests.contract.migrating import at_revision

FIRST = datetime(2027, 3, 1, 7, tzinfo=UTC)
UNTIL = datetime(2027, 4, 1, tzinfo=UTC)
COLUMNS = "patient_id, metric, at, reading_id, value, comparator, device_id, profile, flags, shown_value, shown_unit"
SAID: dict[str, tuple[Any, ...]] = {
    # value, comparator, device_id, profile, flags, shown_value, shown_unit
    "of a sensor": (97.29, None, 40, "cgm", "", None, None),
    "a bound": (600.0, ">", 3, "glucose-meter", "from_memory late", None, None),
    "in the device's unit": (97.29, None, 70_000, "glucose-meter", "", 5.4, "mmol/L"),
    "all of it": (10.01, "<", 3, "glucose-meter", "late", 0.30000000000000004, "<a>\t= b"),
    "typed": (0.0, None, None, "manual", "patient_reported", None, None),
    "of the largest": (999999999999.99, None, 1, "manual", "implausible", 112.0, "mg/dL"),
    "below nothing": (-0.07, None, 1, "cgm", "implausible", -1e-7, "mmol/L"),
}


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    server = request.param == "postgresql"
    url = request.getfixturevalue("empty_postgres_url") if server else f"sqlite:///{tmp_path / 'hub.db'}"
    made = make_engine(url)
    at_revision(made, "0009")
    yield made
    made.dispose()


def wide() -> list[tuple[Any, ...]]:
    first = round(FIRST.timestamp() * 1000)
    return [(1, 6, first + number * 60_000, number * 16, *said) for number, said in enumerate(SAID.values(), 1)]


def written(engine: Engine) -> None:
    named = ", ".join(f":{name}" for name in COLUMNS.split(", "))
    rows = [dict(zip(COLUMNS.split(", "), row, strict=True)) for row in wide()]
    with engine.begin() as connection:
        for table in ("reading", "replayed"):
            connection.execute(text(f"INSERT INTO {table} ({COLUMNS}) VALUES ({named})"), rows)
        connection.execute(text(f"INSERT INTO latest ({COLUMNS}) VALUES ({named})"), rows[-1])


def read(engine: Engine, table: str) -> list[tuple[Any, ...]]:
    with engine.connect() as connection:
        return [tuple(row) for row in connection.execute(text(f"SELECT {COLUMNS} FROM {table} ORDER BY at"))]


def as_told(at_ms: int, reading_id: int, said: tuple[Any, ...]) -> Sample:
    value, comparator, device_id, profile, flags, shown_value, shown_unit = said
    shown = None if shown_value is None else Shown(Decimal(repr(shown_value)), shown_unit)
    at = datetime.fromtimestamp(at_ms / 1000, UTC)
    exact = Decimal(repr(value)).quantize(Decimal("0.01"))
    return Sample(
        reading_id, "blood_glucose", exact, at, device_id, profile, comparator, frozenset(flags.split()), shown
    )


def test_samples_of_before_are_the_same_and_are_so_again_after_the_way_back(engine: Engine) -> None:
    written(engine)
    migrate.upgrade(engine)
    told = [as_told(at, reading_id, tuple(said)) for _, _, at, reading_id, *said in wide()]
    with SqlUnitOfWork(engine) as uow:
        assert uow.series.range(1, "blood_glucose", FIRST, UNTIL) == told
        assert uow.replayed.range(1, "blood_glucose", FIRST, UNTIL) == told
        assert uow.series.latest([1]) == {1: {"blood_glucose": told[-1]}}
    at_revision(engine, "0009", back=True)
    assert read(engine, "reading") == read(engine, "replayed") == wide()
    assert read(engine, "latest") == wide()[-1:]
    migrate.upgrade(engine)
    with SqlUnitOfWork(engine) as uow:
        assert uow.series.range(1, "blood_glucose", FIRST, UNTIL) == told


def test_a_profile_that_nobody_knows_stops_the_upgrade_and_nothing_has_changed(engine: Engine) -> None:
    written(engine)
    with engine.begin() as connection:
        connection.execute(text("UPDATE reading SET profile = 'unheard-of' WHERE reading_id = 16"))
    with pytest.raises(Exception, match=r"(?i)null"):
        migrate.upgrade(engine)
    assert len(read(engine, "reading")) == len(SAID)
