"""Ingest is killed while it moves the WAL into the database: what another program had committed is there and whole.

``FAULT_KILLS`` says how often, ``FAULT_SEED`` how soon after it has begun.
"""

import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from random import Random  # noqa: TID251 - seeded here
from typing import Any

import pytest

from hub.adapters.clock import SystemClock
from hub.adapters.sql.engine import CHECKPOINT_PAGES, SPARE_PAGES, sqlite_driver
from tests.faults.clinic import Clinic, clinic
from tests.faults.record import count_of, record
from tests.faults.test_disk_errors import DEVICES

KILLS, SEED = count_of("FAULT_KILLS", 4), count_of("FAULT_SEED", 1)
ROWS, ROW_BYTES = 500, 4000
"""A page each, written anew each time: the WAL grows, the database does not."""

EVERY_S, WHILE_IT_MOVES_S = 0.05, 0.1
CLOCK = SystemClock()


class Filler:
    """A table that another program writes over and over, without ever moving the WAL itself."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self._writes = 0
        for pragma in ("synchronous = EXTRA", "wal_autocheckpoint = 0"):
            connection.execute(f"PRAGMA {pragma}")
        connection.execute("CREATE TABLE filler (n INTEGER PRIMARY KEY, written INTEGER, x BLOB)")
        rows = [(number, 0, bytes(ROW_BYTES)) for number in range(ROWS)]
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany("INSERT INTO filler VALUES (?, ?, ?)", rows)
        connection.execute("COMMIT")

    def write(self) -> None:
        """All of it anew."""
        self._writes += 1
        self._connection.execute("UPDATE filler SET written = ?, x = randomblob(?)", (self._writes, ROW_BYTES))

    def until_it_moves(self) -> None:
        """Goes on writing until somebody has begun to copy what is there now, long before any writer would."""
        before, pause = self.moved()[1], threading.Event()
        while (moved := self.moved())[1] == before:
            assert moved[0] < SPARE_PAGES, "nobody moves it"
            self.write()
            pause.wait(EVERY_S)

    def moved(self) -> tuple[int, int]:
        """Pages in the WAL, and those of them that are copied."""
        _, length, copied = self._connection.execute("PRAGMA wal_checkpoint(NOOP)").fetchone()
        return length, copied

    def is_moved(self) -> bool:
        """But for what may still gather."""
        length, copied = self.moved()
        return length - copied < CHECKPOINT_PAGES

    def lost(self) -> int:
        """Rows that are not as they were written last."""
        found = self._connection.execute("SELECT written, length(x) FROM filler").fetchall()
        return ROWS - found.count((self._writes, ROW_BYTES))


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Clinic]:
    with clinic(tmp_path, DEVICES) as made:
        yield made


@pytest.mark.timeout(60 + 10 * KILLS)
def test_who_is_killed_while_the_wal_is_moved_takes_nothing_along(place: Clinic) -> None:
    began, chance, pause = CLOCK.monotonic(), Random(SEED), threading.Event()  # noqa: S311 - a run can be told again
    lost = broken = 0
    file = str(place.settings.database_file)
    with closing(sqlite_driver().connect(file, isolation_level=None)) as connection:
        filler = Filler(connection)
        ingest = place.program("ingest", "hub.cli", "ingest")
        for _ in range(KILLS):
            ingest.start()
            filler.until_it_moves()
            filler.write()
            pause.wait(chance.uniform(0, WHILE_IT_MOVES_S))
            ingest.kill()
            lost += filler.lost()
            broken += connection.execute("PRAGMA quick_check").fetchone() != ("ok",)
        ingest.start()
        filler.until_it_moves()
        while not filler.is_moved():
            pause.wait(EVERY_S)
        assert ingest.stop() == 0
    record("wal_kills", trials=KILLS, lost=lost, doubled=0, broken=broken, began=began)
    assert (lost, broken) == (0, 0)
