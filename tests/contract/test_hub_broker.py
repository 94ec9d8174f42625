"""Ingest behind a real mosquitto: each bad message is answered, the good one behind it is not delayed, none is lost."""

import contextlib
import gc
import hashlib
import itertools
import json
import queue
import weakref
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hub.adapters import ingest_loop
from hub.adapters.bulk_client import READ
from hub.adapters.mqtt_inbox import LOST_S, MqttInbox, Receipt
from hub.adapters.sql.engine import sqlite_driver
from hub.services.ingest import poison
from hub.services.ingest.messages import Message
from hub.settings import Address
from tests.contract.hub_rig import WAIT_S, Rig, RigClock, leave_session, rigs, until
from tests.servers import mosquitto
from tests.unit.checkup.servers import self_signed
from tests.unit.ingest.bad_input import SINGLE, WHOLE
from tests.unit.ingest.home import Home, batch, homes, kg, reading

pytestmark = pytest.mark.timeout(60)
DIES = pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
SEQS = itertools.count(1000)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    """One hub for every bad message: what one of them broke the next would find."""
    with rigs(tmp_path_factory.mktemp("rig")) as rig, rig:
        yield rig


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    with rigs(tmp_path) as made, made:
        yield made


def quarantined(rig: Rig) -> list[Any]:
    return rig.home.rows("quarantine", "code", "raw")


@pytest.mark.parametrize("kind", WHOLE)
def test_a_message_that_cannot_be_read_is_answered_with_its_hash_and_delays_nobody(shared: Rig, kind: str) -> None:
    made, code = WHOLE[kind]
    payload, seq = made(shared.home.now), next(SEQS)
    shared.gateways.send(payload)
    shared.gateways.send(shared.good(seq))
    (_, broken), (_, stored) = shared.gateways.answers_until(f"good-{seq}")
    assert (broken["error"], broken["payload_sha256"]) == (code, hashlib.sha256(payload).hexdigest())
    assert stored["results"] == [{"seq": seq, "status": "stored"}]
    assert quarantined(shared)[-1] == (code, payload)


@pytest.mark.parametrize("kind", SINGLE)
def test_a_bad_reading_is_answered_by_its_number_and_delays_nobody(shared: Rig, kind: str) -> None:
    made, code = SINGLE[kind]
    seq = next(SEQS)
    payload = made(shared.home.now).replace(b'"s-1"', f'"s-{seq}"'.encode())
    shared.gateways.send(payload)
    shared.gateways.send(shared.good(seq))
    (_, broken), (_, stored) = shared.gateways.answers_until(f"good-{seq}")
    assert broken["results"] == [{"seq": 1, "status": "rejected", "code": code}]
    assert stored["results"] == [{"seq": seq, "status": "stored"}]
    assert quarantined(shared)[-1][0] == code


def test_an_unknown_gateway_is_not_answered(shared: Rig) -> None:
    seq = next(SEQS)
    shared.gateways.send(shared.good(seq), "g-nobody")
    shared.gateways.send(shared.good(seq))
    assert [gateway for gateway, _ in shared.gateways.answers_until(f"good-{seq}")] == ["g-1"]
    assert quarantined(shared)[-1] == ("unknown_gateway", shared.good(seq))
    assert "unknown-gateway open" in shared.home.alerts()


@pytest.mark.parametrize(
    "topic", ["rpm/v1/g-1/up/other", "rpm/v1/g-1/up", "rpm/v1/g-1/up/live/x", "rpm/v2/g-1/up/live"]
)
def test_topics_that_are_none_are_not_even_heard(shared: Rig, topic: str) -> None:
    seq, before = next(SEQS), len(quarantined(shared))
    shared.gateways._client.publish(topic, shared.good(seq), qos=1)
    shared.gateways.send(shared.good(seq))
    ((_, stored),) = shared.gateways.answers_until(f"good-{seq}")
    assert stored["results"][0]["status"] == "stored"
    assert len(quarantined(shared)) == before


def test_rubbish_as_status_is_quarantined_and_delays_nobody(shared: Rig) -> None:
    seq = next(SEQS)
    for rubbish in (b"\xff", b'{"v": 1, "online": true, "spool_depth": 1e400}', b'{"v":1,"online":true,"x":"\xff"}'):
        shared.gateways.send(rubbish, lane="status")
    shared.gateways.send(shared.good(seq))
    shared.gateways.answers_until(f"good-{seq}")
    assert [code for code, _ in quarantined(shared)[-3:]] == ["schema"] * 3


def test_a_thousand_bad_ones_delay_a_good_one_by_their_own_time_only(shared: Rig) -> None:
    seq = next(SEQS)
    for number in range(200):
        shared.gateways._client.publish("rpm/v1/g-1/up/backfill", b"rubbish %d" % number, qos=1)
    shared.gateways.send(shared.good(seq))
    answers = shared.gateways.answers_until(f"good-{seq}")
    assert answers[-1][1]["results"][0]["status"] == "stored"


def test_the_hub_runs_on_after_all_of_that(shared: Rig) -> None:
    with shared.home.hub.unit_of_work() as uow:
        (beat,) = uow.operations.heartbeats()
    assert (beat.role, beat.detail["connected"]) == ("ingest", True)
    assert not [line for line in shared.home.alerts() if "unprocessable" in line]


# What is acknowledged, and when ----------------------------------------------------------------------------------


def test_nothing_is_acknowledged_before_it_is_committed(rig: Rig) -> None:
    """While another process holds the database the reading can be read, and nobody is told."""
    database = rig.home.clinic.engine.url.database or ""
    with contextlib.closing(sqlite_driver().connect(database, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        rig.gateways.send(rig.good(1))
        with pytest.raises(queue.Empty):
            rig.gateways.acks.get(timeout=1.0)
        other.execute("ROLLBACK")
    rig.gateways.answers_until("good-1")
    with contextlib.closing(sqlite_driver().connect(database)) as other:
        assert other.execute("SELECT count(*) FROM journal").fetchall() == [(1,)]


def test_a_life_that_ends_before_the_commit_leaves_its_messages_with_the_broker(
    rig: Rig, caplog: pytest.LogCaptureFixture
) -> None:
    """The broker is told nothing before the commit either: the next life is handed over what this one had taken."""
    database = rig.home.clinic.engine.url.database or ""
    with contextlib.closing(sqlite_driver().connect(database, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        rig.gateways.send(rig.good(1))
        until(lambda: "the database cannot take this now" in caplog.text)
        with pytest.raises(queue.Empty):
            rig.gateways.acks.get(timeout=0.3)
        rig.stop()
        other.execute("ROLLBACK")
    assert rig.home.count("journal") == 0
    rig.start()
    ((_, told),) = rig.gateways.answers_until("good-1")
    assert told["results"][0]["status"] == "stored"


def test_a_full_disk_stops_the_answers_and_room_resumes_them_without_a_restart(rig: Rig) -> None:
    rig.gateways.send(rig.good(1))
    rig.gateways.answers_until("good-1")
    rig.limit(1)
    payload = batch(
        rig.home.now,
        *(reading(n, rig.home.now, [], flags=["x"] * 32, raw=[{"kind": "k", "data": "00" * 90}]) for n in range(200)),
        batch="big",
    )
    rig.gateways.send(payload)
    with pytest.raises(queue.Empty):
        rig.gateways.acks.get(timeout=1.0)
    assert rig.home.count("journal") == 1
    assert rig.home.count("quarantine") == 0
    rig.limit(1_000_000)
    ((_, told),) = rig.gateways.answers_until("big")
    assert {result["status"] for result in told["results"]} == {"stored"}
    assert rig.home.count("journal") == 201


@DIES
def test_a_dead_thread_is_noticed_and_nothing_is_lost(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    rig.gateways.send(rig.good(1))
    rig.gateways.answers_until("good-1")
    client = rig.inbox._client
    assert client is not None
    thread = client._thread
    assert thread is not None
    real, failing = rig.inbox.handoff.put, iter([RuntimeError("a fault in a callback")])

    def put(*given: Any, **more: Any) -> None:
        for error in failing:
            raise error
        real(*given, **more)

    monkeypatch.setattr(rig.inbox.handoff, "put", put)
    rig.gateways.send(rig.good(2))
    rig.gateways.send(rig.good(3))
    thread.join(WAIT_S)
    assert not thread.is_alive()
    assert client.is_connected(), "paho believes in it still"
    assert rig.inbox.alive()
    rig.clock.ahead_s += LOST_S + 1
    told = [ack["batch"] for _, ack in rig.gateways.answers_until("good-3")]
    assert "good-2" in told
    assert rig.home.rows("journal", "seq") == [1, 2, 3]


def test_a_broker_that_crashes_costs_nothing_that_was_acknowledged(rig: Rig) -> None:
    rig.gateways.send(rig.good(1))
    rig.gateways.answers_until("good-1")
    rig.broker.kill()
    rig.broker.start()
    rig.gateways.send(rig.good(2))
    rig.gateways.answers_until("good-2")
    assert rig.home.rows("journal", "seq") == [1, 2]


def test_four_that_are_poison_stop_nobody_once_a_good_one_comes(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    real = poison.process

    def process(hub: Any, messages: list[Message], registry: Any = None, **more: Any) -> Any:
        if any(b"poison" in message.payload for message in messages):
            raise ZeroDivisionError("a fault of ours")
        return real(hub, messages, registry, **more)

    monkeypatch.setattr(poison, "process", process)
    monkeypatch.setattr(ingest_loop, "HOLD_S", 0.2)
    for seq in range(6):
        payload = batch(rig.home.now, reading(seq, rig.home.now, kg(80)), spool="poison", batch=f"poison-{seq}")
        rig.gateways.send(payload)
    rig.gateways.send(rig.good(1))
    told: dict[str, str] = {}
    while len(told) < 7:
        _, message = rig.gateways.answer()
        told |= {ack["batch"]: ack["results"][0].get("code", "stored") for ack in message["acks"]}
    assert told.pop("good-1") == "stored"
    assert set(told.values()) == {"unprocessable"}
    assert rig.home.rows("quarantine", "code") == ["unprocessable"] * 6


def test_a_retained_batch_is_stored_once_however_often_the_hub_connects(rig: Rig) -> None:
    rig.gateways.send(rig.good(1), retain=True)
    rig.gateways.answers_until("good-1")
    rig.inbox.restart()
    _, again = rig.gateways.answers_until("good-1")[-1]
    assert again["results"][0]["status"] == "duplicate"
    assert rig.home.count("journal") == 1


# The inbox alone -------------------------------------------------------------------------------------------------


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    yield from homes(tmp_path)


def test_receipts_of_an_earlier_connection_acknowledge_nothing(home: Home, tmp_path: Path) -> None:
    with mosquitto(tmp_path / "broker") as broker:
        leave_session(broker.port, "hub")
        inbox = MqttInbox(Address("127.0.0.1", broker.port, False, None, None), "hub", RigClock(home))
        inbox.start()
        sender = paho_sender(broker.port)

        def take() -> list[tuple[str, Receipt]]:
            return [(m.payload.decode(), receipt) for m, receipt in inbox.handoff.take(9, 10**6, timeout=15.0)]

        until(lambda: inbox.connected)
        sender.publish("rpm/v1/g-1/up/live", b"first", qos=1)
        ((payload, old),) = take()
        assert payload == "first"
        inbox.restart()
        ((payload, new),) = take()
        assert payload == "first"
        assert new.epoch > old.epoch
        inbox.acknowledge([old])  # its id is the new one's too: it must not speak for it
        inbox.restart()
        ((payload, newest),) = take()
        assert payload == "first"
        inbox.acknowledge([newest])
        sender.publish("rpm/v1/g-1/up/live", b"second", qos=1)
        assert [name for name, _ in take()] == ["second"]
        inbox.stop()
        sender.disconnect()
        sender.loop_stop()


def test_a_reconnection_of_pahos_own_voids_receipts_too(home: Home, tmp_path: Path) -> None:
    with mosquitto(tmp_path / "broker") as broker:
        inbox = MqttInbox(Address("127.0.0.1", broker.port, False, None, None), "hub", RigClock(home))
        inbox.start()
        until(lambda: inbox.connected)
        sender = paho_sender(broker.port)
        sender.publish("rpm/v1/g-1/up/live", b"first", qos=1)
        ((_, old),) = inbox.handoff.take(9, 10**6, timeout=15.0)
        broker.kill()
        until(lambda: not inbox.connected)
        broker.start()
        until(lambda: inbox.connected)
        until(sender.is_connected)
        sender.publish("rpm/v1/g-1/up/live", b"second", qos=1)
        ((_, new),) = inbox.handoff.take(9, 10**6, timeout=15.0)
        assert new.mid == old.mid, "the broker has forgotten"
        inbox.acknowledge([old])
        inbox.restart()
        ((again, newest),) = inbox.handoff.take(9, 10**6, timeout=15.0)
        assert again.payload == b"second"
        inbox.acknowledge([newest])
        inbox.stop()
        sender.disconnect()
        sender.loop_stop()


def test_a_thread_that_waits_for_room_is_not_taken_for_a_dead_one(home: Home, tmp_path: Path) -> None:
    clock = RigClock(home)
    with mosquitto(tmp_path / "broker") as broker:
        leave_session(broker.port, "hub")
        inbox = MqttInbox(Address("127.0.0.1", broker.port, False, None, None), "hub", clock, max_bytes=8)
        inbox.start()
        sender = paho_sender(broker.port)
        for _ in range(3):
            sender.publish("rpm/v1/g-1/up/live", b"12345678", qos=1)
        until(lambda: inbox.handoff.full)
        clock.ahead_s += LOST_S + 1
        assert inbox.alive()
        taken = [one for _ in range(3) for one in inbox.take(9, 10**6, timeout=15.0)]
        assert len(taken) == 3
        clock.ahead_s += LOST_S + 1
        assert not inbox.alive(), "now it should have been heard of"
        inbox.stop()
        sender.disconnect()
        sender.loop_stop()


def test_a_client_that_was_replaced_is_gone_at_once(home: Home, tmp_path: Path) -> None:
    """With its descriptors, and without waiting for the collector."""
    with mosquitto(tmp_path / "broker") as broker:
        inbox = MqttInbox(Address("127.0.0.1", broker.port, False, None, None), "hub", RigClock(home))
        inbox.start()
        until(lambda: inbox.connected)
        old = weakref.ref(inbox._client)
        gc.disable()
        try:
            inbox.restart()
            assert old() is None
        finally:
            gc.enable()
        inbox.stop()


def test_all_of_a_backlog_comes_over_tls_too(home: Home, tmp_path: Path) -> None:
    """Of records of 16 KB, in which messages begin and end anywhere."""
    certificate = self_signed(tmp_path)
    payloads = [b"%d " % number + b"x" * (number * 997 % 40_000) for number in range(300)]
    with mosquitto(tmp_path / "broker", f"certfile {certificate}", f"keyfile {certificate}") as broker:
        inbox = MqttInbox(Address("127.0.0.1", broker.port, True, None, None), "hub", RigClock(home), str(certificate))
        inbox.start()
        until(lambda: inbox.connected)
        sender = paho_sender(broker.port, str(certificate))
        for payload in payloads:
            sender.publish("rpm/v1/g-1/up/live", payload, qos=1)
        came: list[bytes] = []
        while len(came) < len(payloads):
            taken = inbox.take(50, 10**6, timeout=15.0)
            assert taken
            came += [message.payload for message, _ in taken]
            inbox.acknowledge([receipt for _, receipt in taken])
        assert came == payloads
        inbox.stop()
        sender.disconnect()
        sender.loop_stop()


def test_a_broker_that_never_answers_is_not_mistaken_for_a_dead_thread(home: Home) -> None:
    clock = RigClock(home)
    inbox = MqttInbox(Address("127.0.0.1", 1, False, None, None), "hub", clock)
    inbox.start()
    assert inbox.alive()
    clock.ahead_s = LOST_S + 1
    assert inbox.alive(), "it tries to connect"
    clock.ahead_s = 500
    assert not inbox.alive(), "not even that"
    inbox.stop()


def test_answers_do_not_wait_for_all_that_comes(home: Home, tmp_path: Path) -> None:
    """However many answers are on their way: what is to be sent goes out after a bounded part of what came."""
    unsent: list[bool] = []
    payload = b"x" * 600

    def read(message: Message) -> Message:
        if len(unsent) == 1:
            inbox.answer([("rpm/v1/g-1/down/ack", b"%d" % number) for number in range(600)])
        unsent.append(inbox._client is not None and inbox._client.want_write())
        return message

    with mosquitto(tmp_path / "broker") as broker:
        leave_session(broker.port, "hub")
        sender = paho_sender(broker.port)
        for _ in range(1500):
            sender.publish("rpm/v1/g-1/up/live", payload, qos=1)
        until(lambda: not sender._out_messages)
        inbox = MqttInbox(Address("127.0.0.1", broker.port, False, None, None), "hub", RigClock(home), read=read)
        inbox.start()
        until(lambda: len(unsent) == 1500)
        inbox.stop()
        sender.disconnect()
        sender.loop_stop()
    waits = [len(list(group)) for waiting, group in itertools.groupby(unsent) if waiting]
    assert 0 < max(waits) <= 2 * READ // len(payload)


def paho_sender(port: int, ca_file: str = "") -> Any:
    from paho.mqtt import client as paho

    client = paho.Client(paho.CallbackAPIVersion.VERSION2)
    if ca_file:
        client.tls_set(ca_file)
    client.connect("127.0.0.1", port)
    client.loop_start()
    return client


def test_the_shape_of_an_acknowledgement(shared: Rig) -> None:
    seq = next(SEQS)
    shared.gateways.send(shared.good(seq))
    _, message = shared.gateways.answer()
    assert json.dumps(message["v"]) == "1"
    assert message["hub_time"] == "2026-03-02T12:04:00.000Z"
