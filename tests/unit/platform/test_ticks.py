"""The ticks of one process: a line that hangs keeps no other back."""

import threading
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from hub.adapters.clock import SystemClock
from hub.adapters.scheduler import run_ticks
from hub.services.engine.runner import Engine
from hub.services.hub import Hub
from tests.unit.ingest.home import homes


@dataclass
class Hangs:
    """A provider that answers only when the test is over."""

    released: threading.Event
    name: str = "hangs"
    deadline: timedelta = timedelta(hours=1)
    began: threading.Event = field(default_factory=threading.Event)

    def run(self, hub: Hub, now: datetime) -> int:
        self.began.set()
        return int(self.released.wait(30))


@dataclass
class Counts:
    """Says when it ran for the third time after the other began to hang."""

    beside: threading.Event
    name: str = "counts"
    deadline: timedelta = timedelta(hours=1)
    ran: int = 0
    thrice: threading.Event = field(default_factory=threading.Event)

    def run(self, hub: Hub, now: datetime) -> int:
        self.ran += self.beside.is_set()
        if self.ran == 3:
            self.thrice.set()
        return 0


def test_a_provider_that_hangs_holds_no_deadline_back(tmp_path: Path) -> None:
    for home in homes(tmp_path):
        stop, released = threading.Event(), threading.Event()
        hangs = Hangs(released)
        counts = Counts(hangs.began)
        engines = [Engine(home.hub, [counts], "test"), Engine(home.hub, [hangs], "test", "sender")]
        ticking = threading.Thread(target=run_ticks, args=(engines, stop, SystemClock()))
        ticking.start()
        try:
            assert counts.thrice.wait(15), "the line that counts waited for the one that hangs"
        finally:
            released.set()
            stop.set()
            ticking.join(15)
        with home.hub.unit_of_work() as uow:
            assert sorted(beat.role for beat in uow.operations.heartbeats()) == ["sender", "worker"]
