"""How long a worker takes from its start to its first tick on a database of many readings, and a check takes.

After a clean stop the file is read behind the worker's back, after an unclean one before it serves. That is measured
with fewer: of tens of millions it takes the better part of an hour.
"""

import json
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from hub.adapters.clock import SystemClock
from hub.adapters.sql.engine import sqlite_driver
from hub.services.engine.soundness import ROLE
from tests.bench.conftest import Past
from tests.bench.record import Figure, Reference, at_most, put
from tests.bench.sizes import size
from tests.bench.town import Town, build

RUNS = 3
CLOCK = SystemClock()
WAIT_S = 3600.0


def ask(file: Path, question: str) -> Any:
    with closing(sqlite_driver().connect(f"file:{file}?mode=ro", uri=True, timeout=30)) as connection:
        row = connection.execute(question).fetchone()
        return None if row is None else row[0]


def comes_true(is_so: Callable[[], bool]) -> float:
    """Seconds until it did."""
    began, pause = CLOCK.monotonic(), threading.Event()
    while not is_so():
        assert CLOCK.monotonic() - began < WAIT_S
        pause.wait(0.02)
    return CLOCK.monotonic() - began


def beaten(file: Path, role: str, since: datetime) -> Callable[[], bool]:
    milliseconds = since.timestamp() * 1000
    return lambda: (ask(file, f"SELECT max(at) FROM heartbeat WHERE role = '{role}'") or 0) > milliseconds


def worker(town: Town) -> subprocess.Popen[bytes]:
    with (town.folder / "worker.log").open("ab") as said:
        command = [sys.executable, "-P", "-m", "hub.cli", "worker"]
        return subprocess.Popen(command, env=town.environment(), stdout=said, stderr=said)


def started(town: Town, end: signal.Signals, *, checked: bool) -> tuple[float, float | None]:
    """Seconds from a worker's start to its first tick; and, if it may go on until then, what its check took."""
    since, process, took = CLOCK.now(), worker(town), None
    try:
        first = comes_true(beaten(town.file, "worker", since))
        if checked:
            comes_true(beaten(town.file, ROLE, since))
            detail = json.loads(ask(town.file, f"SELECT detail FROM heartbeat WHERE role = '{ROLE}'"))
            assert detail["sound_at"] is not None, detail
            took = detail["took_s"]
    finally:
        process.send_signal(end)
        process.wait(WAIT_S)
    return first, took


@pytest.mark.timeout(6 * 3600)
def test_start(scratch: Path, past: Past) -> None:
    new, town = build(scratch / "new", 1), past.to(size("CHECKED"))
    empty = Reference("on an empty database", [started(new, signal.SIGTERM, checked=False)[0] for _ in range(RUNS)])
    checked, read_mb = town.last_reading(), _megabytes(town)
    _, behind = started(town, signal.SIGKILL, checked=True)
    unclean, before = started(town, signal.SIGTERM, checked=True)
    assert behind is not None
    assert before is not None
    town = past.to(size("READINGS"))
    clean = [started(town, signal.SIGTERM, checked=False)[0] for _ in range(RUNS)]
    figures = [
        Figure("start to first tick after a clean stop", "s", clean, at_most(3), empty),
        Figure(f"check behind its back, {checked:,} readings", "s", [behind]),
        Figure(f"start to first tick after an unclean stop, {checked:,} readings", "s", [unclean], reference=empty),
        Figure(f"check before it serves, {checked:,} readings", "s", [before]),
    ]
    there = {"readings": town.last_reading(), "file_mb": _megabytes(town), "built": past.built}
    put("start", figures, scratch, **there, checked=checked, checked_mb=read_mb)


def _megabytes(town: Town) -> int:
    return round(town.file.stat().st_size / 1e6)
