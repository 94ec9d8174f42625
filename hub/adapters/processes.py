"""The supervisor of ``rpmhub up`` and ``rpmhub demo``: starts processes, restarts what dies, stops all of them."""

import ctypes
import logging
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from hub.services.ports.base import Clock

log = logging.getLogger(__name__)

STOP_WITHIN_S = 4.0
HEALTHY_AFTER_S = 30.0
FIRST_WAIT_S, LONGEST_WAIT_S = 0.5, 30.0
_PR_SET_PDEATHSIG = 1


@dataclass(frozen=True, slots=True)
class Program:
    """A process to keep running: a module of ours and its arguments. Its output goes to ``log_file``, None: to ours."""

    name: str
    module: str
    arguments: Sequence[str] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    log_file: Path | None = None


@dataclass(slots=True)
class _Running:
    program: Program
    process: subprocess.Popen[bytes]
    since: float
    wait_s: float = FIRST_WAIT_S
    again_at: float | None = None


class Supervisor:
    """Keeps programs running until told to stop. It holds no state: killed itself, it takes its children along."""

    def __init__(
        self, programs: Sequence[Program], clock: Clock, tell: Callable[[str], object] = lambda _sentence: None
    ) -> None:
        """``tell`` is handed a sentence when a program ended and is started again."""
        self._programs = programs
        self._tell = tell
        self._clock = clock
        self._running: list[_Running] = []

    def start(self) -> None:
        """Start every program, in order."""
        for program in self._programs:
            self._running.append(_Running(program, _spawn(program), self._clock.monotonic()))

    def run(self, stop: threading.Event) -> None:
        """Watch until ``stop`` is set, then stop every program within a few seconds."""
        try:
            while not stop.wait(0.1):
                for running in self._running:
                    self._watch(running)
        finally:
            self.stop()

    def stop(self) -> None:
        """SIGTERM to all, the last started first; SIGKILL for what has not ended in time."""
        for running in reversed(self._running):
            if running.process.poll() is None:
                running.process.terminate()
        until = self._clock.monotonic() + STOP_WITHIN_S
        for running in self._running:
            try:
                running.process.wait(max(0.0, until - self._clock.monotonic()))
            except subprocess.TimeoutExpired:
                log.warning("did not stop in time", extra={"program": running.program.name})
                running.process.kill()
                running.process.wait()
        self._running.clear()

    def _watch(self, running: _Running) -> None:
        now = self._clock.monotonic()
        if running.again_at is None:
            code = running.process.poll()
            if code is None:
                return
            healthy = now - running.since >= HEALTHY_AFTER_S
            running.wait_s = FIRST_WAIT_S if healthy else min(running.wait_s * 2, LONGEST_WAIT_S)
            running.again_at = now + running.wait_s
            name = running.program.name
            log.error("a program ended and is started again", extra={"program": name, "code": code})
            self._tell(f"{name} ended with status {code} and is started again in {running.wait_s:.0f} s.")
        elif now >= running.again_at:
            running.process, running.since, running.again_at = _spawn(running.program), now, None


def _spawn(program: Program) -> subprocess.Popen[bytes]:
    # -P: a checkout in the current directory is not picked up by accident.
    command = [sys.executable, "-P", "-m", program.module, *program.arguments]
    output = None if program.log_file is None else program.log_file.open("ab")
    try:
        return subprocess.Popen(  # noqa: S603 - our own modules, no shell
            command,
            env={**os.environ, **program.environment},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,  # Ctrl-C reaches the supervisor alone, which stops its children in order
            preexec_fn=_die_with_parent,
        )
    finally:
        if output is not None:
            output.close()


def _die_with_parent() -> None:
    """A supervisor that is killed takes its children along: nobody would restart or stop them (Linux)."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
