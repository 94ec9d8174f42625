"""The supervisor over real processes: what dies comes back, what is told to stop stops, nothing outlives it."""

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from hub.adapters.clock import SystemClock
from hub.adapters.processes import STOP_WITHIN_S, Program, Supervisor

WAIT = 15.0
WRITES_ITS_PID = """
import os, signal, sys, time
open(sys.argv[1], "a").write(f"{os.getpid()}\\n")
if len(sys.argv) > 2: signal.signal(signal.SIGTERM, signal.SIG_IGN)
signal.pause()
"""


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A module that writes its pid and waits."""
    (tmp_path / "patient_program.py").write_text(WRITES_ITS_PID)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    return "patient_program"


def pids(file: Path, count: int) -> list[int]:
    """The pids written so far, once there are ``count``."""
    poll = threading.Event()
    deadline = SystemClock().monotonic() + WAIT
    while SystemClock().monotonic() < deadline:
        lines = file.read_text().split() if file.exists() else []
        if len(lines) >= count:
            return [int(line) for line in lines]
        poll.wait(0.02)
    pytest.fail(f"{count} starts were expected within {WAIT} s")


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def watched(*programs: Program) -> tuple[threading.Event, threading.Thread, list[str]]:
    told: list[str] = []
    stop = threading.Event()
    supervisor = Supervisor(programs, SystemClock(), told.append)
    supervisor.start()
    thread = threading.Thread(target=supervisor.run, args=(stop,))
    thread.start()
    return stop, thread, told


def test_a_program_that_is_killed_is_started_again_and_said_so(tmp_path: Path, module: str) -> None:
    file = tmp_path / "pids"
    stop, thread, told = watched(Program("patient", module, (str(file),)))
    (first,) = pids(file, 1)
    os.kill(first, signal.SIGKILL)
    second = pids(file, 2)[1]
    stop.set()
    thread.join(WAIT)
    assert told == ["patient ended with status -9 and is started again in 1 s."]
    assert not alive(second)


def test_what_ignores_the_wish_to_stop_is_killed_in_time(tmp_path: Path, module: str) -> None:
    file = tmp_path / "pids"
    stop, thread, _ = watched(Program("stubborn", module, (str(file), "stubborn")))
    (pid,) = pids(file, 1)
    began = SystemClock().monotonic()
    stop.set()
    thread.join(WAIT)
    assert SystemClock().monotonic() - began < STOP_WITHIN_S + 1
    assert not alive(pid)


def test_a_supervisor_that_is_killed_takes_its_children_along(tmp_path: Path, module: str) -> None:
    file = tmp_path / "pids"
    script = (
        "import threading\n"
        "from hub.adapters.clock import SystemClock\n"
        "from hub.adapters.processes import Program, Supervisor\n"
        f"supervisor = Supervisor([Program('patient', {module!r}, ({str(file)!r},))], SystemClock())\n"
        "supervisor.start()\n"
        "supervisor.run(threading.Event())\n"
    )
    supervisor = subprocess.Popen([sys.executable, "-c", script])
    (pid,) = pids(file, 1)
    supervisor.kill()
    supervisor.wait(WAIT)
    deadline, poll = SystemClock().monotonic() + WAIT, threading.Event()
    while alive(pid) and SystemClock().monotonic() < deadline:
        poll.wait(0.02)
    assert not alive(pid)
