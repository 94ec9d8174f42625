"""The WAL stays short: what is written comes to be in the database, and what it had grown is given back."""

import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, text

from hub.adapters.sql import checkpoints as copying
from hub.adapters.sql import engine as module
from hub.adapters.sql import wal_room
from hub.adapters.sql.checkpoints import Checkpoints, checkpointing
from hub.adapters.sql.engine import PAGE_BYTES, make_engine, read_only, sqlite_driver
from hub.adapters.sql.wal_room import FRAME_BYTES, make_room

ROUNDS, PAGES = 40, 10
SHORT, LONG, SPARE = 20, 60, 100
"""Pages of a pass, of a WAL that must begin anew, and of one that whoever writes moves."""

ROOM = 150
"""Pages that a WAL is laid out for."""


@pytest.fixture(autouse=True)
def _short(monkeypatch: pytest.MonkeyPatch) -> None:
    for where in (module, copying):
        monkeypatch.setattr(where, "CHECKPOINT_PAGES", SHORT)
        monkeypatch.setattr(where, "LONG_PAGES", LONG)
    monkeypatch.setattr(module, "SPARE_PAGES", SPARE)
    monkeypatch.setattr(copying, "NEARLY_NONE", 2)
    monkeypatch.setattr(copying, "LITTLE", 4)
    monkeypatch.setattr(wal_room, "ROOM_PAGES", ROOM)


def opened(tmp_path: Path, *, checkpoints: bool) -> Engine:
    made = make_engine(f"sqlite:///{tmp_path / 'hub.db'}", checkpoints=checkpoints)
    with made.begin() as connection:
        connection.execute(text("CREATE TABLE t (x)"))
    return made


@pytest.fixture(params=[True, False], ids=["alone", "another"])
def engine(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Engine]:
    made = opened(tmp_path, checkpoints=request.param)
    yield made
    made.dispose()


@pytest.fixture
def writer(tmp_path: Path) -> Iterator[Engine]:
    made = opened(tmp_path, checkpoints=False)
    yield made
    made.dispose()


@pytest.fixture
def beside(writer: Engine) -> Iterator[Any]:
    """A connection that moves the WAL of ``writer``."""
    with closing(sqlite_driver().connect(str(writer.url.database), isolation_level=None, timeout=0)) as connection:
        yield connection


def write(engine: Engine, rounds: int, pages: int = PAGES) -> None:
    for _ in range(rounds):
        with engine.begin() as connection:
            connection.execute(text("INSERT INTO t VALUES (randomblob(:size))"), {"size": pages * PAGE_BYTES})


def wal(engine: Engine) -> int:
    return Path(f"{engine.url.database}-wal").stat().st_size


def left(beside: Any) -> int:
    _, length, copied = beside.execute("PRAGMA wal_checkpoint(NOOP)").fetchone()
    return int(length - copied)


def test_it_does_not_grow_with_what_is_written(engine: Engine, request: pytest.FixtureRequest) -> None:
    write(engine, ROUNDS)
    bound = SHORT if "alone" in request.node.name else SPARE
    assert wal(engine) < (bound + 2 * PAGES) * (PAGE_BYTES + 24) < ROUNDS * PAGES * PAGE_BYTES


def test_what_a_long_question_made_it_grow_is_given_back(engine: Engine) -> None:
    with read_only(engine).connect() as reader:
        reader.execute(text("SELECT count(*) FROM t")).scalar_one()
        write(engine, ROUNDS)
        assert wal(engine) > ROUNDS * PAGES * PAGE_BYTES
    write(engine, 3)
    assert wal(engine) <= 2 * LONG * PAGE_BYTES + PAGES * (PAGE_BYTES + 24)


def test_little_is_left_to_gather(writer: Engine, beside: Any) -> None:
    write(writer, 1)
    before = left(beside)
    Checkpoints(beside, threading.Event()).look()
    assert 0 < left(beside) == before < SHORT


def test_beside_a_writer_it_does_not_grow_with_what_is_written(writer: Engine, beside: Any) -> None:
    checkpoints = Checkpoints(beside, threading.Event())
    for _ in range(ROUNDS):
        write(writer, 1)
        checkpoints.look()
        assert left(beside) < SHORT
    assert wal(writer) < (SHORT + 2 * PAGES) * (PAGE_BYTES + 24)


def test_a_writer_in_the_middle_is_not_held_up_until_it_is_long(writer: Engine, beside: Any) -> None:
    checkpoints = Checkpoints(beside, threading.Event())
    write(writer, 3)
    with writer.begin() as connection:
        connection.execute(text("INSERT INTO t VALUES (1)"))
        checkpoints.look()
        assert left(beside) == 0  # copied all the same; the lock was asked for, in vain
    write(writer, 1)
    assert wal(writer) > 3 * PAGES * PAGE_BYTES


def test_a_long_one_begins_anew_as_soon_as_the_writer_is_done(writer: Engine, beside: Any) -> None:
    checkpoints = Checkpoints(beside, threading.Event())
    writing, ended = threading.Event(), threading.Event()

    def one_more() -> None:
        with writer.begin() as connection:
            connection.execute(text("INSERT INTO t VALUES (1)"))
            writing.set()
            ended.wait(0.005)

    with read_only(writer).connect() as reader:  # keeps it from beginning anew
        reader.execute(text("SELECT count(*) FROM t")).scalar_one()
        write(writer, 7)
    thread = threading.Thread(target=one_more)
    thread.start()
    writing.wait()
    checkpoints.look()
    thread.join()
    assert checkpoints.length > LONG
    assert left(beside) == 0
    write(writer, 1)
    assert 0 < left(beside) < 2 * PAGES  # nothing but what was written since


def test_what_somebody_reads_stays_and_nobody_waits_for_it(writer: Engine, beside: Any) -> None:
    checkpoints = Checkpoints(beside, threading.Event())
    with read_only(writer).connect() as reader:
        seen = reader.execute(text("SELECT count(*) FROM t")).scalar_one()
        write(writer, 7)
        checkpoints.look()
        write(writer, 1)
        checkpoints.look()
        assert reader.execute(text("SELECT count(*) FROM t")).scalar_one() == seen
        assert left(beside) > SHORT
    checkpoints.look()
    assert left(beside) == 0


def test_a_thread_of_its_own_looks_by_itself(writer: Engine, beside: Any) -> None:
    write(writer, 3)
    with checkpointing(f"sqlite:///{writer.url.database}"):
        while left(beside):
            threading.Event().wait(0.005)
    assert not [thread for thread in threading.enumerate() if thread.name == "checkpoints"]


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (sqlite_driver().OperationalError("database or disk is full"), "the WAL was not moved"),
        (MemoryError(), "what moves the WAL begins anew"),
    ],
)
def test_what_cannot_be_moved_is_told_and_tried_again(
    writer: Engine,
    beside: Any,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    error: Exception,
    told: str,
) -> None:
    monkeypatch.setattr(copying, "LOOK_SELDOM_S", 0.001)
    fails, really = iter([error] * 2), Checkpoints.look

    def look(checkpoints: Checkpoints) -> None:
        for one in fails:
            raise one
        really(checkpoints)

    monkeypatch.setattr(Checkpoints, "look", look)
    write(writer, 3)
    with checkpointing(f"sqlite:///{writer.url.database}"):
        while left(beside):
            threading.Event().wait(0.005)
    assert [record.getMessage() for record in caplog.records] == [told] * 2


def laid_out(writer: Engine, beside: Any) -> None:
    beside.execute("PRAGMA busy_timeout = 5000")
    make_room(beside, Path(str(writer.url.database)))


def test_what_is_written_finds_room_and_makes_no_file_longer(writer: Engine, beside: Any) -> None:
    with writer.connect() as connection:  # of the small WAL of these tests so much would be given back
        connection.exec_driver_sql("PRAGMA journal_size_limit = -1")
    write(writer, 1)
    laid_out(writer, beside)
    long = wal(writer)
    assert long >= ROOM * FRAME_BYTES
    write(writer, ROOM // PAGES - 2)
    assert wal(writer) == long


def test_room_is_made_once(writer: Engine, beside: Any) -> None:
    laid_out(writer, beside)
    with writer.begin() as connection:  # whoever writes now is not waited for
        connection.execute(text("INSERT INTO t VALUES (1)"))
        make_room(beside, Path(str(writer.url.database)))


def test_whoever_finds_the_files_as_they_lie_there_finds_nothing_of_what_made_room(
    writer: Engine, beside: Any, tmp_path: Path
) -> None:
    write(writer, 2)
    laid_out(writer, beside)
    copy = tmp_path / "copy.db"
    for part in ("", "-wal"):
        Path(f"{copy}{part}").write_bytes(Path(f"{writer.url.database}{part}").read_bytes())
    for file in (copy, writer.url.database):
        with closing(sqlite_driver().connect(str(file))) as connection:
            assert connection.execute("SELECT name FROM sqlite_schema").fetchall() == [("t",)]
            assert connection.execute("SELECT count(*) FROM t").fetchone() == (2,)
            assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_a_disk_that_is_nearly_full_is_left_alone(writer: Engine, beside: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wal_room, "PLENTY", 2**50)
    before = wal(writer)
    laid_out(writer, beside)
    assert wal(writer) == before


@pytest.mark.parametrize("error", [sqlite_driver().OperationalError("database or disk is full"), OSError("I/O error")])
def test_where_no_room_can_be_made_the_wal_is_moved_all_the_same(
    writer: Engine, beside: Any, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def refused(*_: Any) -> None:
        raise error

    monkeypatch.setattr(copying, "make_room", refused)
    write(writer, 3)
    with checkpointing(f"sqlite:///{writer.url.database}"):
        while left(beside):
            threading.Event().wait(0.005)
    assert [record.getMessage() for record in caplog.records] == ["the WAL is not laid out"]


def test_postgresql_needs_no_help() -> None:
    with checkpointing("postgresql://nobody@localhost/none"):
        assert not [thread for thread in threading.enumerate() if thread.name == "checkpoints"]
