"""Ingest whose broker's side is a process of its own: killed, stopped or left alone, it costs no reading."""

import contextlib
import itertools
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path

import pytest
from paho.mqtt import client as paho

from hub.adapters import receiver_process
from hub.adapters.clock import SystemClock
from hub.adapters.database_file.marks import Marks
from hub.adapters.mqtt_session import UP
from hub.adapters.receiver_process import FRUITLESS, READS_AGAIN_S, NoReceiver, ReceiverProcess
from hub.services.ingest import hearing
from hub.settings import Address
from tests.contract.hub_rig import Rig, leave_sessions, rigs, until
from tests.servers import mosquitto, stand_still
from tests.servers_refusing import granting
from tests.unit.ingest.home import batch, kg, reading, spo2

pytestmark = pytest.mark.timeout(60)


@pytest.fixture
def rig(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Rig]:
    monkeypatch.setattr(receiver_process, "PATIENCE_S", 1.0)
    with rigs(tmp_path) as made:
        made.inbox_of = lambda port: ReceiverProcess(
            Address("127.0.0.1", port, False, None, None), "hub", SystemClock()
        )
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
    stand_still(receiver(rig))
    rig.gateways.send(rig.good(2))
    send_and_hear(rig, 3)
    assert rig.home.rows("journal", "seq") == [1, 2, 3]


def test_receivers_that_end_without_a_word_end_ingest_too(rig: Rig, tmp_path: Path) -> None:
    """Whoever supervises it then tells of it, and waits longer and longer before the next try.

    The database is well, and each such end owes it no check.
    """
    inbox = ReceiverProcess(Address("127.0.0.1", rig.broker.port, False, None, None), "other", SystemClock())
    inbox._command = ("-c", "raise SystemExit('no such file: ca.pem')")
    inbox.start()
    for _ in range(FRUITLESS - 1):
        assert not inbox.alive()
        assert not inbox.connected
        inbox.restart()
    assert not inbox.alive()
    marks = Marks(tmp_path / "hub.sqlite3")
    with pytest.raises(NoReceiver), marks.writing("ingest", "a"):
        inbox.restart()
    inbox.stop()
    assert marks.standing().clean


def test_long_answers_do_not_meet_a_long_group_in_the_pipe(rig: Rig) -> None:
    rig.stop()
    padding = [{"kind": "k", "data": "0" * 4000}]
    for seq in range(400):
        rig.gateways.send(batch(rig.home.now, reading(seq, rig.home.now, kg(78), raw=padding), batch=f"long-{seq}"))
    inbox = rig.inbox_of(rig.broker.port)
    inbox.start()
    until(lambda: inbox.alive() and inbox.waiting >= 200)
    taken = inbox.take(50, 10**6, 5.0)
    assert inbox._owed
    inbox.acknowledge([receipt for _, receipt in taken])
    inbox.answer([("rpm/v1/nobody/down/command", b"x" * 90_000)] * 10)
    assert inbox.alive()
    assert inbox._lives == 1
    inbox.stop()


def test_what_the_pipe_cannot_say_is_read_by_the_writer(rig: Rig) -> None:
    send_and_hear(rig, 1)
    before, odd = receiver(rig), reading(2, rig.home.now, kg(78))
    odd["measured_at"] = "0001-01-01T00:00:00+14:00"
    rig.gateways.send(batch(rig.home.now, odd, batch="odd"))
    ((_, told),) = rig.gateways.answers_until("odd")
    assert told["results"][0]["status"] == "stored"
    assert receiver(rig) == before


def test_signals_are_for_the_writer_who_ends_the_receiver_in_its_time(rig: Rig) -> None:
    send_and_hear(rig, 1)
    before = receiver(rig)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        os.kill(before, number)
    send_and_hear(rig, 2)
    assert receiver(rig) == before


class MovedClock(SystemClock):
    """The machine's, moved on."""

    ahead_s = 0.0

    def monotonic(self) -> float:
        return super().monotonic() + self.ahead_s


def connected_and_told(port: int, ailing: Mapping[str, str]) -> bool:
    """Whether it calls itself connected when it has told the writer this."""
    inbox = ReceiverProcess(Address("127.0.0.1", port, False, None, None), "hub", SystemClock())
    inbox.start()
    until(lambda: inbox.alive() and inbox.ailing == ailing)
    connected = inbox.connected
    inbox.stop()
    return connected


def test_the_writer_is_told_which_session_the_broker_does_not_take(tmp_path: Path) -> None:
    with mosquitto(tmp_path / "broker", "clientid_prefixes hub-") as broker:
        assert not connected_and_told(broker.port, {hearing.FRESH: hearing.UNCONNECTED})


def test_the_writer_is_told_which_session_the_broker_refuses_a_subscription(tmp_path: Path) -> None:
    topics = [UP + "live", UP + "backfill", "rpm/v1/rpmhub/ping/#"]
    with mosquitto(tmp_path / "broker", *granting(tmp_path, topics)) as broker:
        assert connected_and_told(broker.port, {hearing.FRESH: hearing.REFUSED})


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
        leave_sessions(broker.port, "hub")
        inbox = ReceiverProcess(Address("127.0.0.1", broker.port, False, None, None), "hub", SystemClock())
        inbox.start()
        until(lambda: inbox.alive() and inbox.connected)
        with sender(broker.port) as send:
            send(b"first")
            ((message, old),) = inbox.take(9, 10**6, 5.0)
            inbox.stop()
            inbox.start()
            ((again, new),) = inbox.take(9, 10**6, 5.0)
            assert message.payload == again.payload == b"first"
            assert again.redelivered
            assert new.epoch > old.epoch
            inbox.acknowledge([old])
            inbox.restart()
            ((third, newest),) = inbox.take(9, 10**6, 5.0)
            assert third.payload == b"first"
            inbox.acknowledge([newest])
            send(b"second")
            assert [m.payload for m, _ in inbox.take(9, 10**6, 5.0)] == [b"second"]
        inbox.stop()


def test_what_pages_at_once_overtakes_the_group_that_was_asked_for_beforehand(tmp_path: Path) -> None:
    now = datetime(2026, 3, 2, tzinfo=UTC)

    def red(number: int) -> bytes:
        return batch(now, reading(number, now, spo2(80)), batch=f"red-{number}")

    def next_ones(limit: int = 2) -> list[bytes]:
        taken = inbox.take(limit, 10**6, 5.0)
        inbox.acknowledge([receipt for _, receipt in taken])
        return [message.payload for message, _ in taken]

    with mosquitto(tmp_path / "broker") as broker, sender(broker.port) as send:
        leave_sessions(broker.port, "hub")
        inbox = ReceiverProcess(Address("127.0.0.1", broker.port, False, None, None), "hub", SystemClock())
        inbox.start()
        for number in range(5):
            send(b"%d" % number)
        until(lambda: inbox.alive() and inbox.waiting == 5)
        assert next_ones() == [b"0", b"1"]
        for number in (1, 2):
            send(red(number))
        until(lambda: inbox.alive() and inbox.waiting == 3)
        assert next_ones() == [red(1), red(2)]
        send(red(3))
        until(lambda: inbox.alive() and inbox.waiting == 2)
        assert next_ones() == [b"2", b"3"], "never twice in a row"
        assert sorted(next_ones() + next_ones()) == sorted([b"4", red(3)])
        inbox.stop()


def test_a_receiver_gives_memory_back_as_it_is_told_to(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    def told() -> dict[bytes, bytes]:
        pairs = Path(f"/proc/{receiver(rig)}/environ").read_bytes().split(b"\0")
        return {name: value for name, _, value in (pair.partition(b"=") for pair in pairs)}

    send_and_hear(rig, 1)
    assert told()[b"MALLOC_ARENA_MAX"] == b"1"
    rig.stop()
    monkeypatch.setenv("MALLOC_ARENA_MAX", "3")
    rig.start()
    send_and_hear(rig, 2)
    assert told()[b"MALLOC_ARENA_MAX"] == b"3"


def loaded_with(module: str) -> set[str]:
    names = f"import {module}, sys; print(*sys.modules)"
    return set(subprocess.run([sys.executable, "-c", names], check=True, capture_output=True, text=True).stdout.split())


def test_a_receiver_loads_nothing_that_only_the_writer_needs() -> None:
    loaded = loaded_with("hub.adapters.receiver")
    kept_out = {"sqlalchemy", "asyncio", "yaml", "click", "hub.bootstrap", "hub.adapters.sql", "hub.services.hub"}
    assert kept_out & loaded == set()
    assert "hub.services.ingest.measured" in loaded


def test_a_writer_loads_nothing_that_only_the_receiver_or_another_command_needs() -> None:
    loaded = loaded_with("hub.cli.commands")
    kept_out = {"paho", "phonenumbers", "urllib.request", "flask", "twilio", "apscheduler", "alembic", "hub.cli.checks"}
    assert kept_out & loaded == set()
    assert "hub.adapters.ingest_loop" in loaded


def test_a_receiver_whose_writer_is_gone_ends_and_its_session_stays(tmp_path: Path) -> None:
    with mosquitto(tmp_path / "broker") as broker, sender(broker.port) as send:
        leave_sessions(broker.port, "hub")
        inbox = ReceiverProcess(Address("127.0.0.1", broker.port, False, None, None), "hub", SystemClock())
        inbox.start()
        until(lambda: inbox.alive() and inbox.connected)
        process = inbox._process
        assert process is not None
        inbox._lose()  # as the end of the writer's process would
        assert process.wait(30) == 0
        send(b"meanwhile")
        inbox.restart()
        assert [m.payload for m, _ in inbox.take(9, 10**6, 5.0)] == [b"meanwhile"]
        inbox.stop()


def test_a_receiver_that_replaced_another_reads_again_after_some_minutes(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Until then what ended the other may come, and is the writer's to meet; unread, nothing overtakes."""
    now, clock, numbers = datetime(2026, 3, 2, tzinfo=UTC), MovedClock(), itertools.count(1)
    caplog.set_level("INFO", receiver_process.__name__)

    def is_read() -> bool:
        sent = batch(now, reading(1, now, spo2(80)), batch=f"red-{next(numbers)}")
        send(sent)
        message = None
        while message is None or message.payload != sent:  # what the one before had not acknowledged yet comes again
            ((message, receipt),) = inbox.take(1, 10**6, 5.0)
            inbox.acknowledge([receipt])
        assert message.urgent is bool(message.packed)
        return message.urgent

    def replaced() -> None:
        assert inbox._process is not None
        inbox._process.kill()
        until(lambda: not inbox.alive())
        inbox.restart()

    with mosquitto(tmp_path / "broker") as broker, sender(broker.port) as send:
        leave_sessions(broker.port, "hub")
        inbox = ReceiverProcess(Address("127.0.0.1", broker.port, False, None, None), "hub", clock)
        inbox.start()
        assert is_read()
        for _ in range(2):
            replaced()
            assert "nothing overtakes" in caplog.text
            clock.ahead_s += READS_AGAIN_S - 60
            assert inbox.alive()
            assert not is_read()
            clock.ahead_s += 60
            assert inbox.alive()
            assert inbox.alive(), "the receiver has heard what it was told before"
            assert "reads beforehand again" in caplog.text
            assert is_read()
            caplog.clear()
        inbox.stop()
