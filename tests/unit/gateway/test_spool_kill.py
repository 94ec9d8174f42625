"""A gateway killed in the middle of storing: whatever `put` had returned for is there, and no number comes twice."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from device_gateway.spool import Limits, Spool
from tests.unit.gateway.parts import NOW, CountingIds

ROOT = Path(__file__).parents[3]
WRITER = """
import sys
from pathlib import Path
from device_gateway.spool import Limits, Spool
from tests.unit.gateway.parts import NOW, CountingIds, measurement

spool = Spool(Path(sys.argv[1]), Limits(), CountingIds(), NOW)
number = int(sys.argv[2])
while True:
    spool.put([measurement(number), measurement(number + 1)], NOW)
    print(number + 1, flush=True)
    if number % 10 == 0:
        spool.acknowledge([row.seq for row in spool.lease(live=True, now=NOW, limit=3)], NOW)
    number += 2
"""


def killed_after(directory: Path, first: int, lines: int) -> int:
    """Runs a writer, kills it after so many puts, and returns the last number it said was stored."""
    command = [sys.executable, "-c", WRITER, str(directory), str(first)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        for _ in range(lines):
            writer.stdout.readline()
        writer.kill()
        said = writer.stdout.read().split()
    return int(said[-1]) if said else first + 2 * lines - 1


@pytest.mark.timeout(120)
def test_nothing_that_was_stored_is_lost(tmp_path: Path) -> None:
    stored = 0
    for lines in (1, 7, 20, 33, 50):
        stored = max(stored, killed_after(tmp_path, stored + 1, lines))
        spool = Spool(tmp_path, Limits(), CountingIds(), NOW)
        report = spool.report()
        found = report.depth + report.kept
        spool.close()
        assert stored <= found <= stored + 2  # the last put may have been stored without the word getting out
        stored = found

    spool = Spool(tmp_path, Limits(), CountingIds(), NOW)
    spool.replay(NOW)
    seqs: list[int] = []
    numbers: list[int] = []
    while rows := spool.lease(live=False, now=NOW.replace(year=2030)):
        seqs += [row.seq for row in rows]
        numbers += [int(json.loads(row.body)["record"]) for row in rows]

    assert set(numbers) >= set(range(1, stored - 1))
    assert len(seqs) == len(set(seqs))
    assert numbers == sorted(numbers)
    spool.close()
