"""What SQLite must promise beside: durable or ``Unavailable``, and nobody waits who need not."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, insert, select
from sqlalchemy.exc import SQLAlchemyError

from hub.adapters.sql import engine as engines
from hub.adapters.sql.engine import CACHE_KB, SMALL_CACHE_KB, Unavailable, make_engine, read_only
from hub.adapters.sql.operations import SqlOperations
from hub.adapters.sql.tables.operations import stamp
from hub.adapters.sql.unit_of_work import SqlSavepoint
from hub.services.ingest.wire import BatchAck
from tests.unit.ingest.home import Home, batch, homes, kg, reading


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    yield from homes(tmp_path)


def limited(home: Home, **pragmas: int) -> None:
    """From now on every connection has these bounds."""
    home.clinic.engine.dispose()

    def checked_out(connection: Any, *_: object) -> None:
        for name, number in pragmas.items():
            connection.execute(f"PRAGMA {name} = {number}")

    event.listen(home.clinic.engine, "checkout", checked_out)


def test_a_full_disk_is_told_as_such_and_nothing_is_half_written(home: Home) -> None:
    limited(home, max_page_count=1)
    payload = batch(
        home.now, *(reading(n, home.now, kg(78), raw=[{"kind": "k", "data": "0" * 400}]) for n in range(150))
    )
    before = home.everything()
    for _ in range(3):
        with pytest.raises(Unavailable, match="full"):
            home.arrives(payload)
    assert home.everything() == before
    limited(home, max_page_count=1_000_000)
    (ack,) = home.arrives(payload)
    assert isinstance(ack, BatchAck)
    assert {one.status for one in ack.results} == {"stored"}


def test_a_locked_database_is_told_as_such(home: Home) -> None:
    limited(home, busy_timeout=20)
    with home.clinic.engine.connect() as other:
        other.execute(select(stamp))
        with pytest.raises(Unavailable, match="locked"):
            home.measures(kg(78))
    assert home.measures(kg(78)) == "stored"


def test_a_transaction_that_the_database_undid_is_not_taken_for_committed(home: Home) -> None:
    with home.clinic.engine.connect() as connection:
        connection.execute(insert(stamp).values(name="mode", value="x"))
        connection.exec_driver_sql("ROLLBACK")  # what SQLite does by itself when the disk is full
        with pytest.raises(Unavailable, match="undid"):
            connection.commit()
    assert home.count("stamp") == 0


def test_a_block_of_a_transaction_that_the_database_undid_is_not_tried_again_by_itself(home: Home) -> None:
    with home.clinic.engine.connect() as connection:
        connection.execute(insert(stamp).values(name="mode", value="x"))
        with pytest.raises(Unavailable, match="undid"), SqlSavepoint(connection, SqlOperations(connection)):
            connection.exec_driver_sql("ROLLBACK")
    assert home.count("stamp") == 0


def test_a_word_in_a_value_makes_no_error_pass(home: Home) -> None:
    """``deadlock`` in a device's name is no deadlock."""
    with home.hub.unit_of_work() as uow:
        uow.operations.set_stamp("database is locked", "x")
        with pytest.raises(SQLAlchemyError):
            uow.operations.set_stamp("database is locked", "deadlock detected")


def test_a_question_never_waits_for_a_writer(home: Home) -> None:
    limited(home, busy_timeout=1)
    with home.hub.unit_of_work() as uow:
        uow.operations.set_stamp("x", "y")
        with read_only(home.clinic.engine).connect() as reader:
            assert reader.execute(select(stamp)).all() == []


def test_what_must_be_durable_is_synchronous(home: Home) -> None:
    with home.clinic.engine.connect() as connection:
        pragmas = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in ("synchronous", "foreign_keys")
        }
    assert pragmas == {"synchronous": 3, "foreign_keys": 1}


@pytest.mark.parametrize("wal", [True, False])
def test_a_small_cache_is_for_a_wal_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, wal: bool) -> None:
    monkeypatch.setattr(engines, "wal_is_safe", lambda: wal)

    def cache_kb(*, small: bool) -> int:
        made = make_engine(f"sqlite:///{tmp_path / 'hub.sqlite3'}", small_cache=small)
        with made.connect() as connection:
            (size,) = connection.exec_driver_sql("PRAGMA cache_size").one()
        made.dispose()
        return -int(size)

    assert cache_kb(small=False) == CACHE_KB
    assert cache_kb(small=True) == (SMALL_CACHE_KB if wal else CACHE_KB)
