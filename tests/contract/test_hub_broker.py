"""Ingest behind a real mosquitto: each bad message is answered, the good one behind it is not delayed, none is lost."""

import contextlib
import hashlib
import itertools
import json
import queue
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hub.adapters import ingest_loop
from hub.adapters.mqtt_session import LOST_S
from hub.adapters.sql.engine import sqlite_driver
from hub.services.ingest import poison
from hub.services.ingest.messages import Message
from tests.contract.hub_rig import WAIT_S, Rig, rigs, until
from tests.unit.ingest.bad_input import SINGLE, WHOLE
from tests.unit.ingest.home import batch, kg, reading

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
    refused = sum("error" in ack for _, ack in answers)
    while refused < 200:
        refused += sum("error" in ack for ack in shared.gateways.answer()[1]["acks"])


def test_the_hub_runs_on_after_all_of_that(shared: Rig) -> None:
    with shared.home.hub.unit_of_work() as uow:
        (beat,) = uow.operations.heartbeats()
    assert (beat.role, beat.detail["connected"], beat.detail["ailing"]) == ("ingest", True, {})
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
@pytest.mark.parametrize("lane", ["live", "backfill"])
def test_a_dead_thread_is_noticed_and_nothing_is_lost(rig: Rig, monkeypatch: pytest.MonkeyPatch, lane: str) -> None:
    rig.gateways.send(rig.good(1), lane=lane)
    rig.gateways.answers_until("good-1")
    client = (rig.inbox.fresh if lane == "live" else rig.inbox.stored)._client
    assert client is not None
    thread = client._thread
    assert thread is not None
    real, failing = rig.inbox.handoff.put, iter([RuntimeError("a fault in a callback")])

    def put(*given: Any, **more: Any) -> None:
        for error in failing:
            raise error
        real(*given, **more)

    monkeypatch.setattr(rig.inbox.handoff, "put", put)
    rig.gateways.send(rig.good(2), lane=lane)
    rig.gateways.send(rig.good(3), lane=lane)
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


def test_the_shape_of_an_acknowledgement(shared: Rig) -> None:
    seq = next(SEQS)
    shared.gateways.send(shared.good(seq))
    _, message = shared.gateways.answer()
    assert json.dumps(message["v"]) == "1"
    assert message["hub_time"] == "2026-03-02T12:04:00.000Z"
