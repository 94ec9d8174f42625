"""The WAL stays short: whoever writes moves it into the database in the end, and gives back what it had grown."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from hub.adapters.sql import engine as module
from hub.adapters.sql.engine import PAGE_BYTES, make_engine, read_only

ROUNDS, PAGES = 40, 10


@pytest.fixture(autouse=True)
def _short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "CHECKPOINT_PAGES", 20)
    monkeypatch.setattr(module, "SPARE_PAGES", 100)


@pytest.fixture(params=[True, False], ids=["ingest", "another"])
def engine(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Engine]:
    made = make_engine(f"sqlite:///{tmp_path / 'hub.db'}", checkpoints=request.param)
    with made.begin() as connection:
        connection.execute(text("CREATE TABLE t (x)"))
    yield made
    made.dispose()


def write(engine: Engine, rounds: int) -> None:
    for _ in range(rounds):
        with engine.begin() as connection:
            connection.execute(text("INSERT INTO t VALUES (randomblob(:size))"), {"size": PAGES * PAGE_BYTES})


def wal(engine: Engine) -> int:
    return Path(f"{engine.url.database}-wal").stat().st_size


def test_it_does_not_grow_with_what_is_written(engine: Engine, request: pytest.FixtureRequest) -> None:
    write(engine, ROUNDS)
    bound = 20 if "ingest" in request.node.name else 100
    assert wal(engine) < (bound + 2 * PAGES) * (PAGE_BYTES + 24) < ROUNDS * PAGES * PAGE_BYTES


def test_what_a_long_question_made_it_grow_is_given_back(engine: Engine) -> None:
    with read_only(engine).connect() as reader:
        reader.execute(text("SELECT count(*) FROM t")).scalar_one()
        write(engine, ROUNDS)
        assert wal(engine) > ROUNDS * PAGES * PAGE_BYTES
    write(engine, 3)
    assert wal(engine) <= max(2 * 20, 3 * PAGES) * (PAGE_BYTES + 24) * 2
