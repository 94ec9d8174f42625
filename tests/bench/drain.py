"""Batches of fifty that wait in a real mosquitto, drained by the hub's own ingest: durable, judged and acknowledged."""

from dataclasses import dataclass
from math import ceil

from hub.adapters.clock import SystemClock
from tests.bench.cost import megabytes, seconds
from tests.bench.messages import batches, heard, single
from tests.bench.publisher import Answers, Publisher
from tests.bench.town import Town
from tests.servers import Mosquitto

CLOCK = SystemClock()
EACH = 50
WARM = 5
"""A part of so many comes before the clock starts: caches are filled, and the session stands."""

TRIES, TRY_S, WAIT_S = 60, 1.0, 1200.0


@dataclass(frozen=True, slots=True)
class Drained:
    """Readings a second, microseconds of processor time a reading, the ingest's memory at most in MB, and the id of the
    first reading in the journal.
    """

    rate: float
    cpu_us: float
    memory_mb: float
    first: int


def wait_for_ingest(publisher: Publisher, answers: Answers, spool: str) -> None:
    """Until it answers: a message that comes before there is a session is lost, so it is sent again."""
    for seq in range(TRIES):
        publisher.send(publisher.packet(b"rpm/v1/home-1/up/live", single(seq, 1, 0, f"{spool}-begins", CLOCK.now())))
        publisher.pump(0.05)
        if answers.wait(1, TRY_S):
            publisher.pump(TRY_S)
            return
    raise TimeoutError("ingest does not answer")


def leave_session(town: Town, broker: Mosquitto) -> None:
    """Ingest was there once: from now on the broker keeps what comes."""
    with town.runs("ingest", port=broker.port), Publisher(broker.port) as publisher, Answers(broker.port) as answers:
        wait_for_ingest(publisher, answers, "once")


def drained(town: Town, broker: Mosquitto, readings: int, run: int, runs: int) -> Drained:
    """Fills the queue while ingest is away, then times it while nobody publishes.

    Before its batches each device is heard once, and the clock stands still: who has it is read then, and not again.
    Each ``run`` of ``runs`` goes on with the homes after those of the run before it. A home that has another turn
    measured after its turn before: a reading that comes in the wrong order has those after it judged again.
    """
    count = readings // EACH
    homes = [(run * count + number) % town.homes + 1 for number in range(count)]
    of, turns = (EACH, f"run-{run}", CLOCK.now()), (runs - 1 - run) * ceil(count / town.homes)
    once = heard(homes, *of, turns)
    first = town.last_reading() + 1 + len(once)
    with Answers(broker.port) as answers:
        with Publisher(broker.port) as publisher:
            publisher.fill(once + batches(homes, *of, turns))
        warm, whole = len(once) + count * EACH // WARM, len(once) + count * EACH
        with town.runs("ingest", port=broker.port) as process:
            assert answers.wait(warm, WAIT_S), f"{answers.stored} of {whole} stored"
            cpu, since = seconds(process.pid), answers.stored
            assert answers.wait(whole, WAIT_S), f"{answers.stored} of {whole} stored"
            cpu = (seconds(process.pid) - cpu) / (whole - since)
            memory = megabytes(process.pid)
        took = answers.at(whole) - answers.at(warm)
        measured = answers.stored - next(stored for _, stored in answers.seen if stored >= warm)
    return Drained(measured / took, cpu * 1e6, memory, first)
