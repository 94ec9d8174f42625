"""The broker was away, and every gateway comes back at once with a day's readings: a new red pages all the same (G10).

``FAULT_STORM`` says how many gateways. Each sends its next batch when the one before is answered, and sends again what
is not answered in time, as ours do. Among what they send are messages that nobody can read.
"""

import json
import threading
from collections import Counter
from contextlib import closing
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from paho.mqtt import client as paho
from paho.mqtt.enums import CallbackAPIVersion
from sqlalchemy import func, select

from hub.adapters.clock import SystemClock
from hub.adapters.sql.tables.alerting import alert, outbox
from hub.adapters.sql.tables.measurements import journal, quarantine
from hub.adapters.sql.tables.operations import heartbeat
from hub.services import enrolment, equipment
from hub.services.ports.care import NewPatient
from tests.faults.clinic import SETTER, Clinic, Program, clinic
from tests.faults.killers import poll
from tests.faults.record import count_of, record
from tests.servers import Mosquitto
from tests.unit.ingest.home import batch, pressure
from tests.unit.ingest.home import reading as a_reading

GATEWAYS = count_of("FAULT_STORM", 40)
BATCHES, A_BATCH = 3, 24
"""A day of readings, one every twenty minutes."""
UNREADABLE_EVERY = 10
"""Of so many gateways one has a message that nobody can read."""
UNREADABLE = b"nobody can read this"
WITHIN_S, RSS_MB, ENDS_WITHIN_S = 10.0, 250, 240.0 + GATEWAYS / 10
RESEND_S, AT_MOST_S = 30.0, 300.0
"""As a gateway does where nothing else is set: it waits twice as long each time."""
CONNECTED = '%"connected": true%'
CLOCK = SystemClock()


@dataclass
class Gateways:
    """All of them behind one connection."""

    broker: Mosquitto
    now: datetime
    waiting: dict[str, list[bytes]]
    again_at: dict[str, tuple[float, float]] = field(default_factory=dict)
    """When it is sent again, and after how long it was."""
    answers: Counter[str] = field(default_factory=Counter)
    sent: int = 0
    again: int = 0

    def __post_init__(self) -> None:
        self._lock, self._ready = threading.Lock(), threading.Event()
        self._client = paho.Client(CallbackAPIVersion.VERSION2, client_id="storm", clean_session=False)
        self._client.max_inflight_messages_set(2000)
        self._client.on_connect = lambda client, *_: client.subscribe("rpm/v1/+/down/ack", qos=1)
        self._client.on_subscribe = lambda *_: self._ready.set()
        self._client.on_message = self._answered
        self._client.connect("127.0.0.1", self.broker.port)
        self._client.loop_start()
        assert self._ready.wait(10)

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def begin(self) -> None:
        for gateway in list(self.waiting):
            self._send(gateway)

    def live(self, gateway: str, payload: bytes) -> None:
        """By a connection of its own, as each gateway has one: it waits for none of the others."""
        client = paho.Client(CallbackAPIVersion.VERSION2, client_id=gateway)
        client.connect("127.0.0.1", self.broker.port)
        client.loop_start()
        client.publish(f"rpm/v1/{gateway}/up/live", payload, qos=1).wait_for_publish(WITHIN_S)
        client.disconnect()
        client.loop_stop()

    def send_again(self) -> None:
        """What was not answered in time."""
        with self._lock:
            late = [(one, waited) for one, (at, waited) in self.again_at.items() if CLOCK.monotonic() > at]
        self.again += len(late)
        for gateway, waited in late:
            self._send(gateway, min(2 * waited, AT_MOST_S))

    @property
    def done(self) -> bool:
        with self._lock:
            return not any(self.waiting.values())

    def _send(self, gateway: str, wait_s: float = RESEND_S) -> None:
        with self._lock:
            if not self.waiting[gateway]:
                self.again_at.pop(gateway, None)
                return
            payload = self.waiting[gateway][0]
            self.again_at[gateway] = CLOCK.monotonic() + wait_s, wait_s
            self.sent += 1
        self._client.publish(f"rpm/v1/{gateway}/up/backfill", payload, qos=1)

    def _answered(self, _client: paho.Client, _data: Any, message: paho.MQTTMessage) -> None:
        gateway = message.topic.split("/")[2]
        for ack in json.loads(message.payload)["acks"]:
            self.answers.update([one["status"] for one in ack["results"]] if "results" in ack else [ack["error"]])
            if self._was_waited_for(gateway, ack):
                self._send(gateway)

    def _was_waited_for(self, gateway: str, ack: dict[str, Any]) -> bool:
        """An answer to what it sent last; to what was sent again there are two."""
        with self._lock:
            sent = self.waiting[gateway][:1]
            if not sent or ack.get("batch") != name_of(sent[0]):
                return False
            self.waiting[gateway] = self.waiting[gateway][1:]
            return True


@pytest.mark.timeout(420 + GATEWAYS // 5)
def test_a_new_red_is_an_alert_within_ten_seconds_of_a_storm(tmp_path: Path) -> None:
    began = CLOCK.monotonic()
    with clinic(tmp_path, []) as place:
        names = [settle_in(place, number) for number in range(GATEWAYS)]
        now = CLOCK.now()
        ingest = place.program("ingest", "hub.cli", "ingest")
        ingest.start()
        listens = select(heartbeat.c.role).where(heartbeat.c.role == "ingest", heartbeat.c.detail.like(CONNECTED))
        assert poll(place.reading, lambda hub: hub.execute(listens).first() is not None, 60, every=0.1)
        with closing(Gateways(place.hub_broker, now, backlogs(names, now))) as gateways:
            readings = GATEWAYS * BATCHES * A_BATCH
            stormed = CLOCK.monotonic()
            gateways.begin()
            assert poll(place.reading, lambda hub: rows(hub) > readings // 20, 60, every=0.05), "it never began"
            alert_s = red(place, gateways, names[GATEWAYS // 2])
            peak_mb = 0.0
            while not gateways.done and CLOCK.monotonic() - stormed < ENDS_WITHIN_S:
                gateways.send_again()
                peak_mb = max(peak_mb, family_mb(ingest))
                threading.Event().wait(0.1)
            took = CLOCK.monotonic() - stormed
        assert ingest.stop() == 0
        with place.reading.connect() as hub:
            stored = rows(hub)
            refused = hub.execute(select(func.count()).select_from(quarantine)).scalar_one()
    unreadable = -(-GATEWAYS // UNREADABLE_EVERY)
    figures = {"alert_s": round(alert_s, 2), "readings_s": round(readings / took), "peak_mb": round(peak_mb)}
    record(
        "storm",
        trials=GATEWAYS,
        lost=readings + 1 - stored,
        doubled=max(0, stored - readings - 1),
        began=began,
        readings=readings,
        sent_again=gateways.again,
        **figures,
    )
    assert gateways.done
    assert (stored, refused) == (readings + 1, unreadable)
    assert gateways.answers["stored"] == readings + 1
    assert alert_s <= WITHIN_S
    assert peak_mb <= RSS_MB
    assert gateways.again <= gateways.sent // 2, "answers came later and later"


def settle_in(place: Clinic, number: int) -> str:
    """A home with a gateway, a cuff and a patient of its own."""
    gateway = equipment.add_gateway(place.hub, SETTER, f"Home {number}", "unused", f"storm-{number}")
    new = NewPatient(mrn=f"S-{number}", name="Pat Invented", born=date(1950, 1, 1), zone="UTC")
    patient = enrolment.add_patient(place.hub, SETTER, new, protocols=("hypertension",))
    device = equipment.add_device(place.hub, SETTER, f"CS-{number}", "blood-pressure", gateway)
    equipment.assign_device(place.hub, SETTER, device, patient, since=CLOCK.now() - timedelta(days=2))
    return gateway


def backlogs(names: list[str], now: datetime) -> dict[str, list[bytes]]:
    """What each gateway has kept for a day, the oldest first."""
    kept: dict[str, list[bytes]] = {}
    for number, name in enumerate(names):
        kept[name] = [UNREADABLE] if number % UNREADABLE_EVERY == 0 else []
        for first in range(0, BATCHES * A_BATCH, A_BATCH):
            readings = [measured(number, seq, now) for seq in range(first + 1, first + A_BATCH + 1)]
            kept[name].append(batch(now, *readings, batch=f"{name}-{first}", spool=name))
    return kept


def name_of(payload: bytes) -> str | None:
    """Of a batch; what nobody can read has none."""
    return None if payload == UNREADABLE else str(json.loads(payload)["batch"])


def measured(number: int, seq: int, now: datetime, **more: Any) -> dict[str, Any]:
    at = now - timedelta(hours=24) + timedelta(minutes=19) * seq
    plain = {"profile": "blood-pressure", "record": f"r-{seq}", "flags": ["from_memory"]}
    return a_reading(seq, at, pressure(124, 78), f"CS-{number}", **(plain | more))


def red(place: Clinic, gateways: Gateways, gateway: str) -> float:
    """Somebody falls ill in the middle of it; seconds until the alert and its page are committed."""
    now, number = CLOCK.now(), int(gateway.rpartition("-")[2])
    one = a_reading(99_999, now, pressure(190, 125), f"CS-{number}", profile="blood-pressure", record="red")
    sent = CLOCK.monotonic()  # before it connects: that is a part of it
    gateways.live(gateway, batch(now, one, batch="live-red", spool=gateway))
    paged = select(outbox.c.id).join(alert, alert.c.id == outbox.c.alert_id).where(alert.c.kind == "clinical")
    assert poll(place.reading, lambda hub: hub.execute(paged).first() is not None, 60, every=0.02), "nobody was paged"
    return CLOCK.monotonic() - sent


def rows(hub: Any) -> int:
    return int(hub.execute(select(func.count()).select_from(journal)).scalar_one())


def family_mb(program: Program) -> float:
    """What the process and its children hold in memory."""
    pids = [program.pid]
    children = Path(f"/proc/{program.pid}/task/{program.pid}/children").read_text().split()
    total = 0
    for pid in [*pids, *map(int, children)]:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
        total += next((int(line.split()[1]) for line in lines if line.startswith("VmRSS")), 0)
    return total / 1024
