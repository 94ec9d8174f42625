"""The small pictures of the worklist: lowest and highest of four hours, of what devices measured."""

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from sqlalchemy import Engine

from hub.adapters.series.sql import SqlSeries
from hub.adapters.sql.engine import make_engine
from hub.adapters.sql.reads.readings import trends
from hub.domain.samples import Shown
from hub.services.views.alerts import Extremes
from tests.contract.series_rows import DAY, HOUR, MINUTE, NOON, sqlite, weight

NOW = NOON + DAY
WANTED = [(1, "body_weight")]


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    made = sqlite(tmp_path) if request.param == "sqlite" else make_engine(request.getfixturevalue("postgres_url"))
    yield made
    made.dispose()


def pictures(engine: Engine, *samples: object) -> list[Extremes]:
    with engine.connect() as connection:
        SqlSeries(connection).append({1: samples})  # type: ignore[dict-item]
        connection.commit()
        return trends(connection, WANTED, NOW).get(WANTED[0], [])


def test_of_each_four_hours_the_lowest_and_the_highest_whatever_is_said_of_them(engine: Engine) -> None:
    at = [NOON + n * MINUTE for n in range(4)]
    found = pictures(
        engine,
        weight(1, "80.0", at[0], flags=frozenset({"late"})),
        weight(2, "81.5", at[1]),
        weight(3, "79.5", at[2], comparator="<"),
        weight(4, "80.5", at[3], flags=frozenset({"from_memory", "late"})),
        weight(5, "90.0", NOON + 5 * HOUR),
        weight(6, "70.0", NOW - timedelta(days=15)),
    )
    assert found == [Extremes(at[3], 79.5, 81.5), Extremes(NOON + 5 * HOUR, 90.0, 90.0)]


@pytest.mark.parametrize("flag", ["no_signal", "zero_is_no_signal", "patient_reported"])
def test_what_no_device_measured_is_left_out(engine: Engine, flag: str) -> None:
    odd = weight(2, "12.0", NOON + MINUTE, flags=frozenset({flag, "late"}))
    assert pictures(engine, weight(1, "80.0", NOON), odd) == [Extremes(NOON, 80.0, 80.0)]
    assert pictures(engine, weight(3, "80.0", NOON)) == [Extremes(NOON, 80.0, 80.0)]


def test_a_unit_that_is_spelled_like_a_flag_leaves_nothing_out(engine: Engine) -> None:
    odd = weight(2, "82.0", NOON + MINUTE, shown=Shown(Decimal("12.9"), "no_signal"))
    assert pictures(engine, weight(1, "80.0", NOON), odd) == [Extremes(NOON + MINUTE, 80.0, 82.0)]
