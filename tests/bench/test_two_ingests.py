"""How many readings a second two ingest processes store on one PostgreSQL, beside one alone.

Both drain the same queue of a real mosquitto while nobody publishes: they stand still until it is full. Readings are
fresh and of many gateways, one a message; each is durable, judged and acknowledged. The server is durable. On two cores
the processes, their receivers, the broker and the database share what there is.
"""

import itertools
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from hub.adapters.clock import SystemClock
from hub.adapters.processes import Supervisor
from hub.adapters.sql.engine import make_engine
from hub.bootstrap import DEMO, open_database
from hub.services import equipment
from hub.settings import Settings
from tests.bench.record import Figure, Reference, put
from tests.bench.sizes import size
from tests.contract.hub_rig import until
from tests.contract.test_two_ingests import Publisher, ingests, listening
from tests.servers import mosquitto
from tests.servers_postgres import PostgreSQL, postgresql
from tests.unit.alerting.clinic import clinics
from tests.unit.ingest.home import ADMIN, Home, batch, kg, reading

MESSAGES, GATEWAYS = size("SHARED"), size("SHARING")
RUNS, WAIT_S = 3, 300.0
CLOCK = SystemClock()


def prepare(folder: Path, url: str) -> list[tuple[str, bytes]]:
    """Patients with a gateway and a scale each, and one fresh reading a message."""
    open_database(Settings(data_dir=str(folder / "hub"), database_url=url), DEMO)
    messages: list[tuple[str, bytes]] = []
    for clinic in clinics(folder, url=url):
        clinic.clock.forward(CLOCK.now() - clinic.now)
        home = Home(clinic)
        for number in range(GATEWAYS):
            gateway = equipment.add_gateway(home.hub, ADMIN, f"Home {number}", "x", f"home-{number}")
            device = equipment.add_device(home.hub, ADMIN, f"SC-{number}", "weight-scale", gateway)
            patient = home.enrol(f"B{number}", f"Invented {number}", ("heart-failure",))
            equipment.assign_device(home.hub, ADMIN, device, patient, since=home.now - timedelta(days=9))
        for seq, number in enumerate(itertools.islice(itertools.cycle(range(GATEWAYS)), MESSAGES)):
            at = home.now - timedelta(milliseconds=40 * (MESSAGES - seq))
            one = reading(seq, at, kg(78), f"SC-{number}", profile="weight-scale", record=str(seq))
            messages.append((f"home-{number}", batch(home.now, one, batch=f"b-{seq}", spool=f"s-{number}")))
    return messages


@contextmanager
def standing_still(supervisor: Supervisor) -> Iterator[None]:
    """The processes and their receivers, for as long as the block lasts."""
    groups = [running.process.pid for running in supervisor._running]
    for group in groups:
        os.killpg(group, signal.SIGSTOP)
    try:
        yield
    finally:
        for group in groups:
            os.killpg(group, signal.SIGCONT)


def drained(folder: Path, server: PostgreSQL, of: int, messages: list[tuple[str, bytes]]) -> float:
    """Messages a second, by so many processes."""
    url = server.create("run", "prepared")
    engine = make_engine(url)
    with mosquitto(folder) as broker:
        settings = Settings(data_dir=str(folder / "hub"), database_url=url, mqtt_url=broker.url("rpmhub"))
        supervisor, publisher = ingests(settings, of), Publisher(broker.port)
        supervisor.start()
        try:
            until(lambda: listening(engine) == of)
            with standing_still(supervisor):
                publisher.fill(messages)
            began, pause = CLOCK.monotonic(), threading.Event()
            while len(publisher.answers) < len(messages) and CLOCK.monotonic() - began < WAIT_S:
                pause.wait(0.01)
            took = CLOCK.monotonic() - began
            assert {status for _, _, status in publisher.answers} == {"stored"}
            assert len(publisher.answers) == len(messages)
        finally:
            supervisor.stop()
            publisher.close()
            engine.dispose()
    server.drop("run")
    return len(messages) / took


@pytest.mark.timeout(1800)
def test_two_ingests(tmp_path: Path) -> None:
    rates: dict[int, list[float]] = {1: [], 2: []}
    with postgresql(durable=True) as server:
        messages = prepare(tmp_path, server.create("prepared"))
        for run in range(RUNS):
            for of, found in rates.items():
                found.append(drained(tmp_path / f"{of}-{run}", server, of, messages))
    one = Reference("one ingest process on PostgreSQL", rates[1])
    figures = [Figure("one ingest process", "msg/s", rates[1]), Figure("two", "msg/s", rates[2], reference=one)]
    put("two_ingests", figures, tmp_path, messages=MESSAGES, gateways=GATEWAYS)
    assert all(rate > 0 for found in rates.values() for rate in found)
