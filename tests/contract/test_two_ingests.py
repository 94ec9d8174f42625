"""Two ingest processes on one PostgreSQL behind one broker: together they do what one does, and each its own part."""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from paho.mqtt import client as paho
from sqlalchemy import Engine

from hub.adapters.clock import SystemClock
from hub.adapters.processes import Program, Supervisor
from hub.adapters.sql.engine import make_engine
from hub.bootstrap import DEMO, open_database
from hub.services import equipment
from hub.services.ingest.shard import Shard
from hub.settings import Settings
from tests.contract.hub_rig import until
from tests.servers import Mosquitto, mosquitto
from tests.servers_postgres import PostgreSQL
from tests.unit.alerting.clinic import clinics
from tests.unit.ingest.home import ADMIN, Home, batch, reading, spo2

CLOCK = SystemClock()
GATEWAYS = [f"home-{number}" for number in range(40)]
VALUES = (97, 85, 84, 96)
STRANGER = "nobody-1"


class Publisher:
    """Speaks as every gateway, and hears what each is answered."""

    def __init__(self, port: int) -> None:
        self.answers: Counter[tuple[str, int, str]] = Counter()
        self._client = paho.Client(paho.CallbackAPIVersion.VERSION2)
        self._client.max_inflight_messages_set(500)
        self._client.on_connect = lambda client, *_: client.subscribe("rpm/v1/+/down/ack", qos=1)
        self._client.on_message = self._take
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()

    def send(self, gateway: str, payload: bytes) -> None:
        self._client.publish(f"rpm/v1/{gateway}/up/live", payload, qos=1)

    def fill(self, messages: Sequence[tuple[str, bytes]]) -> None:
        """The broker has all of them when it returns."""
        sent = [self._client.publish(f"rpm/v1/{gateway}/up/live", payload, qos=1) for gateway, payload in messages]
        for one in sent:
            one.wait_for_publish(60.0)

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def _take(self, _client: paho.Client, _data: object, message: paho.MQTTMessage) -> None:
        for ack in json.loads(message.payload)["acks"]:
            for one in ack["results"]:
                self.answers[message.topic.split("/")[2], one["seq"], one["status"]] += 1


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    with mosquitto(tmp_path / "broker") as made:
        yield made


def seed(folder: Path, url: str) -> None:
    for clinic in clinics(folder, url=url):
        clinic.clock.forward(CLOCK.now() - clinic.now)
        home = Home(clinic)
        for number, gateway in enumerate(GATEWAYS):
            equipment.add_gateway(home.hub, ADMIN, f"Home {number}", "x", gateway)
            patient = home.enrol(f"M{number}", f"Invented {number}", ("heart-failure",))
            device = equipment.add_device(home.hub, ADMIN, f"OX-{number}", "pulse-oximeter", gateway)
            equipment.assign_device(home.hub, ADMIN, device, patient, since=home.now - timedelta(days=1))


def ingests(settings: Settings, of: int) -> Supervisor:
    given = {f"RPMHUB_{name.upper()}": str(getattr(settings, name)) for name in settings.__struct_fields__}
    settings.data.mkdir(exist_ok=True)
    made = []
    for shard in (Shard(number, of) for number in range(1, of + 1)):
        environment, log = given | {"RPMHUB_INGEST_SHARD": str(shard)}, settings.data / f"ingest{shard.name}.log"
        made.append(Program(f"ingest{shard.name}", "hub.cli", ("ingest",), environment, log))
    return Supervisor(made, CLOCK)


def rows(engine: Engine, question: str) -> list[tuple[object, ...]]:
    with engine.connect() as connection:
        return [tuple(row) for row in connection.exec_driver_sql(question)]


def listening(engine: Engine) -> int:
    """How many ingest processes have said that they are connected to the broker."""
    beaten = rows(engine, "SELECT detail FROM heartbeat WHERE role = 'ingest'")
    return sum(bool(json.loads(str(detail))["connected"]) for (detail,) in beaten)


def found(folder: Path, server: PostgreSQL, broker: Mosquitto, of: int, since: datetime) -> dict[str, object]:
    """What so many processes make of the same readings."""
    url = server.create(f"ingests_{of}")
    settings = Settings(data_dir=str(folder / f"hub-{of}"), database_url=url, mqtt_url=broker.url("rpmhub"))
    open_database(settings, DEMO)
    seed(folder, url)
    engine, supervisor, publisher = make_engine(url), ingests(settings, of), Publisher(broker.port)
    supervisor.start()
    try:
        until(lambda: listening(engine) == of)
        send(publisher, since)
        until(lambda: len(publisher.answers) == len(GATEWAYS) * len(VALUES))
        until(lambda: rows(engine, f"SELECT 1 FROM quarantine WHERE gateway_id = '{STRANGER}'") != [])
        beats = rows(engine, "SELECT instance, detail FROM heartbeat WHERE role = 'ingest'")
        assert {json.loads(str(detail))["shard"] for _, detail in beats} == {
            str(Shard(n, of)) for n in range(1, of + 1)
        }
        return {
            "answers": publisher.answers,
            "journal": rows(engine, "SELECT gateway_id, seq, status FROM journal ORDER BY gateway_id, seq"),
            "readings": rows(engine, "SELECT patient_id, at, centi FROM reading ORDER BY patient_id, at"),
            "findings": rows(engine, "SELECT patient_id, rule, severity, at FROM finding ORDER BY 1, 2, 4"),
            "alerts": rows(engine, "SELECT subject, problem, severity FROM alert ORDER BY subject, problem"),
            "stranger": rows(engine, f"SELECT code, times FROM quarantine WHERE gateway_id = '{STRANGER}'"),
        }
    finally:
        supervisor.stop()
        publisher.close()
        engine.dispose()
        server.drop(f"ingests_{of}")


def send(publisher: Publisher, since: datetime) -> None:
    """All gateways' readings in turn, one a message, and one of a gateway that is unknown here."""
    for seq, number in enumerate(VALUES, start=1):
        for place, gateway in enumerate(GATEWAYS):
            at = since + timedelta(seconds=seq)
            one = reading(seq, at, spo2(number), f"OX-{place}", profile="pulse-oximeter", record=str(seq))
            publisher.send(gateway, batch(at, one, spool=f"s-{gateway}", batch=f"{gateway}-{seq}"))
    publisher.send(STRANGER, batch(since, reading(1, since, spo2(97), "OX-0", profile="pulse-oximeter")))


@pytest.mark.timeout(180)
def test_two_store_each_reading_once_and_find_what_one_finds(
    tmp_path: Path, postgres_server: PostgreSQL, broker: Mosquitto
) -> None:
    since = CLOCK.now().astimezone(UTC).replace(microsecond=0) - timedelta(seconds=30)
    one, two = (found(tmp_path, postgres_server, broker, of, since) for of in (1, 2))
    stored = [(gateway, seq) for gateway in sorted(GATEWAYS) for seq in range(1, len(VALUES) + 1)]
    assert two["journal"] == [(gateway, seq, "stored") for gateway, seq in stored]
    assert two["answers"] == Counter({(gateway, seq, "stored"): 1 for gateway, seq in stored})
    assert {kind for kind in one if one[kind] != two[kind]} == set()
    assert two["stranger"] == [("unknown_gateway", 1)]


def test_every_gateway_is_exactly_one_parts() -> None:
    for of in (1, 2, 3, 7):
        shards = [Shard(number, of) for number in range(1, of + 1)]
        assert {sum(shard.has(gateway) for shard in shards) for gateway in (*GATEWAYS, STRANGER, "", "ä")} == {1}
    halves = [sum(Shard(number, 2).has(f"g-{n}") for n in range(1000)) for number in (1, 2)]
    assert min(halves) > 400
