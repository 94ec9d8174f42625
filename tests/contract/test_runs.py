"""Rows of many numbers as SQLite finds them soonest: the same rows as one by one."""

from collections.abc import Collection, Iterator
from pathlib import Path

import pytest
from sqlalchemy import BigInteger, Column, Connection, MetaData, Table, insert, select

from hub.adapters.sql.among import among
from hub.adapters.sql.engine import make_engine
from hub.adapters.sql.runs import of_runs, runs

FAR = 2**53 + 1
LINE = Table(
    "of_these",
    MetaData(),
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    prefixes=["TEMPORARY"],
)
NUMBERED = select(LINE.c.number).order_by(LINE.c.number)


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[Connection]:
    """With the numbers from 1 to 12, but not 5, and some that no float can tell apart."""
    engine = make_engine(f"sqlite:///{tmp_path / 'hub.db'}")
    with engine.connect() as opened:
        LINE.create(opened)
        there = [*range(1, 5), *range(6, 13), *range(FAR - 2, FAR + 3)]
        opened.execute(insert(LINE), [{"number": number} for number in there])
        yield opened
    engine.dispose()


@pytest.mark.parametrize(
    "given",
    [
        [],
        [3],
        [5],
        (8, 1, 99, 2),
        [2, 2, 3, 3],
        {4, 6, 7},
        {11: "eleven", 12: "twelve"}.keys(),
        [-3, -2, 0],
        [FAR],
        [FAR + 1, FAR, 7],
        range(100_000),
        range(0, 100_000, 2),
    ],
    ids=[
        "none",
        "one",
        "an absent one",
        "unordered",
        "twice",
        "a set",
        "keys",
        "below",
        "large",
        "large ones",
        "many",
        "no neighbours",
    ],
)
def test_the_same_rows_as_one_by_one(connection: Connection, given: Collection[int]) -> None:
    one_by_one = connection.execute(NUMBERED.where(among(LINE.c.number)), {"ids": given}).scalars().all()
    assert one_by_one == [number for number in connection.execute(NUMBERED).scalars() if number in given]
    assert connection.execute(of_runs(NUMBERED, LINE.c.number), {"ids": given}).scalars().all() == one_by_one


def test_a_run_is_its_first_and_its_last() -> None:
    assert runs([7, 1, 3, 2, 2, 9, 10]) == {1: 3, 7: 7, 9: 10}
    assert runs(range(1, 10_001)) == {1: 10_000}
    assert runs([-2, -1, 0]) == {-2: 0}
    assert runs([]) == {}
