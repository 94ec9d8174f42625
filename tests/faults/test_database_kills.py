"""PostgreSQL is killed, or stands still, again and again under a hub at work: nothing acknowledged is lost or doubled.

``FAULT_DATABASE_KILLS`` says how often it is killed and ``FAULT_DATABASE_FREEZES`` how often it stands still,
``FAULT_SEED`` when. The server is durable, as it must be. It ends as by ``pg_ctl stop -m immediate`` and by -9 in turn.
"""

import contextlib
import json
import signal
import threading
import urllib.error
import urllib.request
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from random import Random  # noqa: TID251 - seeded here

import pytest

from hub.adapters.clock import SystemClock
from hub.errors import Transient
from tests.faults.checker import violations
from tests.faults.clinic import Clinic, clinic
from tests.faults.cuffs import Cuffs
from tests.faults.evidence import gather
from tests.faults.figures import figures
from tests.faults.killers import Killer, poll
from tests.faults.record import count_of, record
from tests.faults.tap import Tap
from tests.faults.test_kills import DEVICES, SETTLES_WITHIN_S, all_sent, chance
from tests.faults.ward import Ward
from tests.servers import free_port
from tests.servers_postgres import PostgreSQL, postgresql

KILLS = count_of("FAULT_DATABASE_KILLS", 4)
FREEZES = count_of("FAULT_DATABASE_FREEZES", 1)
STANDS_STILL_S = (0.5, 8.0)
READY_WITHIN_S = 30.0
CLOCK = SystemClock()


@dataclass
class Ends:
    """The server as a victim: it ends at once, and is started again when the pages have said so."""

    server: PostgreSQL
    ready_at: str
    ends: int = 0
    said: list[str] = field(default_factory=list)

    def kill(self) -> None:
        self.ends += 1
        self.server.stop(signal.SIGQUIT if self.ends % 2 else signal.SIGKILL)

    def start(self) -> None:
        self.said += missing(self.ready_at)
        self.server.start()


@dataclass
class StandsStill:
    """The server as a victim whose processes stop, for a while, in the middle of whatever they do."""

    server: PostgreSQL
    chance: Random

    def kill(self) -> None:
        self.server.freeze()

    def start(self) -> None:
        threading.Event().wait(self.chance.uniform(*STANDS_STILL_S))
        self.server.thaw()


def missing(url: str) -> list[str]:
    """What the hub says it lacks; nothing when it is ready."""
    try:
        with urllib.request.urlopen(url, timeout=READY_WITHIN_S) as answer:  # noqa: S310 - our own pages
            return list(json.load(answer)["missing"])
    except urllib.error.HTTPError as error:
        with error:
            return list(json.load(error)["missing"])


@pytest.mark.timeout(300 + 8 * KILLS + 20 * FREEZES)
def test_a_database_that_dies_costs_no_reading(tmp_path: Path) -> None:
    began = CLOCK.monotonic()
    with (
        postgresql(durable=True) as server,
        clinic(tmp_path, DEVICES, database_url=server.create("hub"), http_port=free_port()) as place,
        closing(Tap(place.hub_broker)) as tap,
        closing(Cuffs(place.device_broker, tmp_path / "measured.jsonl")) as cuffs,
    ):
        ready_at = f"http://127.0.0.1:{place.settings.http_port}/readyz"
        programs = [
            place.program("ingest", "hub.cli", "ingest"),
            place.program("worker", "hub.cli", "worker"),
            place.program("web", "dashboards.wsgi"),
            place.program("gateway", "device_gateway", "run"),
        ]
        for program in programs:
            program.start()
        becomes_ready(ready_at)
        ends = Ends(server, ready_at)
        stills = StandsStill(server, chance("stands still"))
        works, busy = tap.answers.wait_for_next, tap.batches.wait_for_next
        killers = [
            Killer("database", ends, works, busy, chance("database")),
            Killer("database stands still", stills, works, busy, chance("freezes")),
        ]
        tell(place, cuffs, killers)
        cuffs.wait_until_taken(10)
        becomes_ready(ready_at)
        assert [program.stop() for program in programs] == [0] * len(programs)
        evidence = gather(place)
    found = violations(evidence)
    result = figures(evidence, killers, found, CLOCK.monotonic() - began)
    result.save(tmp_path / "figures.json")
    print(f"\n{result.table()}\n{tmp_path / 'figures.json'}")
    counted = {"lost": result.readings_lost, "doubled": result.readings_doubled}
    each = {"kills": result.kills, "recovery_s": result.longest_recovery_s, "readings": result.readings_measured}
    record("database_kills", trials=KILLS + FREEZES, began=began, **counted, **each, violations=len(found))
    assert found == []
    assert set(ends.said) == {"the database does not answer"}
    assert len(ends.said) == KILLS


def tell(place: Clinic, cuffs: Cuffs, killers: Sequence[Killer]) -> None:
    """The ward's story while the database is at the killers' mercy, one after the other, and to its end after them."""
    ward, give_up, pause = Ward(place, cuffs, DEVICES, chance("ward")), threading.Event(), threading.Event()

    def all_of_them() -> None:
        for killer, times in zip(killers, (KILLS, FREEZES), strict=True):
            killer.run(times, give_up)

    with ThreadPoolExecutor(1) as pool:
        work = pool.submit(all_of_them)
        try:
            while wait([work], timeout=0.1).not_done:
                with contextlib.suppress(Transient):
                    ward.step()
        finally:
            give_up.set()
    work.result()
    until = CLOCK.monotonic() + SETTLES_WITHIN_S
    while CLOCK.monotonic() < until and not (ward.at_rest and poll(place.reading, all_sent, 0.1, every=0.05)):
        ward.step(begin=False)
        pause.wait(0.1)


def becomes_ready(url: str) -> None:
    """By itself, within a bound."""
    until, pause, said = CLOCK.monotonic() + READY_WITHIN_S, threading.Event(), ["no answer"]
    while CLOCK.monotonic() < until and said:
        pause.wait(0.2)
        with contextlib.suppress(urllib.error.URLError):
            said = missing(url)
    assert said == []
