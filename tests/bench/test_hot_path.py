"""How many readings a second are durable, judged and acknowledged, as a part of what a bare subscriber can count.

All drain the same queue of a real mosquitto, each in a process of its own, while nobody publishes: what is measured is
the consumer, from the first message that it was handed to the last that it is done with. The bare one only counts. Of
the hub there are two: one acknowledges each reading to its gateway, as it must, and somebody counts the answers; the
other keeps them, to tell what they cost. Readings are fresh, each patient has a gateway and four devices, and no two
messages in a row are of one patient. Medians of three.
"""

import itertools
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from datetime import timedelta
from pathlib import Path

import pytest
from paho.mqtt import client as paho
from paho.mqtt.enums import CallbackAPIVersion
from sqlalchemy import func, select

from hub.adapters.clock import SystemClock
from hub.adapters.sql.engine import make_engine, read_only
from hub.adapters.sql.tables.measurements import journal
from hub.services import equipment
from tests.bench.consumer import FIRST, SESSION
from tests.bench.publisher import Answers, Publisher
from tests.bench.record import Figure, Reference, at_least, put
from tests.servers import Mosquitto, mosquitto
from tests.unit.alerting.clinic import clinics
from tests.unit.ingest.home import ADMIN, PROFILES, Home, batch, kg, pressure, reading, spo2, value

MESSAGES, PATIENTS, RUNS, WAIT_S = 20_000, 250, 3, 60.0
LEAST_PART = 0.4
ROOT = Path(__file__).parents[2]
CLOCK = SystemClock()
BARE = "bare"
VALUES = (kg(78), spo2(97), pressure(124, 78), [value("blood_glucose", 112, "mg/dL")])


def prepare(folder: Path) -> list[tuple[str, bytes]]:
    """A hub with patients on heart-failure, and one fresh reading a message."""
    folder.mkdir()
    messages: list[tuple[str, bytes]] = []
    for clinic in clinics(folder):
        home = Home(clinic)
        devices = {}
        for number in range(PATIENTS):
            gateway = equipment.add_gateway(home.hub, ADMIN, f"Home {number}", "x", f"home-{number}")
            patient = home.enrol(f"B{number}", f"Invented {number}", ("heart-failure",))
            for profile in PROFILES.values():
                device = equipment.add_device(home.hub, ADMIN, f"{number}-{profile}", profile, gateway)
                equipment.assign_device(home.hub, ADMIN, device, patient, since=home.now - timedelta(days=9))
                devices[number, profile] = gateway, f"{number}-{profile}"
        order = itertools.islice(itertools.cycle(itertools.product(range(4), range(PATIENTS))), MESSAGES)
        for seq, (kind, number) in enumerate(order):
            profile = list(PROFILES.values())[kind]
            gateway, address = devices[number, profile]
            at = home.now - timedelta(milliseconds=40 * (MESSAGES - seq))
            one = reading(seq, at, VALUES[kind], address, profile=profile, record=str(seq), decoder=f"{profile}/1")
            messages.append((f"rpm/v1/{gateway}/up/live", batch(home.now, one, batch=f"b-{seq}")))
    return messages


@contextmanager
def consumer(*arguments: str) -> Iterator["subprocess.Popen[str]"]:
    """A process that has just begun to consume."""
    command = [sys.executable, "-m", "tests.bench.consumer", *arguments]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stdout.readline() == "go\n"
        yield process
        process.stdin.close()
        assert process.wait(WAIT_S) == 0


def counted(process: "subprocess.Popen[str]") -> tuple[float, float]:
    """When the bare consumer got the first and the last message, by the monotonic clock."""
    assert process.stdout is not None
    first, last = map(float, process.stdout.readline().split())
    return first, last


def leave_session(broker: Mosquitto) -> None:
    ready = threading.Event()
    client = paho.Client(CallbackAPIVersion.VERSION2, SESSION, clean_session=False)
    client.on_connect = lambda connected, *_: connected.subscribe("rpm/v1/+/up/live", qos=1)
    client.on_subscribe = lambda *_: ready.set()
    client.connect("127.0.0.1", broker.port)
    client.loop_start()
    assert ready.wait(WAIT_S)
    client.disconnect()
    client.loop_stop()


def drained(broker: Mosquitto, messages: list[tuple[str, bytes]], kind: str, folder: Path) -> float:
    """Messages a second, by the bare subscriber or by a hub on the database in ``folder``."""
    leave_session(broker)
    with Publisher(broker.port) as publisher:
        publisher.fill((topic.encode(), payload) for topic, payload in messages)
    third = str(len(messages)) if kind == BARE else str(folder)
    hearing = Answers(broker.port) if kind == "hub" else nullcontext()
    with hearing as answers, consumer(kind, str(broker.port), third) as process:
        if kind == BARE:
            first, last = counted(process)
        else:
            assert answers.wait(len(messages)) if answers else stored(folder, len(messages))
            last = answers.at(len(messages)) if answers else CLOCK.monotonic()
            first = float((folder / FIRST).read_text(encoding="utf-8"))
    return len(messages) / (last - first)


def stored(folder: Path, expected: int) -> bool:
    """Whether so many readings came to be in the journal in time."""
    engine, until, pause = make_engine(f"sqlite:///{folder / 'hub.db'}"), CLOCK.monotonic() + WAIT_S, threading.Event()
    while CLOCK.monotonic() < until:
        with read_only(engine).connect() as connection:
            if (connection.execute(select(func.max(journal.c.id))).scalar() or 0) >= expected:
                engine.dispose()
                return True
        pause.wait(0.02)
    return False


KINDS = {"hub": "durable, judged, acknowledged", "quiet": "the same without the answers"}


@pytest.mark.timeout(600)
def test_hot_path(tmp_path: Path) -> None:
    messages = prepare(tmp_path / "prepared")
    rates: dict[str, list[float]] = {kind: [] for kind in (BARE, *KINDS)}
    for run in range(RUNS):
        with mosquitto(tmp_path / f"broker-{run}") as broker:
            for kind in rates:
                folder = tmp_path / f"{kind}-{run}"
                shutil.copytree(tmp_path / "prepared", folder)
                rates[kind].append(drained(broker, messages, kind, folder))
    bare = Reference("bare paho 3.1.1 QoS 1, counting", rates[BARE])
    figures = [Figure(words, "msg/s", rates[kind], reference=bare) for kind, words in KINDS.items()]
    parts = [hub / counting for hub, counting in zip(rates["hub"], rates[BARE], strict=True)]
    figures.insert(1, Figure("that as a part of the bare subscriber's", "x", parts, at_least(LEAST_PART)))
    put("hot_path", figures, tmp_path, messages=MESSAGES, patients=PATIENTS)
    assert all(rate > 0 for found in rates.values() for rate in found)
