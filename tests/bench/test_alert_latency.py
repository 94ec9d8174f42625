"""From the instant a reading that pages at once is published to its alert's row, committed and seen by another program.

Beside each stands the null path in the same run: the same messages at the same rate through the same broker to a bare
subscriber. Three runs of each, at 100 messages a second and under load. Every device was heard before: who has it is
read then, and not again.

The bar forgives the disk five of its slow syncs, as it takes them without a pause. Asked for one every 10 ms it takes
longer: so they are measured at the messages' rate as well, beside each run of the hub, and what the bar would be by
those stands in a row of its own.
"""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from hub.adapters.clock import SystemClock
from tests.bench.drain import wait_for_ingest
from tests.bench.load import pace
from tests.bench.messages import OXIMETER, PAGES_AT_ONCE, single, topic
from tests.bench.publisher import Answers, Publisher
from tests.bench.record import Figure, Reference, at_most, percentile, put, sync_ms, syncs_ms
from tests.bench.sizes import size
from tests.bench.town import KINDS, ROOT, Town, build
from tests.servers import Mosquitto, mosquitto

CLOCK = SystemClock()
RUNS, CALM, CALM_HOMES = 3, 100, 500
ALARMS_A_SECOND = 10
SYNCS = 5
"""Of the disk's slow ones are forgiven: journal, checkpoint, and what else writes there."""

SYNCED = 300
"""Syncs that are measured beside a run."""

BEFORE = 10**6
"""Numbers from here on are no run's. The second is an earlier run's, and of one device a number stands once in it: by
the same ones in one time of twenty a reading was another's record, rightly put aside, and waited for in vain."""

BARS_MS = {CALM: 3.0}
BUSY_BAR_MS = 25.0
SHARES = {"p50": 0.5, "p99": 0.99, "p100": 1.0}


@contextmanager
def watching(kind: str, what: str) -> Iterator[dict[str, float]]:
    """A process that watches; what it saw is in the dictionary afterwards."""
    seen: dict[str, float] = {}
    command = [sys.executable, "-m", "tests.bench.watch", kind, what]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "go\n"
        yield seen
        said, _ = process.communicate("\n")
    seen |= json.loads(said)


def every(rate: int) -> int:
    """Messages of which one is an alarm."""
    return max(1, rate // ALARMS_A_SECOND)


def published(publisher: Publisher, rate: int, homes: range, spool: str) -> dict[str, float]:
    """Calm readings at this rate, and among them one alarm of each of ``homes``: the instant of each alarm."""
    each = every(rate)
    instants: dict[str, float] = {}
    pending: list[int] = []

    def make(number: int, now: datetime) -> tuple[bytes, bytes]:
        if number % each == each - 1:
            home = homes[number // each]
            pending.append(home)
            return topic(home), single(number, home, OXIMETER, spool, now, PAGES_AT_ONCE)
        home = number % CALM_HOMES + 1
        return topic(home), single(number, home, (home + number // CALM_HOMES) % KINDS, spool, now)

    def tell(_done: int, instant: float) -> bool:
        instants.update((str(home), instant) for home in pending)
        pending.clear()
        return True

    pace(publisher, rate, len(homes) * each, make, 0, tell)
    return instants


def took_ms(published: dict[str, float], seen: dict[str, float]) -> list[float]:
    assert published.keys() <= seen.keys(), f"{len(published.keys() - seen.keys())} were never seen"
    return [(seen[home] - instant) * 1e3 for home, instant in published.items()]


def null_path(broker: Mosquitto, rate: int, homes: range) -> list[float]:
    with watching("messages", str(broker.port)) as seen, Publisher(broker.port) as publisher:
        sent = published(publisher, rate, homes, "null")
        publisher.pump(1)
    return took_ms(sent, seen)


def through_the_hub(town: Town, broker: Mosquitto, rate: int, homes: range) -> list[float]:
    spool = f"alerts-{rate}-{homes.start}"
    with (
        town.runs("ingest", port=broker.port),
        Publisher(broker.port) as publisher,
        Answers(broker.port) as answers,
        watching("alerts", str(town.file)) as seen,
    ):
        wait_for_ingest(publisher, answers, spool)
        heard, before = answers.stored, CLOCK.now() - timedelta(minutes=1)
        once = [(home, OXIMETER) for home in homes] + [(1 + n // KINDS, n % KINDS) for n in range(CALM_HOMES * KINDS)]
        publisher.fill(
            (topic(home), single(BEFORE + n, home, k, f"{spool}-before", before)) for n, (home, k) in enumerate(once)
        )
        assert answers.wait(heard + len(once)), f"{answers.stored - heard} of {len(once)} stored"
        first = town.last_reading()
        sent = published(publisher, rate, homes, spool)
        while town.last_reading() - first < len(homes) * every(rate):
            publisher.pump(0.5)
        publisher.pump(1)
    return took_ms(sent, seen)


@pytest.mark.timeout(3600)
def test_alert_latency(scratch: Path) -> None:
    rates = (CALM, size("BUSY"))
    alerts = size("ALERTS")
    town = build(scratch / "town", CALM_HOMES + len(rates) * RUNS * alerts)
    figures = []
    first = CALM_HOMES + 1
    for rate in rates:
        null, hub, syncs = [], [], []
        for run in range(RUNS):
            homes = range(first, first + alerts)
            first += alerts
            with mosquitto(scratch / f"null-{rate}-{run}") as broker:
                null.append(null_path(broker, rate, homes))
            syncs += syncs_ms(scratch, SYNCED, 1 / rate)
            with mosquitto(scratch / f"hub-{rate}-{run}") as broker:
                hub.append(through_the_hub(town, broker, rate, homes))
        figures += rows(rate, null, hub, sync_ms(scratch)[1], percentile(syncs, 0.99))
    put("alert_latency", figures, scratch, alerts_of_a_run=alerts, calm_homes=CALM_HOMES)


def rows(
    rate: int, null: list[list[float]], hub: list[list[float]], sync_p99_ms: float, paced_p99_ms: float
) -> list[Figure]:
    """What is put on record of a rate."""
    found, words, own = [], f"publish to alert row at {rate}/s", BARS_MS.get(rate, BUSY_BAR_MS)
    for name, share in SHARES.items():
        bare = Reference("to a bare subscriber", [percentile(run, share) for run in null])
        bar = at_most(own + SYNCS * sync_p99_ms) if name == "p99" else None
        found.append(Figure(f"{words}, {name}", "ms", [percentile(run, share) for run in hub], bar, bare))
    p99s = [percentile(run, 0.99) for run in hub]
    found.append(Figure(f"that p99 at {rate}/s, by syncs at its pace", "ms", p99s, at_most(own + SYNCS * paced_p99_ms)))
    unpaced = Reference("to those without a pause", [sync_p99_ms])
    found.append(Figure(f"a sync of 4 KB at {rate}/s, p99", "ms", [paced_p99_ms], None, unpaced))
    return found
