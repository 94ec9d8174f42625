"""The worker as a process of its own, with a copy of the series in an InfluxDB that may hang."""

import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from hub.adapters.clock import SystemClock
from hub.adapters.sql.engine import make_engine
from hub.adapters.sql.unit_of_work import SqlUnitOfWork
from tests.contract.series_rows import MINUTE, NOON, stores
from tests.contract.test_command_line import Operator
from tests.servers_influx import InfluxDB, influxdb

WAIT_S = 60.0


@pytest.fixture
def server() -> Iterator[InfluxDB]:
    with influxdb() as running:
        yield running


@pytest.fixture
def operator(tmp_path: Path, server: InfluxDB) -> Iterator[Operator]:
    somebody = Operator(tmp_path)
    somebody.environment["RPMHUB_SERIES_URL"] = server.url()
    somebody.says("db", "upgrade")
    with (tmp_path / "worker.log").open("wb") as said:
        command = [sys.executable, "-P", "-m", "hub.cli", "worker"]
        process = subprocess.Popen(command, env=somebody.environment, stdout=said, stderr=said)
    yield somebody
    server.thaw()
    process.send_signal(signal.SIGTERM)
    assert process.wait(WAIT_S) == 0, (tmp_path / "worker.log").read_text()[-2000:]


def measured(operator: Operator, first: int, count: int) -> None:
    engine = make_engine(f"sqlite:///{operator.data / 'hub.sqlite3'}")
    with SqlUnitOfWork(engine) as uow:
        readings = [(1, NOON + n * MINUTE, [("pulse_rate", "72")]) for n in range(first, first + count)]
        stores(uow, *readings, first=first)
        uow.commit()
    engine.dispose()


def ask(operator: Operator, question: str) -> int:
    with closing(sqlite3.connect(operator.data / "hub.sqlite3", timeout=30)) as database:
        return int(database.execute(question).fetchone()[0] or 0)


def until(true: Callable[[], bool]) -> None:
    clock, pause = SystemClock(), threading.Event()
    end = clock.monotonic() + WAIT_S
    while not true():
        assert clock.monotonic() < end
        pause.wait(0.1)


COPIED = "SELECT max(journal_id) FROM projection WHERE name = 'copy'"
BEATEN = "SELECT max(at) FROM heartbeat WHERE role = 'worker'"


def test_the_worker_copies_what_comes_and_one_that_hangs_holds_nothing_else_back(
    operator: Operator, server: InfluxDB
) -> None:
    measured(operator, 1, 50)
    until(lambda: ask(operator, COPIED) == 50)
    assert operator.says("series", "verify") == "The copy is the same: 50 samples."
    server.freeze()
    measured(operator, 51, 50)
    beaten = ask(operator, BEATEN)
    until(lambda: ask(operator, BEATEN) >= beaten + 12_000)  # longer than a question to InfluxDB may take
    assert ask(operator, COPIED) == 50
    server.thaw()
    until(lambda: ask(operator, COPIED) == 100)
    assert operator.says("series", "verify") == "The copy is the same: 100 samples."
