"""A disk that is really full: nothing is acknowledged that is not stored, the alarm pages, and it goes on by itself."""

import contextlib
import json
import os
import subprocess
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from paho.mqtt import client as paho
from paho.mqtt.enums import CallbackAPIVersion
from sqlalchemy import func, select, text

from hub.adapters.clock import SystemClock
from hub.adapters.database_file.reserve import MIB, reserve_of
from hub.adapters.sql import engine
from hub.adapters.sql.tables.alerting import alert, outbox
from hub.adapters.sql.tables.measurements import journal
from hub.adapters.sql.tables.operations import heartbeat
from hub.services.engine.room import PROBLEM
from tests.faults.clinic import GATEWAY, Clinic, Program, clinic
from tests.faults.cuffs import WELL, Cuffs
from tests.faults.record import count_of, record
from tests.servers import Mosquitto

DEVICES = ["CF-1", "CF-2"]
DISK_MB, RESERVED_MB = 48, 4
"""Room for a whole WAL, the database, what is reserved, and what must be free beside it."""

CLOCK = SystemClock()
FILLS = count_of("FAULT_FILLS", 1)
"""How often the disk becomes full."""
WITHIN_S = 40.0
INDEXED_FRAMES = 4062
"""Pages of a WAL that the first 32 KB of its index speak of."""

OF_ROOM = alert.c.problem == PROBLEM
ALARMS = select(func.coalesce(func.sum(alert.c.findings), 0)).where(OF_ROOM)
"""How often the worker said that the disk is full."""
OVER = select(alert.c.over_at).where(OF_ROOM)
PAGES = (
    select(func.count())
    .select_from(outbox.join(alert, outbox.c.alert_id == alert.c.id))
    .where(OF_ROOM, outbox.c.state.in_(["accepted", "sent", "delivered"]))
)


class Acknowledged:
    """Every reading that the hub said it has stored."""

    def __init__(self, broker: Mosquitto) -> None:
        self.seqs: set[tuple[str, int]] = set()
        self._client = paho.Client(CallbackAPIVersion.VERSION2, client_id="acknowledged", clean_session=False)
        self._client.on_connect = lambda client, *_: client.subscribe(f"rpm/v1/{GATEWAY}/down/ack", qos=1)
        self._client.on_message = self._heard
        self._client.connect("127.0.0.1", broker.port)
        self._client.loop_start()

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def _heard(self, _client: paho.Client, _data: Any, message: paho.MQTTMessage) -> None:
        for ack in json.loads(message.payload)["acks"]:
            self.seqs |= {(ack["spool"], one["seq"]) for one in ack["results"]}


@contextlib.contextmanager
def disk(place: Path) -> Iterator[Path]:
    """A small file system of its own. Whoever may not mount fails here, by this name."""
    place.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK_MB}m,mode=700", "rpmhub-test", str(place)], check=True)
    try:
        yield place
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=True)


def fill(file: Path) -> None:
    """Take every byte that is left."""
    with file.open("ab", buffering=0) as filler, contextlib.suppress(OSError):
        for size in (MIB, 4096, 1):
            with contextlib.suppress(OSError):
                while filler.write(b"x" * size):
                    pass


def cut_wal(file: Path) -> bool:
    """Make the WAL empty; whether it is. Inside one that was ever longer a full disk need not be met for long."""
    # It holds the writers back until every reader has gone, and one of those may itself be waiting to write.
    with closing(engine.sqlite_driver().connect(file, timeout=0.1)) as own:
        busy, *_ = own.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    return not busy


def comes_true(is_so: Callable[[], bool], step: Callable[[], object] = lambda: None) -> bool:
    until, pause = CLOCK.monotonic() + WITHIN_S, threading.Event()
    while CLOCK.monotonic() < until:
        if is_so():
            return True
        step()
        pause.wait(0.2)
    return False


def one(place: Clinic, statement: Any) -> Any:
    with place.reading.connect() as connection:
        return connection.execute(statement).scalar_one()


def stored(place: Clinic) -> set[tuple[str, int]]:
    with place.reading.connect() as connection:
        return {(row.spool, row.seq) for row in connection.execute(select(journal.c.spool, journal.c.seq))}


def records(place: Clinic) -> Counter[tuple[str, str]]:
    """What was measured, and how often it is stored."""
    with place.reading.connect() as connection:
        rows = connection.execute(select(journal.c.device, journal.c.body)).all()
    return Counter((row.device, json.loads(row.body)["reading"]["record"]) for row in rows)


@dataclass
class Trial:
    """Readings that come all the time, and a disk that is filled beside them. What is expected is asserted here."""

    place: Clinic
    cuffs: Cuffs
    acknowledged: Acknowledged
    ingest: Program
    file: Path
    filler: Path
    measured: int = 0

    @property
    def reserved(self) -> int:
        return reserve_of(self.file).stat().st_size

    def measure(self) -> None:
        for device in DEVICES:
            self.cuffs.measure(device, WELL, None, CLOCK.now())
            self.measured += 1

    def becomes_full(self, number: int) -> None:
        """Until ingest and worker have both said so, for the so many-th time."""
        said = self._said_by_ingest()
        assert comes_true(lambda: cut_wal(self.file)), "the WAL is never free"
        assert comes_true(lambda: self.reserved == 0, self._fuller), "nobody gave up what was reserved"
        assert comes_true(lambda: self._said_by_ingest() > said, self.measure), "ingest does not meet the full disk"
        assert comes_true(lambda: one(self.place, ALARMS) == number, self.measure), "there is no alarm"
        assert comes_true(lambda: one(self.place, PAGES) > 0, self.measure), "nobody was paged"

    def takes_nothing(self) -> set[tuple[str, int]]:
        """What is stored, and stays all that is."""
        before = stored(self.place)
        for _ in range(10):
            self.measure()
            threading.Event().wait(0.3)
        assert stored(self.place) == before, "what is reserved is not for readings"
        assert self.acknowledged.seqs <= before
        return before

    def goes_on(self) -> None:
        """By itself, once there is room: all that was measured is stored and acknowledged, and the alarm is over."""
        self.filler.unlink()
        assert comes_true(lambda: len(stored(self.place)) == self.measured), "it does not go on by itself"
        assert comes_true(lambda: len(self.acknowledged.seqs) == self.measured)
        assert self.acknowledged.seqs <= stored(self.place)
        assert self.reserved == RESERVED_MB * MIB
        assert comes_true(lambda: one(self.place, OVER) is not None), "the alarm is not over"

    def _fuller(self) -> None:
        if self.reserved:
            fill(self.filler)
        self.measure()

    def _said_by_ingest(self) -> int:
        return self.ingest.log.read_text().count("the disk is full: nothing is taken")


@pytest.mark.timeout(240 + 20 * FILLS)
def test_a_full_disk_stops_acknowledgements_pages_and_is_got_over(tmp_path: Path) -> None:
    with (
        disk(tmp_path / "hub") as small,
        clinic(tmp_path, DEVICES, RESERVED_MB) as place,
        closing(Acknowledged(place.hub_broker)) as acknowledged,
        closing(Cuffs(place.device_broker, tmp_path / "measured.jsonl")) as cuffs,
    ):
        started = CLOCK.monotonic()
        ingest = place.program("ingest", "hub.cli", "ingest")
        worker = place.program("worker", "hub.cli", "worker")
        programs = [ingest, worker, place.program("gateway", "device_gateway", "run")]
        for program in programs:
            program.start()
        file = place.settings.database_file
        assert file is not None
        trial, reserve = Trial(place, cuffs, acknowledged, ingest, file, small / "filler"), reserve_of(file)
        assert comes_true(lambda: len(acknowledged.seqs) >= 4 and reserve.exists(), trial.measure)
        assert reserve.stat().st_blocks * 512 >= RESERVED_MB * MIB, "it is put by for real"

        for number in range(1, FILLS + 1):
            trial.becomes_full(number)
            before = trial.takes_nothing()
            if number == 1:
                for program, role in ((ingest, "ingest"), (worker, "worker")):
                    starts_on_a_full_disk(trial, program, role)
                assert stored(place) == before
            trial.goes_on()
            assert [program.running for program in programs] == [True, True, True]
        alarms = one(place, ALARMS)
        assert [program.stop() for program in programs] == [0, 0, 0]
        numbers = records(place)
        place.engine.dispose()
    measured = trial.measured
    lost, doubled = measured - len(numbers), sum(numbers.values()) - len(numbers)
    record("full_disk", trials=alarms, lost=lost, doubled=doubled, began=started, acknowledged=len(acknowledged.seqs))
    assert (alarms, lost, doubled) == (FILLS, 0, 0)


def starts_on_a_full_disk(trial: Trial, program: Program, role: str) -> None:
    began = CLOCK.now()
    program.kill()
    program.start()
    alive = select(func.count()).select_from(heartbeat).where(heartbeat.c.role == role, heartbeat.c.at > began)
    assert comes_true(lambda: one(trial.place, alive) > 0, trial.measure), f"{role} does not start on a full disk"


def test_a_disk_whose_last_bytes_are_too_few_for_the_index_of_the_wal_is_known_as_full(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "wal_is_safe", lambda: True)
    told: list[str] = []
    with disk(tmp_path / "small") as small:
        database = engine.make_engine(f"sqlite:///{small / 'database'}", when_full=lambda: told.append("full"))

        def write(statement: str) -> None:
            with database.begin() as connection:
                connection.execute(text(statement))

        write("CREATE TABLE pages (content BLOB)")
        write("CREATE TABLE one_page (number INTEGER)")
        write(f"INSERT INTO pages VALUES (zeroblob({(INDEXED_FRAMES - 50) * engine.PAGE_BYTES}))")
        while (small / "database-wal").stat().st_size < INDEXED_FRAMES * (engine.PAGE_BYTES + 24):
            write("INSERT INTO one_page VALUES (1)")
        fill(small / "filler")
        os.truncate(small / "filler", (small / "filler").stat().st_size - 4 * engine.PAGE_BYTES)
        assert told == []
        for _ in range(10):
            with contextlib.suppress(engine.Unavailable):
                write("INSERT INTO one_page VALUES (1)")
        database.dispose()
    assert told
