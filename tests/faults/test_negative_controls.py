"""The checker is worth something: programs that are broken on purpose are caught, sound ones at the same place are not.

Each story kills a program right between two of its steps. A last reading, sent when all is well again, tells when there
is nothing more to wait for: what was measured before it is in the journal by then, or lost.
"""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import Connection, select, text

from device_gateway.spool import FILE
from hub.adapters.clock import SystemClock
from hub.adapters.sql.tables.alerting import outbox
from hub.adapters.sql.tables.measurements import journal
from tests.faults.checker import violations
from tests.faults.clinic import Clinic, Program, clinic
from tests.faults.cuffs import ILL, WELL, Cuffs
from tests.faults.evidence import gather
from tests.faults.killers import poll

CLOCK = SystemClock()
DEVICE = "CF-1"
WITHIN_S = 30.0
KILLED = -9


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Clinic]:
    with clinic(tmp_path, [DEVICE]) as made:
        yield made


@pytest.fixture
def cuffs(place: Clinic) -> Iterator[Cuffs]:
    with closing(Cuffs(place.device_broker, place.directory / "measured.jsonl")) as made:
        yield made


@pytest.mark.parametrize(
    ("kind", "lost"), [("broken", "acknowledged and not in the journal"), ("sound", None)], ids=["broken", "sound"]
)
def test_ingest_that_answers_before_it_commits_is_caught(
    place: Clinic, cuffs: Cuffs, kind: str, lost: str | None
) -> None:
    dying = place.program("ingest", "tests.faults.broken.ingest", kind, "ingest")
    gateway = place.program("gateway", "device_gateway", "run")
    dying.start()
    gateway.start()
    cuffs.measure(DEVICE, WELL, None, CLOCK.now())
    assert dying.wait() == KILLED
    place.program("ingest", "hub.cli", "ingest").start()
    last_reading_arrives(place, cuffs)
    judge(place, cuffs, [gateway], lost)


def test_a_gateway_that_lets_go_on_the_brokers_word_is_caught(place: Clinic, cuffs: Cuffs) -> None:
    gateway = place.program("gateway", "tests.faults.broken.gateway", "run")
    gateway.start()
    cuffs.measure(DEVICE, WELL, None, CLOCK.now())
    cuffs.wait_until_taken(WITHIN_S)
    eventually(place, lambda _: acknowledged(place) == 1)
    place.hub_broker.kill()
    place.hub_broker.wipe()
    place.hub_broker.start()
    place.program("ingest", "hub.cli", "ingest").start()
    last_reading_arrives(place, cuffs)
    judge(place, cuffs, [gateway], "acknowledged and not in the journal")


@pytest.mark.parametrize(
    ("kind", "doubled"),
    [("broken", "page 1 (delivered) is on its phone 2 times"), ("sound", None)],
    ids=["broken", "sound"],
)
def test_a_worker_that_resends_blindly_is_caught(place: Clinic, cuffs: Cuffs, kind: str, doubled: str | None) -> None:
    if doubled is not None:
        allow_doubled_texts(place)
    dying = place.program("worker", "tests.faults.broken.worker", kind, "worker")
    gateway = place.program("gateway", "device_gateway", "run")
    for program in (dying, gateway, place.program("ingest", "hub.cli", "ingest")):
        program.start()
    cuffs.measure(DEVICE, ILL[0], 0, CLOCK.now())
    assert dying.wait() == KILLED
    dying.start()
    eventually(place, lambda hub: hub.execute(select(outbox.c.state)).scalar() == "delivered")
    judge(place, cuffs, [gateway], doubled)


def last_reading_arrives(place: Clinic, cuffs: Cuffs) -> None:
    """Readings keep their order, so whatever has not come before it does not come.

    A broken gateway may lose even this one, so it is followed by others until one arrives.
    """

    def arrived(hub: Connection) -> bool:
        return any(record.encode() in body for body in hub.execute(select(journal.c.body)).scalars())

    until, came = CLOCK.monotonic() + WITHIN_S, False
    while not came and CLOCK.monotonic() < until:
        record = cuffs.measure(DEVICE, WELL, None, CLOCK.now())
        came = poll(place.reading, arrived, 2, every=0.05)
    assert came


def judge(place: Clinic, cuffs: Cuffs, programs: list[Program], expected: str | None) -> None:
    """What the checker says of it: the expected violation, or none at all."""
    cuffs.wait_until_taken(WITHIN_S)
    eventually(place, lambda hub: waiting(place) == 0)
    assert [program.stop() for program in programs] == [0] * len(programs)
    found = violations(gather(place))
    if expected is None:
        assert found == []
    else:
        assert any(expected in sentence for sentence in found), found


def eventually(place: Clinic, is_so: Callable[[Connection], bool]) -> None:
    assert poll(place.reading, is_so, WITHIN_S, every=0.05)


def waiting(place: Clinic) -> int:
    return rows(place, "queue")


def acknowledged(place: Clinic) -> int:
    return rows(place, "kept")


def rows(place: Clinic, table: str) -> int:
    """Of the gateway's spool; -1 while it is being made."""
    file = place.directory / "gateway" / FILE
    try:
        with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as spool:
            return int(spool.execute(f"SELECT count(*) FROM {table}").fetchone()[0])
    except sqlite3.OperationalError:
        return -1


def allow_doubled_texts(place: Clinic) -> None:
    """A phone shows whatever it is sent: the table without the rule that protects the demo's."""
    with place.engine.begin() as hub:
        hub.execute(text("ALTER TABLE demo_phone RENAME TO strict_phone"))
        hub.execute(text("CREATE TABLE demo_phone AS SELECT * FROM strict_phone"))
