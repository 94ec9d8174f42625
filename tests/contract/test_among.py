"""``column IN (...)`` as one parameter: what either database makes of it, and that it is compiled once."""

from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import BigInteger, Column, Connection, MetaData, String, Table, insert, select, update
from sqlalchemy.engine.interfaces import CacheStats

from hub.adapters.sql.among import among
from hub.adapters.sql.engine import make_engine

LINE = Table(
    "among_these",
    MetaData(),
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("word", String(20)),
    prefixes=["TEMPORARY"],
)
WORDS = ["plain", "it's", 'a "b"', "Zoë ▲", "{1,2}", r"back\slash", "NULL", ""]

NUMBERED = select(LINE.c.number).where(among(LINE.c.number)).order_by(LINE.c.number)
WORDED = select(LINE.c.number).where(among(LINE.c.word, "words")).order_by(LINE.c.number)
BOTH = select(LINE.c.number).where(among(LINE.c.number), among(LINE.c.word, "words"))


@pytest.fixture
def connection(tmp_path: Path, database_url: str | None) -> Iterator[Connection]:
    """With eight rows, numbered from 1."""
    engine = make_engine(database_url or f"sqlite:///{tmp_path / 'hub.db'}")
    with engine.connect() as opened:
        LINE.create(opened)
        opened.execute(insert(LINE), [{"number": at, "word": word} for at, word in enumerate(WORDS, 1)])
        yield opened
    engine.dispose()


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ([], []),
        ([3], [3]),
        ((8, 1, 99), [1, 8]),
        ([2, 2, 2], [2]),
        ({4, 5}, [4, 5]),
        ({6: "six"}.keys(), [6]),
        ([2**53 + 1, 7], [7]),
        (range(100_000), [1, 2, 3, 4, 5, 6, 7, 8]),
    ],
    ids=["none", "one", "some", "twice", "a set", "keys", "large", "many"],
)
def test_rows_whose_number_is_one_of_those_given(
    connection: Connection, given: Collection[int], found: list[int]
) -> None:
    assert list(connection.execute(NUMBERED, {"ids": given}).scalars()) == found


@pytest.mark.parametrize("word", WORDS)
def test_words_are_taken_as_they_are(connection: Connection, word: str) -> None:
    these = {"words": [word, "nowhere"]}
    assert list(connection.execute(WORDED, these).scalars()) == [WORDS.index(word) + 1]


def test_no_word_is_no_row(connection: Connection) -> None:
    assert list(connection.execute(WORDED, {"words": []}).scalars()) == []


def test_two_lists_in_one_statement_are_told_apart_by_their_names(connection: Connection) -> None:
    these = {"ids": [1, 2, 3], "words": ["it's", "NULL"]}
    assert list(connection.execute(BOTH, these).scalars()) == [2]


def test_it_says_which_rows_to_change_and_can_be_negated(connection: Connection) -> None:
    changed = connection.execute(update(LINE).where(among(LINE.c.number)), {"ids": [1, 2, 99], "word": "new"})
    assert changed.rowcount == 2
    others = select(LINE.c.number).where(~among(LINE.c.number), LINE.c.word == "new")
    assert list(connection.execute(others, {"ids": [1]}).scalars()) == [2]


def test_a_statement_is_compiled_once_however_many_values_it_is_given(connection: Connection) -> None:
    results = [connection.execute(NUMBERED, {"ids": list(range(count))}) for count in (1, 0, 2, 500)]
    contexts: list[Any] = [result.context for result in results]
    assert [context.cache_hit for context in contexts[1:]] == [CacheStats.CACHE_HIT] * 3


def test_an_index_answers_it(connection: Connection) -> None:
    compiled: Any = NUMBERED.compile(dialect=connection.dialect)
    if connection.dialect.name == "sqlite":
        plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {compiled}", ("[1,2]",)).all()
        assert "SEARCH among_these USING" in str(plan)
    else:
        connection.exec_driver_sql("SET LOCAL enable_seqscan = off")  # eight rows are read faster without
        plan = connection.exec_driver_sql(f"EXPLAIN {compiled}", {"ids": [1, 2]}).all()
        assert "Index Cond: (number = ANY" in str(plan)
