"""Ready statements by the driver's own cursor: they keep every promise that Core makes of those it sends itself."""

import traceback
from collections.abc import Callable, Collection, Iterator
from pathlib import Path

import pytest
from sqlalchemy import BigInteger, Column, Connection, MetaData, String, Table, bindparam, event, select, update
from sqlalchemy.exc import DBAPIError, IntegrityError, PendingRollbackError

from hub.adapters.sql import straight
from hub.adapters.sql.engine import Unavailable, make_engine
from hub.adapters.sql.many import Many, OfThese, added, inserted

LINE = Table(
    "straight_line",
    MetaData(),
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("word", String(20), nullable=False, unique=True),
    prefixes=["TEMPORARY"],
)
INTO = inserted(LINE, "id", "word")
ONE = added(LINE, "id", "word")
ALL = Many(lambda _: select(LINE.c.id, LINE.c.word).where(LINE.c.id >= bindparam("least")), ("least",))
NOBODY = "Nel Invented"

FAILS_ON_THE_SECOND = {
    "sqlite": "SELECT abs(-9223372036854775806 - id) FROM straight_line ORDER BY id",
    "postgresql": "SELECT 1 / (2 - id) FROM straight_line ORDER BY id",
}

SENT: list[Callable[[Connection], object]] = [
    lambda connection: INTO.execute(connection, [(3, NOBODY)]),
    lambda connection: INTO.execute(connection, [(3, "c"), (4, NOBODY)]),
    lambda connection: ONE.one(connection, (3, NOBODY)),
]


@pytest.fixture
def url(tmp_path: Path, database_url: str | None) -> str:
    return database_url or f"sqlite:///{tmp_path / 'hub.db'}"


@pytest.fixture
def connection(url: str) -> Iterator[Connection]:
    """With two rows; a transaction is to begin."""
    engine = make_engine(url)
    with engine.connect() as opened:
        LINE.create(opened)
        INTO.execute(opened, [(1, "a"), (2, NOBODY)])
        opened.commit()
        yield opened
    engine.dispose()


def test_what_is_sent_is_there_and_is_counted(connection: Connection) -> None:
    assert INTO.execute(connection, [(3, "c")]) == 1
    assert INTO.execute(connection, [(4, "d"), (5, "e")]) == 2
    assert INTO.execute(connection, []) == 0
    assert ONE.one(connection, (6, "f")) == 6
    assert [row[0] for row in ALL.rows(connection, (1,))] == [1, 2, 3, 4, 5, 6]
    connection.rollback()
    assert list(map(tuple, ALL.rows(connection, (1,)))) == [(1, "a"), (2, NOBODY)]


def test_one_value_is_asked_for_and_two_are_a_mistake(connection: Connection) -> None:
    ids = Many(lambda _: select(LINE.c.id).where(LINE.c.id >= bindparam("least")), ("least",))
    assert ids.one(connection, (9,)) is None
    assert ids.one(connection, (2,)) == 2
    with pytest.raises(ValueError, match="too many"):
        ids.one(connection, (1,))


@pytest.mark.parametrize(("these", "found"), [([], []), ([2], [2]), ({1}, [1]), ((9,), []), ([2, 1, 9], [1, 2])])
def test_one_is_asked_about_as_several_are(connection: Connection, these: Collection[int], found: list[int]) -> None:
    of = OfThese(lambda these: select(LINE.c.id).where(these(LINE.c.id)).order_by(LINE.c.id))
    assert [row[0] for row in of.rows(connection, these)] == found
    renamed = OfThese(lambda these: update(LINE).where(these(LINE.c.id)).values(id=LINE.c.id + bindparam("by")), "by")
    assert renamed.execute(connection, these, 100) == len(found)
    assert [row[0] for row in of.rows(connection, [one + 100 for one in these])] == [one + 100 for one in found]


@pytest.mark.parametrize("send", SENT, ids=["one row", "rows", "one value"])
def test_a_row_that_may_not_be_is_told_as_such_and_without_its_values(
    connection: Connection, send: Callable[[Connection], object]
) -> None:
    with pytest.raises(IntegrityError) as raised:
        send(connection)
    whole = "".join(traceback.format_exception(raised.value))
    assert "straight_line" in whole
    assert "Invented" not in whole
    assert raised.value.orig is raised.value.__cause__


def test_an_error_in_the_middle_of_an_answer_is_told_as_any_other(connection: Connection) -> None:
    with pytest.raises(DBAPIError):
        straight.rows(connection, FAILS_ON_THE_SECOND[connection.dialect.name])


def test_who_listens_hears_of_each(connection: Connection) -> None:
    heard: list[str] = []
    event.listen(connection.engine, "before_cursor_execute", lambda *told: heard.append(told[2].split()[0]))
    assert INTO.execute(connection, [(3, "c")]) == 1
    assert INTO.execute(connection, [(4, "d"), (5, "e")]) == 2
    assert ONE.one(connection, (6, "f")) == 6
    assert len(ALL.rows(connection, (1,))) == 6
    assert straight.changed(connection, "SAVEPOINT block") in {-1, 0}
    assert heard == ["INSERT", "INSERT", "INSERT", "SELECT", "SAVEPOINT"]


def test_the_first_begins_a_transaction_that_may_write(url: str, connection: Connection) -> None:
    assert not connection.in_transaction()
    ALL.rows(connection, (1,))
    assert connection.in_transaction()
    if url.startswith("sqlite"):
        other = make_engine(url)
        event.listen(other, "checkout", lambda raw, *_: raw.execute("PRAGMA busy_timeout = 1"))
        with other.connect() as second, pytest.raises(Unavailable, match="locked"):
            straight.rows(second, "SELECT 1")
        other.dispose()


def test_a_connection_that_broke_is_told_as_away_and_is_good_again_after_the_transaction(postgres_url: str) -> None:
    engine = make_engine(postgres_url)
    with engine.connect() as connection:
        with pytest.raises(Unavailable):
            straight.rows(connection, "SELECT pg_terminate_backend(pg_backend_pid())")
        assert connection.invalidated
        with pytest.raises(PendingRollbackError):
            straight.rows(connection, "SELECT 1")
        connection.rollback()
        assert straight.rows(connection, "SELECT 1") == [(1,)]
    engine.dispose()
