"""Readings a second in batches of fifty, on a database that has grown, beside the same rows by a bare executemany.

The queue of a real mosquitto is full and nobody publishes. Three runs, each followed by its reference on the same file.
"""

from pathlib import Path

import pytest

from tests.bench.bare import GROUP, rewrite
from tests.bench.drain import EACH, drained, leave_session
from tests.bench.grown import grow
from tests.bench.record import Figure, Reference, at_least, at_most, put
from tests.bench.sizes import size
from tests.bench.town import build
from tests.servers import mosquitto

RUNS = 3


@pytest.mark.timeout(3600)
def test_batches(scratch: Path) -> None:
    town = build(scratch / "town", size("HOMES"))
    grow(town, size("GROWN"))
    there, found, again = town.last_reading(), [], []
    with mosquitto(scratch / "broker") as broker:
        leave_session(town, broker)
        for run in range(RUNS):
            found.append(drained(town, broker, size("BATCHED"), run, RUNS))
            again.append(rewrite(town, found[-1].first))
    bare = Reference("bare executemany, same rows, FULL", [one.rate for one in again])
    figures = [
        Figure("batches of 50: stored and judged", "readings/s", [one.rate for one in found], at_least(25_000), bare),
        Figure("processor time of ingest", "us a reading", [one.cpu_us for one in found]),
        Figure("memory of ingest at full load", "MB", [one.memory_mb for one in found], at_most(120)),
    ]
    each = {"homes": town.homes, "grown": there, "readings_of_a_run": size("BATCHED"), "batch": EACH, "group": GROUP}
    put("batches", figures, scratch, **each, bare_seconds=[one.seconds for one in again])
    assert town.ask("SELECT count(*) FROM journal WHERE status = 'stored' AND id >= ?", found[-1].first)[0][0] >= EACH
