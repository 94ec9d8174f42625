"""A disk that is really full: nothing is acknowledged that is not stored, the alarm pages, and it goes on by itself."""

import contextlib
import json
import subprocess
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from paho.mqtt import client as paho
from paho.mqtt.enums import CallbackAPIVersion
from sqlalchemy import func, select

from hub.adapters.clock import SystemClock
from hub.adapters.database_file.reserve import MIB, reserve_of
from hub.adapters.sql.tables.alerting import alert, outbox
from hub.adapters.sql.tables.measurements import journal
from hub.adapters.sql.tables.operations import heartbeat
from hub.services.engine.room import PROBLEM
from tests.faults.clinic import GATEWAY, Clinic, clinic
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


@pytest.mark.timeout(240 + 20 * FILLS)
def test_a_full_disk_stops_acknowledgements_pages_and_is_got_over(tmp_path: Path) -> None:
    with (
        disk(tmp_path / "hub") as small,
        clinic(tmp_path, DEVICES, RESERVED_MB) as place,
        closing(Acknowledged(place.hub_broker)) as acknowledged,
        closing(Cuffs(place.device_broker, tmp_path / "measured.jsonl")) as cuffs,
    ):
        measured, started = 0, CLOCK.monotonic()

        def measure() -> None:
            nonlocal measured
            for device in DEVICES:
                cuffs.measure(device, WELL, None, CLOCK.now())
                measured += 1

        ingest = place.program("ingest", "hub.cli", "ingest")
        worker = place.program("worker", "hub.cli", "worker")
        programs = [ingest, worker, place.program("gateway", "device_gateway", "run")]
        for program in programs:
            program.start()
        file = place.settings.database_file
        assert file is not None
        reserve, filler = reserve_of(file), small / "filler"
        assert comes_true(lambda: len(acknowledged.seqs) >= 4 and reserve.exists(), measure)
        assert reserve.stat().st_blocks * 512 >= RESERVED_MB * MIB, "it is put by for real"

        def fuller() -> None:
            if reserve.stat().st_size:
                fill(filler)
            measure()

        assert comes_true(lambda: reserve.stat().st_size == 0, fuller), "nobody gave up what was reserved"
        queued = select(func.count()).select_from(outbox).join(alert, outbox.c.alert_id == alert.c.id)
        paged = queued.where(alert.c.problem == PROBLEM, outbox.c.state.in_(["accepted", "sent", "delivered"]))
        assert comes_true(lambda: one(place, paged) > 0, measure), "nobody was paged"
        before, so_far = stored(place), set(acknowledged.seqs)
        for _ in range(10):
            measure()
            threading.Event().wait(0.3)
        assert stored(place) == before, "what is reserved is not for readings"
        assert acknowledged.seqs <= before
        assert so_far <= before
        assert ingest.running
        assert worker.running

        for program, role in ((ingest, "ingest"), (worker, "worker")):
            began = CLOCK.now()
            program.kill()
            program.start()
            alive = select(func.count()).select_from(heartbeat).where(heartbeat.c.role == role, heartbeat.c.at > began)
            assert comes_true(lambda: one(place, alive) > 0, measure), f"{role} does not start on a full disk"  # noqa: B023
        assert stored(place) == before

        filler.unlink()
        for _ in range(FILLS - 1):
            assert comes_true(lambda: reserve.stat().st_size > 0, measure), "it does not go on by itself"
            assert comes_true(lambda: reserve.stat().st_size == 0, fuller)
            measure()
            assert acknowledged.seqs <= stored(place)
            filler.unlink()
        assert comes_true(lambda: len(stored(place)) == measured), "it does not go on by itself"
        assert comes_true(lambda: len(acknowledged.seqs) == measured)
        assert acknowledged.seqs <= stored(place)
        assert reserve.stat().st_size == RESERVED_MB * MIB
        over = select(alert.c.over_at).where(alert.c.problem == PROBLEM)
        assert comes_true(lambda: one(place, over) is not None)
        assert [program.stop() for program in programs] == [0, 0, 0]
        numbers = records(place)
        place.engine.dispose()
    lost, doubled = measured - len(numbers), sum(numbers.values()) - len(numbers)
    record("full_disk", trials=FILLS, lost=lost, doubled=doubled, began=started, acknowledged=len(acknowledged.seqs))
    assert (lost, doubled) == (0, 0)
