"""``rpmhub demo`` as a visitor runs it: it comes up quickly, stops wholly however it is ended, and goes on after."""

import contextlib
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

from hub.adapters.clock import SystemClock, SystemIds
from hub.cli.demo import simulated_devices
from hub.domain.severity import Severity
from tests.servers import free_port

ROOT: Final = Path(__file__).parents[2]
MARK: Final = "FAULT_MARK"
"""An environment name that every process of a run inherits: so that each can be found, whoever its parent is."""
CLOCK = SystemClock()
FIRST_RED_S = 30.0
STOPS_WITHIN_S = 5.0
CAST: Final = len({person.person for device in simulated_devices(1) for person in device.people})
"""Who lives in the simulated homes: each is a patient."""


@dataclass
class Demo:
    """A running demo and the mark of its processes."""

    process: "subprocess.Popen[bytes]"
    mark: str
    port: int

    def end(self, how: signal.Signals) -> float:
        """The seconds from the signal until none of its processes is left."""
        began = CLOCK.monotonic()
        self.process.send_signal(how)
        self.process.wait(3 * STOPS_WITHIN_S)
        comes_true(lambda: not self.running(), 3 * STOPS_WITHIN_S)
        return CLOCK.monotonic() - began

    def running(self) -> list[int]:
        """Its processes that have not ended."""
        found = []
        for entry in Path("/proc").iterdir():
            with contextlib.suppress(OSError):
                if entry.name.isdecimal() and f"{MARK}={self.mark}".encode() in (entry / "environ").read_bytes():
                    found.append(int(entry.name))
        return found


@contextlib.contextmanager
def demo(directory: Path, *options: str) -> Iterator[Demo]:
    """``rpmhub demo`` on a free port; whatever is left of it at the end is killed."""
    port, mark = free_port(), SystemIds().token()
    ours = {name: value for name, value in os.environ.items() if not name.startswith("RPMHUB_")}
    command = [sys.executable, "-P", "-m", "hub.cli", "demo", "--data", str(directory), "--port", str(port), *options]
    with (directory.parent / "demo.log").open("ab") as output:
        process = subprocess.Popen(
            command, env={**ours, "PYTHONPATH": str(ROOT), MARK: mark}, stdout=output, stderr=output
        )
    running = Demo(process, mark, port)
    try:
        yield running
    finally:
        process.kill()
        process.wait()
        for pid in running.running():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


@pytest.mark.timeout(180)
def test_a_demo_begins_stops_goes_on_and_starts_over(tmp_path: Path) -> None:
    directory = tmp_path / "demo"
    with demo(directory) as running:
        assert comes_true(lambda: red_alerts(directory) > 0, FIRST_RED_S)
        assert page_answers(running.port)
        assert comes_true(lambda: bool(ask(directory, FIRST_PAGE)), 5)
        assert len(ask(directory, WITH_DATA)) == CAST
        assert ask(directory, REDS) == {("oxygen-low",)}
        assert ask(directory, GREY) == {("missing-oxygen_saturation", Severity.LOW.value)}
        assert ask(directory, UNUSED) == set()
        assert "A demo runs in" in refused(directory, free_port())
        assert "A demo runs in" in refused(directory, free_port(), "--fresh")
        assert "is taken" in refused(tmp_path / "other", running.port)
        assert page_answers(running.port)
        assert running.end(signal.SIGINT) < STOPS_WITHIN_S
        assert running.process.returncode == 0
    before = {table: identities(directory, table) for table in SEEDED + GROWING}

    with demo(directory) as running:
        assert comes_true(lambda: identities(directory, "journal") > before["journal"], FIRST_RED_S)
        assert {table: identities(directory, table) for table in SEEDED} == {table: before[table] for table in SEEDED}
        assert all(identities(directory, table) >= before[table] for table in GROWING)
        assert running.end(signal.SIGKILL) < STOPS_WITHIN_S

    with demo(directory, "--fresh") as running:
        assert comes_true(lambda: begins_anew(identities(directory, "journal"), before["journal"]), FIRST_RED_S)
        assert len(identities(directory, "patient")) == CAST
        assert running.end(signal.SIGTERM) < STOPS_WITHIN_S
        assert running.process.returncode == 0


def refused(directory: Path, port: int, *options: str) -> str:
    """Why another demo does not start."""
    command = [sys.executable, "-P", "-m", "hub.cli", "demo", "--data", str(directory), "--port", str(port), *options]
    done = subprocess.run(
        command, env=os.environ | {"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False, timeout=20
    )
    assert done.returncode == 1
    return done.stderr


PAGE: Final = "DEMO Riverside RED __:__ ref ____. Reply 1a to take it, 1e to pass on. Next person is paged __:__.%"
FIRST_PAGE: Final = f"SELECT body FROM demo_phone WHERE phone = '+15555550101' AND body LIKE '{PAGE}'"
WITH_DATA: Final = "SELECT DISTINCT patient_id FROM journal WHERE status = 'stored'"
REDS: Final = f"SELECT problem FROM alert WHERE severity = {Severity.RED.value}"
GREY: Final = "SELECT problem, severity FROM alert WHERE kind = 'missing'"
UNUSED: Final = "SELECT code FROM quarantine UNION SELECT status FROM journal WHERE status != 'stored'"

SEEDED: Final = ("patient", "staff", "device", "protocol", "mode")
GROWING: Final = ("journal", "alert")
IDENTITIES: Final = {
    "patient": "SELECT id, mrn FROM patient",
    "staff": "SELECT id, login, password_hash FROM staff",
    "device": "SELECT id, address FROM device",
    "protocol": "SELECT id, sha256, signed_at FROM protocol_version",
    "mode": "SELECT name, value FROM stamp",
    "journal": "SELECT id, spool, seq FROM journal",
    "alert": "SELECT id, ref FROM alert",
}
"""What tells a row from every other, also from one that another run made in its place."""


def identities(directory: Path, table: str) -> set[tuple[object, ...]]:
    """Of the rows there are; none while the database is being made."""
    return ask(directory, IDENTITIES[table])


def begins_anew(rows: set[tuple[object, ...]], before: set[tuple[object, ...]]) -> bool:
    return bool(rows) and rows.isdisjoint(before)


def red_alerts(directory: Path) -> int:
    severity = Severity.RED.value
    return len(ask(directory, f"SELECT id FROM alert WHERE kind = 'clinical' AND severity = {severity}"))


def ask(directory: Path, question: str) -> set[tuple[object, ...]]:
    try:
        with closing(sqlite3.connect(f"file:{directory / 'hub.sqlite3'}?mode=ro", uri=True)) as database:
            return set(database.execute(question))
    except sqlite3.OperationalError:
        return set()


def comes_true(is_so: Callable[[], bool], seconds: float) -> bool:
    """Whether it does in time."""
    until, pause = CLOCK.monotonic() + seconds, threading.Event()
    while not is_so() and CLOCK.monotonic() < until:
        pause.wait(0.1)
    return is_so()


def page_answers(port: int) -> bool:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=5) as answer:
        return bool(answer.status == 200)
