"""The disk fails now and then, when it is written and when it is synced: nothing is acknowledged that is not stored.

The errors are libfiu's, in the ingest process itself. ``FAULT_ERRORS`` says how many commits must fail, of each kind.
"""

import subprocess
import threading
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import func, select

from hub.adapters.clock import SystemClock
from hub.adapters.sql.tables.measurements import journal
from tests.faults.checker import violations
from tests.faults.clinic import Clinic, Program, clinic
from tests.faults.cuffs import WELL, Cuffs
from tests.faults.evidence import Evidence, gather
from tests.faults.killers import poll
from tests.faults.record import count_of, record

ERRORS = count_of("FAULT_ERRORS", 4)
DEVICES = [f"CF-{number}" for number in range(1, 7)]
KINDS = {
    "sync": ("posix/io/sync/fsync", "posix/io/sync/fdatasync"),
    "write": ("posix/io/rw/pwrite",),
}
PROBABILITY = {"sync": 0.6, "write": 0.03}
REFUSED = b"the database cannot take this now"
WITHIN_S = 60.0
CLOCK = SystemClock()


class Disk:
    """Says to a process that runs under ``fiu-run`` which of its calls fail."""

    def __init__(self, directory: Path) -> None:
        self._path = directory / "fiu"
        self.under = ("fiu-run", "-x", "-f", str(self._path))

    def fails(self, program: Program, kind: str) -> None:
        self._say(program, [f"enable_random name={name},probability={PROBABILITY[kind]}" for name in KINDS[kind]])

    def is_well(self, program: Program, kind: str) -> None:
        self._say(program, [f"disable name={name}" for name in KINDS[kind]])

    def _say(self, program: Program, commands: list[str]) -> None:
        options = [part for command in commands for part in ("-c", command)]
        subprocess.run(["fiu-ctrl", *options, "-f", str(self._path), str(program.pid)], check=True)


@pytest.mark.timeout(120 + 4 * ERRORS)
@pytest.mark.parametrize("kind", KINDS)
def test_what_the_disk_did_not_take_is_not_acknowledged_and_is_stored_later(kind: str, tmp_path: Path) -> None:
    began, disk = CLOCK.monotonic(), Disk(tmp_path)
    with clinic(tmp_path, DEVICES) as place, closing(Cuffs(place.device_broker, tmp_path / "measured.jsonl")) as cuffs:
        ingest = place.program("ingest", "hub.cli", "ingest")
        ingest.under = disk.under
        programs = [ingest, place.program("gateway", "device_gateway", "run")]
        for program in programs:
            program.start()
        measured = measure(cuffs)
        assert arrived(place, measured), "it never began"
        disk.fails(ingest, kind)
        while (failed := ingest.log.read_bytes().count(REFUSED)) < ERRORS:
            assert ingest.running, ingest.log.read_text()[-2000:]
            measured += measure(cuffs)
            threading.Event().wait(0.2)
        disk.is_well(ingest, kind)
        cuffs.wait_until_taken(10)
        assert arrived(place, measured), "it does not go on by itself"
        assert poll(place.reading, lambda _: waiting(place) == 0, WITHIN_S, every=0.1)
        assert [program.stop() for program in programs] == [0, 0]
        evidence = gather(place)
    found = violations(evidence)
    record(f"disk_errors_{kind}", trials=failed, began=began, **losses(evidence), violations=len(found))
    assert found == []


def measure(cuffs: Cuffs) -> int:
    """Everybody measures once; how many that are."""
    for device in DEVICES:
        cuffs.measure(device, WELL, None, CLOCK.now())
    return len(DEVICES)


def arrived(place: Clinic, count: int) -> bool:
    rows = select(func.count()).select_from(journal)
    return poll(place.reading, lambda hub: hub.execute(rows).scalar_one() == count, WITHIN_S, every=0.1)


def waiting(place: Clinic) -> int:
    """Readings that the gateway has and the hub did not acknowledge."""
    return sum(one.place == "queue" for one in gather(place).spooled)


def losses(evidence: Evidence) -> dict[str, int]:
    """Of what was acknowledged, and of what was measured."""
    rows = [row.record for row in evidence.journal]
    kept = {one.record for one in evidence.spooled if one.place == "kept"}
    return {"lost": len(kept - set(rows)), "doubled": len(rows) - len(set(rows)), "acknowledged": len(kept)}
