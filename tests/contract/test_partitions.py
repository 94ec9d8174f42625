"""Months of the journal and the readings on PostgreSQL: nothing is lost where one is missing, all is found again."""

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, text

from hub.adapters.sql import migrate
from hub.adapters.sql.engine import Unavailable, make_engine
from hub.adapters.sql.partitions import Standing, drop_before, is_partition, later, look, make_ahead, months
from hub.adapters.sql.unit_of_work import SqlUnitOfWork
from hub.cli.checks.server import months as months_of
from hub.cli.checks.server import server
from hub.errors import Transient
from hub.services.engine.months import AGAIN, EVERY, Months
from tests.contract.migrating import at_revision
from tests.contract.series_rows import DAY, entry, stores, weight

MAY = datetime(2029, 5, 20, 12, tzinfo=UTC)
JUNE, JULY, AUGUST = (datetime(2029, month, 1, tzinfo=UTC) for month in (6, 7, 8))


@pytest.fixture
def engine(postgres_url: str) -> Iterator[Engine]:
    made = make_engine(postgres_url)
    yield made
    made.dispose()


def stored(engine: Engine, *times: datetime, first: int = 1) -> None:
    with SqlUnitOfWork(engine) as uow:
        stores(uow, *((1, at, [("body_weight", "78.0")]) for at in times), first=first)
        uow.commit()


def count(engine: Engine, table: str) -> int:
    with engine.connect() as connection:
        return int(connection.exec_driver_sql(f"SELECT count(*) FROM {table}").scalar_one())


def standing(engine: Engine, now: datetime) -> Standing:
    with engine.connect() as connection:
        return look(connection, now)


def test_a_month_is_counted_over_the_turn_of_a_year() -> None:
    assert later(datetime(2026, 11, 1, tzinfo=UTC), 2) == datetime(2027, 1, 1, tzinfo=UTC)
    assert later(datetime(2026, 12, 1, tzinfo=UTC), 12) == datetime(2027, 12, 1, tzinfo=UTC)
    assert [is_partition(name) for name in ("journal_2026_03", "reading_default", "journal", "journal_key")] == [
        True,
        True,
        False,
        False,
    ]


def test_this_month_and_the_next_two_are_made_once(engine: Engine) -> None:
    assert make_ahead(engine, MAY) == 9
    assert make_ahead(engine, MAY) == 0
    assert make_ahead(engine, JUNE) == 3
    with engine.connect() as connection:
        assert months(connection, "journal")[-4:] == [datetime(2029, 5, 1, tzinfo=UTC), JUNE, JULY, AUGUST]


def test_a_row_without_a_month_is_kept_and_moves_when_its_month_is_made(engine: Engine) -> None:
    stored(engine, MAY, JUNE - timedelta(milliseconds=1), JUNE)
    assert (count(engine, "journal_default"), count(engine, "reading_default")) == (3, 3)
    assert standing(engine, MAY).unsorted == {"journal": 3, "reading": 3}
    assert standing(engine, MAY).missing[:2] == ("journal_2029_05", "journal_2029_06")
    make_ahead(engine, MAY - 90 * DAY)  # the months of what fell are made, however late
    assert standing(engine, MAY).unsorted == {}
    assert (count(engine, "journal_2029_05"), count(engine, "reading_2029_06")) == (2, 1)
    assert (count(engine, "journal"), count(engine, "reading")) == (3, 3)
    stored(engine, MAY + DAY, first=9)
    assert count(engine, "reading_2029_05") == 3


def test_a_reading_is_one_however_often_it_comes_in_whatever_partition(engine: Engine) -> None:
    samples = {1: [weight(1, "78.0", MAY), weight(1, "78.0", MAY + 400 * DAY)]}
    for month in (MAY - 90 * DAY, MAY):
        make_ahead(engine, month)
        with SqlUnitOfWork(engine) as uow:
            uow.series.append(samples)
            assert len(uow.series.range(1, "body_weight", MAY, MAY + 500 * DAY)) == 2
            uow.commit()
    with SqlUnitOfWork(engine) as uow:
        uow.journal.append([entry(1, 1, MAY, record="r")])
        uow.commit()
    with SqlUnitOfWork(engine) as uow, pytest.raises(Transient, match="stored"):
        uow.journal.append([entry(1, 1, MAY + 90 * DAY, record="r")])


def test_months_that_are_over_are_dropped_and_their_keys_are_still_known(engine: Engine) -> None:
    make_ahead(engine, MAY)
    make_ahead(engine, MAY + 60 * DAY)
    with SqlUnitOfWork(engine) as uow:
        uow.journal.append([entry(1, 1, MAY, record="r", device="D"), entry(2, None, JULY, record="s", device="D")])
        uow.commit()
    assert drop_before(engine, "journal", JULY - timedelta(milliseconds=1))[-1] == "journal_2029_05"
    assert drop_before(engine, "journal", JULY) == ["journal_2029_06"]
    assert count(engine, "journal") == 1
    with SqlUnitOfWork(engine) as uow:
        known = uow.journal.record_keys([("D", "r"), ("D", "s")])
        assert {key[1]: one.held for key, one in known.items()} == {"r": False, "s": True}


def test_a_reader_who_stands_in_the_way_is_not_waited_for(engine: Engine) -> None:
    make_ahead(engine, MAY)
    with engine.connect() as reader:
        reader.execute(text("SELECT count(*) FROM journal"))
        with pytest.raises(Unavailable, match="lock timeout"):
            make_ahead(engine, JUNE)
        stored(engine, MAY)
    assert make_ahead(engine, JUNE) == 3


def test_two_who_make_a_month_at_once_make_it_once(engine: Engine) -> None:
    made: list[int] = []
    both = [threading.Thread(target=lambda: made.append(make_ahead(engine, MAY))) for _ in range(2)]
    for one in both:
        one.start()
    for one in both:
        one.join()
    assert sum(made) == 9


def test_the_worker_makes_them_daily_and_tries_again_soon_where_it_could_not() -> None:
    asked: list[datetime] = []

    def make(now: datetime) -> int:
        asked.append(now)
        if len(asked) == 1:
            raise Unavailable("somebody reads")
        return 1

    module, hub = Months(make), None
    with pytest.raises(Transient):
        module.run(hub, MAY)  # type: ignore[arg-type]
    minutes = [timedelta(0), AGAIN, AGAIN + EVERY / 2, AGAIN + EVERY]
    assert [module.run(hub, MAY + after) for after in minutes] == [0, 1, 0, 1]  # type: ignore[arg-type]


def test_only_the_month_that_is_asked_for_is_read(engine: Engine) -> None:
    """A year of months: a question with its times looks into one of them, and a row by its id is found by an index."""
    for by in range(12):
        make_ahead(engine, later(datetime(2029, 1, 1, tzinfo=UTC), by))
    stored(engine, *(JUNE + n * timedelta(minutes=1) for n in range(2000)))
    with engine.connect() as connection:
        connection.exec_driver_sql("ANALYZE journal")
        connection.exec_driver_sql("ANALYZE reading")
        since, until = (round(at.timestamp() * 1000) for at in (JUNE, JUNE + DAY))
        seen = plan(
            connection, f"SELECT * FROM reading WHERE patient_id = 1 AND metric = 1 AND at >= {since} AND at < {until}"
        )
        assert "reading_2029_06" in seen
        assert "reading_2029_07" not in seen
        assert "Seq Scan on journal_2029_06" not in plan(
            connection, "SELECT id FROM journal WHERE id = 1000 AND status = 'held'"
        )
        assert "Seq Scan on journal_2029_06" not in plan(connection, "SELECT max(id) FROM journal")


def plan(connection: Any, question: str) -> str:
    return "\n".join(connection.exec_driver_sql(f"EXPLAIN {question}").scalars())


# An existing database -----------------------------------------------------------------------------------------------


JOURNAL = """INSERT INTO journal (gateway_id, spool, seq, device, status, effective_at, hub_received_at,
    age_s, flags, body) VALUES ('g-1', 's', {0}, 'D', 'held', 0, {0}, 0, '', '')"""
READING = """INSERT INTO reading (patient_id, metric, at, reading_id, value, profile, flags)
    VALUES (1, 1, {0}, 16, 7, 'cgm', '')"""


def test_rows_of_before_are_found_in_their_months(empty_postgres_url: str) -> None:
    engine = make_engine(empty_postgres_url)
    at_revision(engine, "0003")
    times = [round(at.timestamp() * 1000) for at in (MAY, JUNE - timedelta(milliseconds=1), JUNE)]
    with engine.begin() as connection:
        for at in times:
            connection.exec_driver_sql(JOURNAL.format(at))
            connection.exec_driver_sql(READING.format(at))
    migrate.upgrade(engine)
    assert (count(engine, "journal_2029_05"), count(engine, "journal_2029_06")) == (2, 1)
    assert (count(engine, "reading_2029_05"), count(engine, "reading_2029_06")) == (2, 1)
    with SqlUnitOfWork(engine) as uow:
        assert uow.journal.append([entry(1, 1, MAY)]) == [4]
    at_revision(engine, "0003", back=True)
    assert count(engine, "journal") == count(engine, "reading") == 3
    migrate.upgrade(engine)
    assert (count(engine, "journal_2029_05"), count(engine, "reading_2029_06")) == (2, 1)
    engine.dispose()


# What the operator is told -------------------------------------------------------------------------------------------


def test_the_doctor_tells_of_months_and_of_a_server_that_may_forget(postgres_url: str, engine: Engine) -> None:
    with engine.connect() as connection:
        (missing,) = (one.what for one in months_of(connection, MAY))
        assert missing.startswith("Partitions are missing: journal_2029_05, journal_2029_06, reading_2029_05")
        assert [one.what for one in server(connection)] == [
            f"PostgreSQL {connection.dialect.server_version_info[0]} answers.",  # type: ignore[index]
            "PostgreSQL runs with fsync and synchronous_commit and full_page_writes off.",
        ]
    stored(engine, MAY)
    with engine.connect() as connection:
        found = [one.what for one in months_of(connection, MAY)]
    assert found[1] == "Rows lie in the default partition: journal 1, reading 1."
    make_ahead(engine, MAY)
    with engine.connect() as connection:
        assert [one.what for one in months_of(connection, MAY)] == ["This month and the next have their partitions."]
