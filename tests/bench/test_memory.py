"""What ingest holds in memory once every patient was heard from: devices, who has them, patients, what they are on."""

from pathlib import Path

import pytest

from hub.adapters.clock import SystemClock
from tests.bench.cost import family, megabytes
from tests.bench.drain import wait_for_ingest
from tests.bench.messages import batch, reading, topic
from tests.bench.publisher import Answers, Publisher
from tests.bench.record import Figure, Reference, at_most, put
from tests.bench.sizes import size
from tests.bench.town import KINDS, build
from tests.servers import mosquitto

CLOCK = SystemClock()
AT_ONCE, WAIT_S = 2_000, 600.0


@pytest.mark.timeout(3600)
def test_memory(scratch: Path) -> None:
    town = build(scratch / "town", size("KNOWN"))
    with (
        mosquitto(scratch / "broker") as broker,
        town.runs("ingest", port=broker.port) as ingest,
        Publisher(broker.port) as publisher,
        Answers(broker.port) as answers,
    ):
        wait_for_ingest(publisher, answers, "begins")
        fresh, heard = megabytes(ingest.pid), answers.stored
        for first in range(1, town.homes + 1, AT_ONCE):
            homes = range(first, min(first + AT_ONCE, town.homes + 1))
            now = CLOCK.now()
            publisher.fill(
                (topic(home), batch(home, "heard", now, [reading(kind, home, kind, now) for kind in range(KINDS)]))
                for home in homes
            )
            heard += len(homes) * KINDS
            assert answers.wait(heard, WAIT_S)
        full, processes = megabytes(ingest.pid), len(family(ingest.pid))
    known = town.ask("SELECT count(DISTINCT patient_id) FROM latest")[0][0]
    name = f"memory of ingest, {known:,} patients heard from"
    figures = [Figure(name, "MB", [full], at_most(400), Reference("when it has just begun", [fresh]))]
    put("memory", figures, scratch, patients=known, devices=known * KINDS, processes=processes)
    assert known == town.homes
