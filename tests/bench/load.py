"""A load at an even rate, and what it does meanwhile to the broker's queue and the ingest's memory."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from statistics import median

from hub.adapters.clock import SystemClock
from tests.bench.cost import megabytes
from tests.bench.messages import single, topic
from tests.bench.publisher import Answers, Publisher
from tests.bench.town import KINDS, Town

CLOCK = SystemClock()
Make = Callable[[int, datetime], tuple[bytes, bytes]]
EVERY_S = 1.0
TICK_S = 0.005
FULL = 60_000
"""Messages in the queue: soon the broker would drop some, and the load is given up."""

BEHIND_S = 0.5
"""A backlog of no more than this is none: a commit and a checkpoint take their time."""


@dataclass(frozen=True, slots=True)
class Sample:
    """At a second of the load: messages sent and not answered yet, and MB of ingest and of the broker."""

    second: float
    backlog: int
    memory_mb: float
    broker_mb: float


def pace(
    publisher: Publisher, rate: float, count: int, make: Make, tick: float, tell: Callable[[int, float], bool]
) -> float:
    """Sends ``count`` messages, those due within a tick together; returns how many a second it came to.

    ``tell`` hears how many were sent and at which instant; it may say False, and the load ends.
    """
    began, done, goes_on = CLOCK.monotonic(), 0, True
    while done < count and goes_on:
        due = min(count, int((CLOCK.monotonic() - began) * rate) + 1)
        now = CLOCK.now()
        packets = b"".join([publisher.packet(*make(number, now)) for number in range(done, due)])
        instant, done = CLOCK.monotonic(), due
        publisher.send(packets)
        goes_on = tell(done, instant)
        publisher.pump(max(began + done / rate - CLOCK.monotonic(), tick))
    return done / (CLOCK.monotonic() - began)


@dataclass(slots=True)
class Load:
    """Single readings of all homes in turn, and samples of every second."""

    town: Town
    publisher: Publisher
    answers: Answers
    ingest: int
    broker: int
    sent: int = 0

    def run(self, rate: float, seconds: float, spool: str) -> list[Sample]:
        """Ends early when the queue is full."""
        samples: list[Sample] = []
        before = self.answers.stored
        began = CLOCK.monotonic()

        def make(number: int, now: datetime) -> tuple[bytes, bytes]:
            home, turn = number % self.town.homes + 1, number // self.town.homes
            return topic(home), single(number, home, (home + turn) % KINDS, spool, now)

        def tell(done: int, instant: float) -> bool:
            backlog = done - (self.answers.stored - before)
            if instant - began >= EVERY_S * len(samples):
                memory = megabytes(self.ingest), megabytes(self.broker)
                samples.append(Sample(instant - began, backlog, *memory))
            self.sent = done
            return backlog < FULL

        kept = pace(self.publisher, rate, round(rate * seconds), make, TICK_S, tell)
        assert self.sent < rate * seconds or kept > 0.97 * rate, f"the publisher came to {kept:.0f} messages a second"
        return samples

    def drained(self, stored: int, seconds: float) -> bool:
        """Whether all were answered in time, the broker's own words heard meanwhile."""
        until = CLOCK.monotonic() + seconds
        while self.answers.stored < stored and CLOCK.monotonic() < until:
            self.publisher.pump(0.05)
        return self.answers.stored >= stored


def growth(values: Sequence[float]) -> float:
    """By how much the last fifth lies above the second."""
    fifth = max(1, len(values) // 5)
    return median(values[-fifth:]) - median(values[fifth : 2 * fifth] or values)


def keeps_up(samples: Sequence[Sample], rate: float, seconds: float) -> bool:
    """The load was taken to its end, and the queue at its end is no longer than at its beginning."""
    backlogs = [one.backlog for one in samples]
    ended = bool(samples) and samples[-1].second >= seconds - 2 * EVERY_S
    return ended and growth(backlogs) <= BEHIND_S * rate and median(backlogs[-3:]) <= 2 * BEHIND_S * rate
