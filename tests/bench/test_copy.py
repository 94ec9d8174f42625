"""InfluxDB made anew from the readings of a grown hub; then away while more come, and how soon it holds those too.

The hub's own programs do it: ``rpmhub series rebuild`` and the worker. In the end both hold the same, sample by sample.
"""

import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from hub.adapters.clock import SystemClock
from tests.bench.drain import drained, leave_session
from tests.bench.grown import grow
from tests.bench.record import Figure, Reference, put
from tests.bench.sizes import size
from tests.bench.town import Town, build
from tests.servers import mosquitto
from tests.servers_influx import influxdb

CLOCK = SystemClock()
WAIT_S = 3000.0
HOMES, RUNS = 300, 3


@dataclass(frozen=True, slots=True)
class CopiedTown(Town):
    """Its programs keep a copy in an InfluxDB."""

    url: str = ""

    def environment(self) -> dict[str, str]:
        plain = Town.environment(self)
        return plain | {"RPMHUB_SERIES_URL": self.url} if self.url else plain

    def command(self, *words: str) -> str:
        """What ``rpmhub series ...`` says."""
        program = [sys.executable, "-P", "-m", "hub.cli", "series", *words]
        done = subprocess.run(program, env=self.environment(), capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr[-2000:]
        return done.stdout

    def behind(self) -> int:
        told = self.ask("SELECT (SELECT max(id) FROM journal) - journal_id FROM projection WHERE name = 'copy'")
        return int(told[0][0]) if told else self.last_reading()


@contextmanager
def seconds() -> Iterator[list[float]]:
    """How long the block took, once it is over."""
    took: list[float] = []
    began = CLOCK.monotonic()
    yield took
    took.append(CLOCK.monotonic() - began)


@pytest.mark.timeout(7200)
def test_copy(scratch: Path) -> None:
    plain = build(scratch / "town", HOMES)
    grow(plain, size("COPIED"))
    with influxdb() as server, mosquitto(scratch / "broker") as broker:
        town = CopiedTown(plain.folder, plain.homes, server.url())
        with seconds() as rebuilt:
            town.command("rebuild")
        samples = town.ask("SELECT count(*) FROM reading")[0][0]
        assert town.command("verify") == f"The copy is the same: {samples} samples.\n"
        leave_session(town, broker)
        server.stop()
        alone, beside = [], []
        for run in range(0, 2 * RUNS, 2):
            with replace(town, url="").runs("worker"):
                alone.append(drained(town, broker, size("MISSED"), run, 2 * RUNS).rate)
            with town.runs("worker"):
                beside.append(drained(town, broker, size("MISSED"), run + 1, 2 * RUNS).rate)
        missed = town.behind()
        with town.runs("worker"):
            server.start()
            with seconds() as caught_up:
                until, pause = CLOCK.monotonic() + WAIT_S, threading.Event()
                while town.behind() and CLOCK.monotonic() < until:
                    pause.wait(0.2)
        assert "The copy is the same" in town.command("verify")
    figures = [
        Figure("InfluxDB made anew", "samples/s", [samples / rebuilt[0]]),
        Figure("ingest while InfluxDB is away", "readings/s", beside, reference=Reference("without a copy", alone)),
        Figure("caught up afterwards", "readings/s", [missed / caught_up[0]]),
    ]
    detail = {"readings": size("COPIED"), "samples": samples, "rebuild_s": rebuilt[0], "missed": missed}
    put("copy", figures, scratch, **detail, caught_up_s=caught_up[0], same=True)
