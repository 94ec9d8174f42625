"""Ingest stands still now and then, its writer or its receiver, as on a machine that swaps; then it goes on.

``FAULT_STALLS`` says how often, ``FAULT_SEED`` for how long.
"""

import os
import signal
import threading
from contextlib import closing
from pathlib import Path
from random import Random  # noqa: TID251 - seeded here

import pytest

from hub.adapters.clock import SystemClock
from tests.faults.checker import violations
from tests.faults.clinic import clinic
from tests.faults.cuffs import Cuffs
from tests.faults.evidence import gather
from tests.faults.killers import poll
from tests.faults.record import count_of, record
from tests.faults.test_disk_errors import DEVICES, WITHIN_S, arrived, losses, measure, waiting
from tests.servers import stand_still

STALLS, SEED = count_of("FAULT_STALLS", 6), count_of("FAULT_SEED", 1)
STANDS_S = (0.1, 3.0)
CLOCK = SystemClock()


@pytest.mark.timeout(120 + 6 * STALLS)
def test_who_stands_still_for_a_while_loses_nothing(tmp_path: Path) -> None:
    began, chance, pause = CLOCK.monotonic(), Random(SEED), threading.Event()  # noqa: S311 - a run can be told again
    with clinic(tmp_path, DEVICES) as place, closing(Cuffs(place.device_broker, tmp_path / "measured.jsonl")) as cuffs:
        ingest = place.program("ingest", "hub.cli", "ingest")
        programs = [ingest, place.program("gateway", "device_gateway", "run")]
        for program in programs:
            program.start()
        measured = measure(cuffs)
        assert arrived(place, measured), "it never began"
        for number in range(STALLS):
            measured += measure(cuffs)
            pause.wait(chance.uniform(0, 0.1))
            (receiver,) = map(int, Path(f"/proc/{ingest.pid}/task/{ingest.pid}/children").read_text().split())
            stalled = receiver if number % 2 else ingest.pid
            stand_still(stalled)
            measured += measure(cuffs)
            pause.wait(chance.uniform(*STANDS_S))
            os.kill(stalled, signal.SIGCONT)
        cuffs.wait_until_taken(10)
        assert arrived(place, measured), "it does not go on by itself"
        assert poll(place.reading, lambda _: waiting(place) == 0, WITHIN_S, every=0.1)
        assert [program.stop() for program in programs] == [0, 0]
        evidence = gather(place)
    found = violations(evidence)
    record("stalls", trials=STALLS, began=began, **losses(evidence), violations=len(found))
    assert found == []
