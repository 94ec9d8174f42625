"""Messages a second, one reading each, that are taken without loss and without anything growing.

With a rate (``BENCH_RATE``) that rate is held for ``BENCH_SECONDS``: sent is stored, the broker's queue and the memory
of ingest do not grow. Without one the highest rate is searched for in short steps, then held. Before, at half the rate,
each device is heard once: who has it is read then, and not again. The publisher and the broker share the machine's
cores with ingest.
"""

from dataclasses import asdict
from pathlib import Path

import pytest

from hub.adapters.clock import SystemClock
from tests.bench.drain import wait_for_ingest
from tests.bench.grown import grow
from tests.bench.load import Load, Sample, growth, keeps_up
from tests.bench.messages import single, topic
from tests.bench.publisher import Answers, Publisher
from tests.bench.record import Figure, Reference, at_least, at_most, put
from tests.bench.sizes import size
from tests.bench.test_hot_path import consumer, counted, leave_session
from tests.bench.town import KINDS, Town, build
from tests.servers import mosquitto

CLOCK = SystemClock()
BAR, LEAST, CLOSE = 8_000, 250, 1.13
COUNTED, GROWS_MB, DRAINS_S = 20_000, 5.0, 300.0


def bare_rate(town: Town, folder: Path) -> float:
    """Messages a second of the same kind that a bare subscriber counts while nobody publishes."""
    now = CLOCK.now()
    waiting = [
        (topic(home), single(number, home, number % KINDS, "bare", now))
        for number in range(COUNTED)
        for home in [number % town.homes + 1]
    ]
    with mosquitto(folder) as broker:
        leave_session(broker)
        with Publisher(broker.port) as publisher:
            publisher.fill(waiting)
        with consumer("bare", str(broker.port), str(COUNTED)) as process:
            first, last = counted(process)
        return COUNTED / (last - first)


def step(load: Load, rate: float, seconds: float, spool: str) -> tuple[list[Sample], int]:
    """A rate for so long, then until all is answered: its samples and how many messages it was."""
    before = load.answers.stored
    samples = load.run(rate, seconds, spool)
    assert load.drained(before + load.sent, DRAINS_S), f"{load.answers.stored - before} of {load.sent} answered"
    return samples, load.sent


def highest(load: Load, seconds: float) -> float:
    """The highest rate that is kept up: doubled until it is not, then narrowed down."""
    kept, lost = 0.0, float(size("FASTEST"))
    rate = float(LEAST)
    for number in range(32):
        if rate >= lost or (kept and lost / kept < CLOSE):
            break
        samples, _ = step(load, rate, seconds, f"search-{number}")
        if keeps_up(samples, rate, seconds):
            kept = rate
        else:
            lost = rate
        rate = kept * 2 if kept * 2 < lost else (kept + lost) / 2
    return kept


@pytest.mark.timeout(7200)
def test_sustained(scratch: Path) -> None:
    town = build(scratch / "town", size("HOMES"))
    grow(town, size("GROWN"))
    bare = Reference("bare subscriber, counting", [bare_rate(town, scratch / f"bare-{run}") for run in range(3)])
    rate, seconds = size("RATE"), size("SECONDS")
    with (
        mosquitto(scratch / "broker") as broker,
        town.runs("ingest", port=broker.port) as ingest,
        Publisher(broker.port) as publisher,
        Answers(broker.port) as answers,
    ):
        assert broker._process is not None
        wait_for_ingest(publisher, answers, "begins")
        load = Load(town, publisher, answers, ingest.pid, broker._process.pid)
        step(load, rate / 2 or LEAST, town.homes * KINDS / (rate / 2 or LEAST), "first")
        searched = None if rate else highest(load, size("STEP_SECONDS"))
        held = float(rate) or searched or LEAST
        first = town.last_reading()
        samples, sent = step(load, held, seconds, "held")
    stored = town.ask("SELECT count(*) FROM journal WHERE id > ? AND status = 'stored'", first)[0][0]
    kept = keeps_up(samples, held, seconds)
    memory = [one.memory_mb for one in samples]
    figures = [
        Figure("sustained without growth", "msg/s", [held if kept else 0.0], at_least(BAR), bare),
        Figure("lost at that rate", "messages", [sent - stored], at_most(0)),
        Figure("growth of the queue", "messages", [growth([one.backlog for one in samples])]),
        Figure("growth of ingest's memory", "MB", [growth(memory)], at_most(GROWS_MB)),
        Figure("memory of ingest at most", "MB", [max(memory)], at_most(120)),
    ]
    put(
        "sustained",
        figures,
        scratch,
        homes=town.homes,
        grown=first,
        rate=held,
        seconds=seconds,
        searched=searched,
        samples=[
            {name: round(value, 1) for name, value in asdict(one).items()} for one in samples[:: max(1, seconds // 60)]
        ],
    )
    assert sent == stored
