"""What is open or waited for is found by indexes that hold nothing else, however much there was before."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, event, inspect, text

from hub.adapters.sql import migrate
from hub.adapters.sql.alerts import SqlAlerts
from hub.adapters.sql.duties import SqlDuties
from hub.adapters.sql.engine import make_engine
from hub.adapters.sql.outbox import SqlOutbox
from hub.adapters.sql.reads.worklist import worklist
from hub.adapters.sql.situations import situations
from tests.contract.migrating import at_revision

NOW = datetime(2027, 3, 1, 7, tzinfo=UTC)
ALERT = """INSERT INTO alert (ref, kind, problem, subject, severity, state, sentence, confirmed, signed_off, opened_at,
    triggered_at, last_finding_at, findings, rules, worst, version, worse_version, chain, round, step, next_page_at)
    VALUES ('K7Q2', 'technical', 'p', 'hub', 3, 'open', 's', :yes, :yes, 0, 0, 0, 1, '[]', '{}', 1, 1,
    '{"steps": [], "repeat_s": 0}', 1, 0, 1000)"""

FOUND: dict[str, tuple[Callable[[Connection], object], str]] = {
    "one patient's open alerts": (lambda connection: situations(connection, [7]), "ix_alert_patient_open"),
    "some patients' open alerts": (lambda connection: situations(connection, [7, 8]), "ix_alert_patient_open"),
    "what one patient waits for": (lambda connection: situations(connection, [7]), "ix_deadline_waiting"),
    "what some patients wait for": (lambda connection: situations(connection, [7, 8]), "ix_deadline_waiting"),
    "pages": (lambda connection: SqlAlerts(connection).due_pages(NOW, 10), "ix_alert_due"),
    "lapses": (lambda connection: SqlAlerts(connection).due_lapses(NOW, 10), "ix_alert_lapse"),
    "deadlines": (lambda connection: SqlDuties(connection).due_deadlines(NOW, 10), "ix_deadline_due"),
    "closed unseen": (lambda connection: worklist(connection, NOW), "ix_alert_unseen"),
    "a talk's texts": (lambda connection: SqlOutbox(connection).of_conversation(7), "ix_outbox_conversation_id"),
}

ALIKE = {"ix_deadline_waiting": "ix_deadline_due"}
"""Holds the same rows: a server that has counted none of them yet takes either."""


@pytest.fixture
def connection(empty_database_url: str) -> Iterator[Connection]:
    engine = make_engine(empty_database_url)
    migrate.upgrade(engine)
    with engine.connect() as opened:
        yield opened
    engine.dispose()


def plans(connection: Connection, ask: Callable[[Connection], object]) -> str:
    """How the database goes about what is asked."""
    asked: list[tuple[str, Any]] = []
    explain = "EXPLAIN QUERY PLAN"
    if connection.dialect.name == "postgresql":
        explain = "EXPLAIN"
        connection.execute(text("SET LOCAL enable_seqscan = off"))  # so few rows are read faster without an index
    event.listen(connection, "before_cursor_execute", lambda *told: asked.append((told[2], told[3])))
    ask(connection)
    told = [connection.exec_driver_sql(f"{explain} {question}", given) for question, given in list(asked)]
    return "\n".join(str(row[-1]) for rows in told for row in rows)


@pytest.mark.parametrize(("ask", "index"), FOUND.values(), ids=FOUND)
def test_it_is_found_by_the_index_that_holds_nothing_else(
    connection: Connection, ask: Callable[[Connection], object], index: str
) -> None:
    how = plans(connection, ask)
    assert index in how or (connection.dialect.name == "postgresql" and ALIKE.get(index, index) in how)


def indexes(engine: Engine) -> dict[str, list[str | None]]:
    found = inspect(engine)
    these = [one for name in found.get_table_names() for one in found.get_indexes(name)]
    return {str(one["name"]): one["column_names"] for one in these}


def test_the_indexes_of_before_are_there_after_the_way_back(empty_database_url: str) -> None:
    engine = make_engine(empty_database_url)
    at_revision(engine, "0010")
    before = indexes(engine)
    with engine.begin() as connection:
        connection.execute(text(ALERT), {"yes": True})
    migrate.upgrade(engine)
    assert indexes(engine)["ix_alert_due"] == ["next_page_at"]
    with engine.connect() as connection:
        assert SqlAlerts(connection).due_pages(NOW, 10) == [SqlAlerts(connection).by_ref("K7Q2").id]
    at_revision(engine, "0010", back=True)
    assert indexes(engine) == before
    migrate.upgrade(engine)
    assert indexes(engine) != before
    engine.dispose()
