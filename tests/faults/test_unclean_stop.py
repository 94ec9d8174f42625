"""Real programs that are killed, on files that are really damaged: read first, or refused; after SIGTERM neither."""

import os
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import msgspec
import pytest
from sqlalchemy import func, select

from hub.adapters.clock import SystemClock
from hub.adapters.database_file.marks import Marks
from hub.adapters.sql.engine import make_engine, sqlite_driver
from hub.adapters.sql.tables.measurements import journal
from hub.adapters.sql.tables.operations import heartbeat
from hub.services.engine.soundness import ROLE
from tests.faults.clinic import Clinic, Program, clinic
from tests.faults.cuffs import WELL, Cuffs

DEVICE = "CF-1"
READ_FIRST, REFUSED = "it is read whole", "is damaged"
CLOCK = SystemClock()
WITHIN_S = 30.0


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Clinic]:
    with clinic(tmp_path, [DEVICE]) as made:
        yield made


def comes_true(is_so: Callable[[], bool]) -> bool:
    until, pause = CLOCK.monotonic() + WITHIN_S, threading.Event()
    while CLOCK.monotonic() < until:
        if is_so():
            return True
        pause.wait(0.05)
    return False


def database(place: Clinic) -> Path:
    file = place.settings.database_file
    assert file is not None
    return file


def starts(place: Clinic, program: Program, role: str) -> str:
    """Start it and wait for its first sign of life; what it said."""
    said = program.log.stat().st_size if program.log.exists() else 0
    began = CLOCK.now()
    program.start()
    alive = select(func.count()).select_from(heartbeat).where(heartbeat.c.role == role, heartbeat.c.at > began)

    def beaten() -> bool:
        with place.reading.connect() as connection:
            return connection.execute(alive).scalar_one() > 0

    assert comes_true(beaten), program.log.read_text()
    return program.log.read_text()[said:]


def stored(place: Clinic) -> int:
    with place.reading.connect() as connection:
        return connection.execute(select(func.count()).select_from(journal)).scalar_one()


@pytest.mark.parametrize("role", ["ingest", "worker"])
def test_killed_it_reads_the_file_first_and_told_to_stop_it_does_not(place: Clinic, role: str) -> None:
    program = place.program(role, "hub.cli", role)
    assert READ_FIRST not in starts(place, program, role)
    program.kill()
    assert READ_FIRST in starts(place, program, role)
    with place.reading.connect() as connection:
        checks = connection.execute(select(heartbeat.c.detail).where(heartbeat.c.role == ROLE)).scalars().all()
    assert len(checks) == 1, "the verdict is kept"
    assert program.stop() == 0
    assert Marks(database(place)).standing().clean
    assert READ_FIRST not in starts(place, program, role)
    assert program.stop() == 0


def test_one_that_is_killed_among_others_does_not_keep_them_waiting(place: Clinic) -> None:
    ingest, worker = place.program("ingest", "hub.cli", "ingest"), place.program("worker", "hub.cli", "worker")
    starts(place, worker, "worker")
    starts(place, ingest, "ingest")
    ingest.kill()
    assert READ_FIRST not in starts(place, ingest, "ingest")
    assert [ingest.stop(), worker.stop()] == [0, 0]


def test_a_page_of_garbage_is_refused_by_every_role_and_left_as_it_is(place: Clinic) -> None:
    ingest = place.program("ingest", "hub.cli", "ingest")
    starts(place, ingest, "ingest")
    ingest.kill()
    place.engine.dispose()
    file = database(place)
    with closing(sqlite_driver().connect(file)) as whole:
        whole.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        page = whole.execute("SELECT rootpage FROM sqlite_master WHERE name = 'journal'").fetchone()[0]
    with file.open("r+b") as damaged:
        damaged.seek((page - 1) * 4096)
        damaged.write(b"\xa5" * 4096)
    before = file.read_bytes()
    for name, arguments in {
        "ingest": ("hub.cli", "ingest"),
        "worker": ("hub.cli", "worker"),
        "upgrade": ("hub.cli", "db", "upgrade", "--mode", "demo"),
        "web": ("dashboards.wsgi",),
    }.items():
        program = place.program(name, *arguments)
        program.start()
        assert program.wait() == 1
        said = program.log.read_text()
        assert REFUSED in said, name
        assert "newest verified backup" in said, name
    assert file.read_bytes() == before


def test_of_a_truncated_wal_what_is_whole_is_served(place: Clinic, tmp_path: Path) -> None:
    programs = [place.program("gateway", "device_gateway", "run"), place.program("ingest", "hub.cli", "ingest")]
    ingest = programs[1]
    with closing(Cuffs(place.device_broker, tmp_path / "measured.jsonl")) as cuffs:
        starts(place, ingest, "ingest")
        programs[0].start()
        for _ in range(20):
            cuffs.measure(DEVICE, WELL, None, CLOCK.now())
            threading.Event().wait(0.05)
        assert comes_true(lambda: stored(place) == 20)
    for program in programs:
        program.kill()
    everything = stored(place)
    # On a copy: this process has the database open, and would mend what is cut.
    place.settings = msgspec.structs.replace(place.settings, data_dir=str(tmp_path / "copy"))
    copied = shutil.copytree(tmp_path / "hub", tmp_path / "copy", ignore=shutil.ignore_patterns("*-shm"))
    wal = copied / "hub.sqlite3-wal"
    os.truncate(wal, wal.stat().st_size * 2 // 3)
    place.engine.dispose()
    place.engine = make_engine(place.settings.database)
    ingest = place.program("ingest", "hub.cli", "ingest")
    assert READ_FIRST in starts(place, ingest, "ingest")
    with place.reading.connect() as connection:
        ids = connection.execute(select(journal.c.id).order_by(journal.c.id)).scalars().all()
        assert connection.exec_driver_sql("PRAGMA integrity_check").scalar_one() == "ok"
    assert ids == list(range(1, len(ids) + 1)), "a beginning of what was stored, with no hole"
    assert 0 <= len(ids) <= everything
    assert ingest.stop() == 0
