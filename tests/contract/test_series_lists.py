"""What a chart costs: the database reads the key, in its order, and nothing else."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, event

from hub.adapters.series.sql import SqlSeries
from hub.adapters.sql.engine import make_engine
from hub.domain.columns import Columns
from hub.services.ports.series import Latest
from tests.contract.series_rows import HOUR, MINUTE, NOON, sqlite, weight
from tests.contract.series_stores import vacuum

PATIENTS, POINTS = 20, 600
UNTIL = NOON + POINTS * MINUTE


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    made = sqlite(tmp_path) if request.param == "sqlite" else make_engine(request.getfixturevalue("postgres_url"))
    with made.connect() as connection:
        for n in range(POINTS):
            at = NOON + n * MINUTE
            SqlSeries(connection).append(
                {one: [weight(n * PATIENTS + one, f"{60 + n % 9}.0", at)] for one in range(1, PATIENTS + 1)}
            )
        connection.commit()
    if request.param == "postgresql":
        vacuum(made)
    yield made
    made.dispose()


def chart(connection: Connection) -> Columns:
    return SqlSeries(connection).columns(3, "body_weight", NOON, UNTIL)


def newest(connection: Connection) -> Latest:
    return SqlSeries(connection).latest_columns(range(1, PATIENTS + 1))


def plan(engine: Engine, act: Any) -> str:
    asked: list[tuple[str, Any]] = []
    explain = "EXPLAIN QUERY PLAN" if engine.dialect.name == "sqlite" else "EXPLAIN"
    with engine.connect() as connection:
        event.listen(connection, "before_cursor_execute", lambda *told: asked.append((told[2], told[3])))
        act(connection)
        ((question, parameters),) = asked
        return "\n".join(str(row[-1]) for row in connection.exec_driver_sql(f"{explain} {question}", parameters))


def test_a_chart_is_read_along_the_key_and_not_sorted(engine: Engine) -> None:
    steps = plan(engine, chart)
    if engine.dialect.name == "sqlite":
        assert "SEARCH reading USING PRIMARY KEY (patient_id=? AND metric=? AND at>? AND at<?)" in steps
        assert "TEMP B-TREE" not in steps
    else:
        assert "Index Only Scan" in steps
        assert "Sort" not in steps


def test_the_newest_of_neighbours_are_read_along_the_key_however_few_rows_were_counted(tmp_path: Path) -> None:
    engine = sqlite(tmp_path)
    with engine.connect() as connection:
        SqlSeries(connection).append({1: [weight(1, "80.0", NOON)]})
        connection.commit()
        connection.exec_driver_sql("ANALYZE")
        connection.commit()
    engine.dispose()
    again = make_engine(f"sqlite:///{tmp_path / 'hub.db'}")  # what was counted is looked at when the file is opened
    steps = plan(again, newest)
    again.dispose()
    assert "SEARCH latest USING PRIMARY KEY (patient_id>? AND patient_id<?)" in steps
    assert "SCAN latest" not in steps


def test_a_month_that_is_made_later_answers_from_its_key_too(postgres_url: str) -> None:
    engine = make_engine(postgres_url)
    with engine.connect() as connection:
        found = connection.exec_driver_sql(
            "SELECT DISTINCT pg_get_indexdef(indexrelid) LIKE '%% INCLUDE (centi, words)' FROM pg_index "
            "WHERE indrelid IN (SELECT inhrelid FROM pg_inherits WHERE inhparent = 'reading'::regclass)"
        )
        assert list(found.scalars()) == [True]
    engine.dispose()


def test_lists_are_in_order_also_where_sqlite_reads_backwards(tmp_path: Path) -> None:
    engine = sqlite(tmp_path)
    with engine.connect() as connection:
        samples = [
            weight(n + 1, f"{60 + n}.0", NOON + n // 2 * HOUR, flags=frozenset("late"[: n % 5])) for n in range(40)
        ]
        SqlSeries(connection).append({3: samples, 4: samples[:1]})
        forwards = chart(connection), newest(connection)
        connection.exec_driver_sql("PRAGMA reverse_unordered_selects = ON")
        assert (chart(connection), newest(connection)) == forwards
        connection.exec_driver_sql("PRAGMA reverse_unordered_selects = OFF")
    engine.dispose()
