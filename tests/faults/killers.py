"""Who kills what, and when: by chance while a program starts or idles, or aimed at the middle of its work."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random  # noqa: TID251 - seeded by the test
from typing import Protocol

from sqlalchemy import Connection, Engine, select

from hub.adapters.clock import SystemClock
from hub.adapters.sql.tables.alerting import outbox
from hub.adapters.sql.tables.operations import heartbeat
from hub.services.engine.delivery import LEASE
from tests.faults.clinic import Clinic

CLOCK = SystemClock()
ANY_MOMENT_S = (2.0, 3.5)
"""A blind kill comes at any moment after the start: within a little more than the last recovery took, in these bounds.
"""
IN_THE_MIDDLE_S = 0.03
"""An aimed kill comes within this of the sign that work began: a commit and its answer take about as long."""
SENDING_S = 0.003
"""The same for a message on its way to a phone."""
WORK_COMES_WITHIN_S = 3.0
RECOVERS_WITHIN_S = 60.0


class Victim(Protocol):
    """A process that can be killed and started again."""

    def kill(self) -> None: ...

    def start(self) -> None: ...


@dataclass
class Killer:
    """``works`` waits until the victim does its work again, ``busy`` until it is in the middle of some.

    ``aims`` says which kills come in the middle of work: the others come at any moment, also while it starts.
    """

    name: str
    victim: Victim
    works: Callable[[float], bool]
    busy: Callable[[float], bool]
    chance: Random
    middle_s: float = IN_THE_MIDDLE_S
    aims: Callable[[int], bool] = lambda number: number % 2 == 1
    kills: int = 0
    recovered_s: list[float] = field(default_factory=list)
    """Seconds from a kill until it worked again, where it was let live so long."""

    def run(self, kills: int, give_up: threading.Event) -> None:
        """``give_up`` ends it early."""
        while self.kills < kills and not give_up.is_set():
            if self.aims(self.kills):
                self.busy(WORK_COMES_WITHIN_S)
                give_up.wait(self.chance.uniform(0, self.middle_s))
            else:
                give_up.wait(self.chance.uniform(0, self._any_moment_s()))
            self.victim.kill()
            self.kills += 1
            killed_at = CLOCK.monotonic()
            self.victim.start()
            if self.aims(self.kills) or self.kills == kills:
                if not self.works(RECOVERS_WITHIN_S):
                    raise AssertionError(f"{self.name} did not work again within {RECOVERS_WITHIN_S:.0f} s of a kill")
                self.recovered_s.append(CLOCK.monotonic() - killed_at)

    def _any_moment_s(self) -> float:
        least, most = ANY_MOMENT_S
        return min(most, max(least, 1.25 * self.recovered_s[-1] if self.recovered_s else least))


def beats(clinic: Clinic, role: str) -> Callable[[float], bool]:
    """Waits for a heartbeat of this role that is younger than the call."""

    def wait(timeout: float) -> bool:
        since = CLOCK.now()
        beaten = select(heartbeat.c.at).where(heartbeat.c.role == role, heartbeat.c.at > since)
        return poll(clinic.reading, lambda hub: hub.execute(beaten).first() is not None, timeout, every=0.05)

    return wait


def sends(clinic: Clinic) -> Callable[[float], bool]:
    """Waits until the worker is in the middle of sending a message."""

    def wait(timeout: float) -> bool:
        claimed_now = outbox.c.lease_until > CLOCK.now() + LEASE
        sending = select(outbox.c.id).where(outbox.c.state == "sending", claimed_now)
        return poll(clinic.reading, lambda hub: hub.execute(sending).first() is not None, timeout, every=0.003)

    return wait


def poll(database: Engine, is_so: Callable[[Connection], bool], timeout: float, every: float) -> bool:
    """Whether the database came to say so in time."""
    until, pause = CLOCK.monotonic() + timeout, threading.Event()
    while CLOCK.monotonic() < until:
        with database.connect() as connection:
            if is_so(connection):
                return True
        pause.wait(every)
    return False
