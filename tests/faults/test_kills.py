"""Gateway, ingest, worker and broker are killed again and again; nothing is lost, nothing comes twice.

``FAULT_KILLS`` says how often each of them is killed, ``FAULT_SEED`` when. The figures are printed at the end (pytest
-s) and written to ``figures.json`` beside the run's files.
"""

import threading
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from random import Random  # noqa: TID251 - seeded here

import pytest
from sqlalchemy import Connection, select

from hub.adapters.clock import SystemClock
from hub.adapters.sql.tables.alerting import outbox
from tests.faults.checker import violations
from tests.faults.clinic import Clinic, clinic
from tests.faults.cuffs import Cuffs
from tests.faults.evidence import gather
from tests.faults.figures import figures
from tests.faults.killers import SENDING_S, Killer, beats, poll, sends
from tests.faults.record import count_of, record
from tests.faults.tap import Tap
from tests.faults.ward import Ward
from tests.servers import Mosquitto

KILLS, SEED = count_of("FAULT_KILLS", 12), count_of("FAULT_SEED", 1)
DEVICES = [f"CF-{number}" for number in range(1, 13)]
CLOCK = SystemClock()
SETTLES_WITHIN_S = 90.0
"""A message whose sender died is sent again when its lease of a minute is over."""


@pytest.mark.timeout(240 + 6 * KILLS)
def test_nothing_is_lost_and_nothing_comes_twice(tmp_path: Path) -> None:
    began = CLOCK.monotonic()
    with (
        clinic(tmp_path, DEVICES) as place,
        closing(Tap(place.hub_broker)) as tap,
        closing(Cuffs(place.device_broker, tmp_path / "measured.jsonl")) as cuffs,
    ):
        programs = [
            place.program("ingest", "hub.cli", "ingest"),
            place.program("worker", "hub.cli", "worker"),
            place.program("gateway", "device_gateway", "run"),
        ]
        for program in programs:
            program.start()
        killers = killers_of(place, tap)
        tell(place, cuffs, killers)
        cuffs.wait_until_taken(10)
        assert [program.stop() for program in programs] == [0, 0, 0]
        evidence = gather(place)
    found = violations(evidence)
    result = figures(evidence, killers, found, CLOCK.monotonic() - began)
    result.save(tmp_path / "figures.json")
    print(f"\n{result.table()}\n{tmp_path / 'figures.json'}")
    counted = {"lost": result.readings_lost, "doubled": result.readings_doubled}
    each = {"kills": result.kills, "recovery_s": result.longest_recovery_s, "pages_doubled": result.pages_doubled}
    record("kills", trials=sum(result.kills.values()), began=began, **counted, **each, violations=len(found))
    assert found == []
    assert result.alerts_expected >= KILLS // 3, "too little happened between the kills to mean anything"


def killers_of(place: Clinic, tap: Tap) -> list[Killer]:
    """One a program, each with a seed of its own, so that one's waiting does not move another's kills."""
    ingest, worker, gateway = place.programs
    works, busy = tap.batches.wait_for_next, tap.batches.wait_for_next
    return [
        Killer("ingest", ingest, tap.answers.wait_for_next, busy, chance("ingest")),
        Killer("worker", worker, beats(place, "worker"), sends(place), chance("worker"), SENDING_S, early),
        Killer("gateway", gateway, works, busy, chance("gateway")),
        Killer("mosquitto", OftenEmpty(place.hub_broker), works, busy, chance("mosquitto")),
    ]


@dataclass
class OftenEmpty:
    """A broker that comes back without its store every other time."""

    broker: Mosquitto
    starts: int = 0

    def kill(self) -> None:
        self.broker.kill()

    def start(self) -> None:
        self.starts += 1
        if self.starts % 2:
            self.broker.wipe()
        self.broker.start()


def chance(name: str) -> Random:
    return Random(f"{SEED}/{name}")  # noqa: S311 - a run can be told again


def early(number: int) -> bool:
    """In the first tenth of the run: a page whose sender died waits a minute, and the run should not end with that."""
    return number <= KILLS // 10


def tell(place: Clinic, cuffs: Cuffs, killers: list[Killer]) -> None:
    """The ward's story while the killers are at work, and to its end after them."""
    ward, give_up, pause = Ward(place, cuffs, DEVICES, chance("ward")), threading.Event(), threading.Event()
    with ThreadPoolExecutor(len(killers)) as pool:
        work = [pool.submit(killer.run, KILLS, give_up) for killer in killers]
        try:
            while (state := wait(work, timeout=0.1)).not_done:
                for ended in state.done:
                    ended.result()
                ward.step()
        finally:
            give_up.set()
    for ended in work:
        ended.result()
    until = CLOCK.monotonic() + SETTLES_WITHIN_S
    while CLOCK.monotonic() < until and not (ward.at_rest and poll(place.reading, all_sent, 0.1, every=0.05)):
        ward.step(begin=False)
        pause.wait(0.1)


def all_sent(connection: Connection) -> bool:
    return connection.execute(select(outbox.c.id).where(outbox.c.state.in_(["pending", "sending"]))).first() is None
