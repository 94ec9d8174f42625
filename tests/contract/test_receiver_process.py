"""Ingest whose broker's side is a process of its own: killed, stopped or left alone, it costs no reading."""

import contextlib
import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from paho.mqtt import client as paho

from hub.adapters import receiver_process
from hub.adapters.receiver_process import ReceiverProcess
from hub.settings import Address
from tests.contract.hub_rig import Rig, rigs, until
from tests.servers import mosquitto

pytestmark = pytest.mark.timeout(60)


@pytest.fixture
def rig(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Rig]:
    monkeypatch.setattr(receiver_process, "PATIENCE_S", 1.0)
    with rigs(tmp_path) as made:
        made.inbox_of = lambda port: ReceiverProcess(Address("127.0.0.1", port, False, None, None), "hub")
        with made:
            yield made


def receiver(rig: Rig) -> int:
    assert isinstance(rig.inbox, ReceiverProcess)
    assert rig.inbox._process is not None
    return rig.inbox._process.pid


def send_and_hear(rig: Rig, seq: int) -> None:
    rig.gateways.send(rig.good(seq))
    rig.gateways.answers_until(f"good-{seq}")


def test_what_comes_is_stored_and_answered_by_two_processes(rig: Rig) -> None:
    for seq in range(1, 30):
        rig.gateways.send(rig.good(seq))
    rig.gateways.answers_until("good-29")
    assert rig.home.rows("journal", "seq") == list(range(1, 30))
    until(lambda: rig.inbox.connected)


def test_more_than_a_group_is_drained_once_and_whole(rig: Rig) -> None:
    rig.stop()
    for seq in range(1200):
        rig.gateways.send(rig.good(seq))
    rig.start()
    told = [ack["batch"] for _, ack in rig.gateways.answers_until("good-1199")]
    assert sorted(told) == sorted(f"good-{seq}" for seq in range(1200))
    assert sorted(rig.home.rows("journal", "seq")) == list(range(1200))


def test_a_receiver_that_is_killed_is_replaced_and_loses_nothing(rig: Rig) -> None:
    send_and_hear(rig, 1)
    before = receiver(rig)
    os.kill(before, signal.SIGKILL)
    rig.gateways.send(rig.good(2))
    send_and_hear(rig, 3)
    assert rig.home.rows("journal", "seq") == [1, 2, 3]
    assert receiver(rig) != before


def test_a_receiver_that_hangs_is_replaced_and_loses_nothing(rig: Rig) -> None:
    send_and_hear(rig, 1)
    os.kill(receiver(rig), signal.SIGSTOP)
    rig.gateways.send(rig.good(2))
    send_and_hear(rig, 3)
    assert rig.home.rows("journal", "seq") == [1, 2, 3]


def test_signals_are_for_the_writer_who_ends_the_receiver_in_its_time(rig: Rig) -> None:
    send_and_hear(rig, 1)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        os.kill(receiver(rig), number)
    send_and_hear(rig, 2)
    assert rig.inbox.alive()


@contextlib.contextmanager
def sender(port: int) -> Iterator[Callable[[bytes], object]]:
    client = paho.Client(paho.CallbackAPIVersion.VERSION2)
    client.connect("127.0.0.1", port)
    client.loop_start()
    yield lambda payload: client.publish("rpm/v1/g-1/up/live", payload, qos=1)
    client.disconnect()
    client.loop_stop()


def test_what_was_not_acknowledged_comes_again_and_old_receipts_are_void(tmp_path: Path) -> None:
    with mosquitto(tmp_path / "broker") as broker:
        inbox = ReceiverProcess(Address("127.0.0.1", broker.port, False, None, None), "hub")
        inbox.start()
        until(lambda: inbox.alive() and inbox.connected)
        with sender(broker.port) as send:
            send(b"first")
            ((message, old),) = inbox.take(9, 10**6, 15.0)
            inbox.stop()
            inbox.start()
            ((again, new),) = inbox.take(9, 10**6, 15.0)
            assert message.payload == again.payload == b"first"
            assert again.redelivered
            assert new.epoch > old.epoch
            inbox.acknowledge([old])
            inbox.restart()
            ((third, newest),) = inbox.take(9, 10**6, 15.0)
            assert third.payload == b"first"
            inbox.acknowledge([newest])
            send(b"second")
            assert [m.payload for m, _ in inbox.take(9, 10**6, 15.0)] == [b"second"]
        inbox.stop()


def test_a_receiver_whose_writer_is_gone_ends_and_its_session_stays(tmp_path: Path) -> None:
    with mosquitto(tmp_path / "broker") as broker, sender(broker.port) as send:
        inbox = ReceiverProcess(Address("127.0.0.1", broker.port, False, None, None), "hub")
        inbox.start()
        until(lambda: inbox.alive() and inbox.connected)
        process = inbox._process
        assert process is not None
        inbox._lose()  # as the end of the writer's process would
        assert process.wait(30) == 0
        send(b"meanwhile")
        inbox.restart()
        assert [m.payload for m, _ in inbox.take(9, 10**6, 15.0)] == [b"meanwhile"]
        inbox.stop()
