"""The inbox alone, behind a real mosquitto: whose receipts count, what is alive, what waits for what."""

import contextlib
import gc
import itertools
import threading
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from paho.mqtt import client as paho
from paho.mqtt.enums import CallbackAPIVersion

from hub.adapters.bulk_client import READ
from hub.adapters.handoff import Receipt
from hub.adapters.mqtt_inbox import MqttInbox
from hub.adapters.mqtt_session import CUT, LOST_S, MUTE, PING_EVERY_S, UP
from hub.services.ingest import hearing
from hub.services.ingest.messages import LANES, Message
from hub.services.ingest.shard import Shard
from hub.settings import Address
from tests.contract.hub_rig import RigClock, leave_session, leave_sessions, until
from tests.servers import Mosquitto, mosquitto
from tests.servers_refusing import CONTROL, GRANT_ALL, cutting, granting
from tests.unit.checkup.servers import self_signed
from tests.unit.ingest.home import Home, homes

pytestmark = pytest.mark.timeout(60)
LIVE, BACKFILL = "rpm/v1/g-1/up/live", "rpm/v1/g-1/up/backfill"


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    yield from homes(tmp_path)


@pytest.fixture
def clock(home: Home) -> RigClock:
    return RigClock(home)


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    with mosquitto(tmp_path / "broker") as made:
        yield made


@pytest.fixture
def inbox(broker: Mosquitto, clock: RigClock) -> Iterator[MqttInbox]:
    """Of a hub that was there before; connected."""
    leave_sessions(broker.port, "hub")
    with started(broker.port, clock) as made:
        yield made


@pytest.fixture
def send(broker: Mosquitto) -> Iterator[Callable[[bytes], Any]]:
    with senders(broker.port) as made:
        yield made


@contextlib.contextmanager
def started(port: int, clock: RigClock, ca_file: str = "", **more: Any) -> Iterator[MqttInbox]:
    inbox = MqttInbox(Address("127.0.0.1", port, bool(ca_file), None, None), "hub", clock, ca_file, **more)
    inbox.start()
    until(lambda: inbox.connected)
    yield inbox
    inbox.stop()


@contextlib.contextmanager
def senders(port: int, ca_file: str = "", topic: str = LIVE) -> Iterator[Callable[[bytes], Any]]:
    """What sends a payload as a gateway would; it returns paho's receipt."""
    client = paho.Client(CallbackAPIVersion.VERSION2)
    if ca_file:
        client.tls_set(ca_file)
    client.connect("127.0.0.1", port)
    client.loop_start()
    until(client.is_connected)
    yield lambda payload: client.publish(topic, payload, qos=1)
    client.disconnect()
    client.loop_stop()


def take(inbox: MqttInbox) -> list[tuple[str, Receipt]]:
    return [(m.payload.decode(), receipt) for m, receipt in inbox.take(9, 10**6, timeout=15.0)]


def test_receipts_of_an_earlier_connection_acknowledge_nothing(inbox: MqttInbox, send: Callable[[bytes], Any]) -> None:
    send(b"first")
    ((payload, old),) = take(inbox)
    assert payload == "first"
    inbox.restart()
    ((payload, new),) = take(inbox)
    assert payload == "first"
    assert new.epoch > old.epoch
    inbox.acknowledge([old])  # its id is the new one's too: it must not speak for it
    inbox.restart()
    ((payload, newest),) = take(inbox)
    assert payload == "first"
    inbox.acknowledge([newest])
    send(b"second")
    assert [name for name, _ in take(inbox)] == ["second"]


def test_a_reconnection_of_pahos_own_voids_receipts_too(broker: Mosquitto, inbox: MqttInbox) -> None:
    """The broker has forgotten, and gives the same id to another message."""
    with senders(broker.port) as send:
        send(b"first")
        ((_, old),) = take(inbox)
    broker.kill()
    until(lambda: not inbox.connected)
    broker.start()
    until(lambda: inbox.connected)
    with senders(broker.port) as send:
        send(b"second")
        ((_, new),) = take(inbox)
    assert new.mid == old.mid
    inbox.acknowledge([old])
    inbox.restart()
    ((again, newest),) = take(inbox)
    assert again == "second"
    inbox.acknowledge([newest])


def test_a_thread_that_waits_for_room_is_not_taken_for_a_dead_one(
    broker: Mosquitto, clock: RigClock, send: Callable[[bytes], Any]
) -> None:
    leave_sessions(broker.port, "hub")
    with started(broker.port, clock, max_bytes=8) as inbox:
        for sent in [send(b"12345678") for _ in range(3)]:
            sent.wait_for_publish(15.0)
        until(lambda: inbox.handoff.stands(inbox.fresh._epochs))
        broker.freeze()  # what it sent was sent: not even the echo of a ping comes any more
        clock.ahead_s += LOST_S + 1
        assert inbox.fresh.alive()
        assert len([one for _ in range(3) for one in take(inbox)]) == 3
        clock.ahead_s += LOST_S + 1
        assert not inbox.fresh.alive(), "now it should have been heard of"


def test_a_client_that_was_replaced_is_gone_at_once(inbox: MqttInbox) -> None:
    """With its descriptors, and without waiting for the collector."""
    old = weakref.ref(inbox.fresh._client)
    gc.disable()
    try:
        inbox.restart()
        assert old() is None
    finally:
        gc.enable()


def test_all_of_a_backlog_comes_over_tls_too(clock: RigClock, tmp_path: Path) -> None:
    """Of records of 16 KB, in which messages begin and end anywhere."""
    certificate = str(self_signed(tmp_path))
    payloads = [b"%d " % number + b"x" * (number * 997 % 40_000) for number in range(300)]
    came: list[bytes] = []
    with (
        mosquitto(tmp_path / "broker", f"certfile {certificate}", f"keyfile {certificate}") as broker,
        started(broker.port, clock, certificate) as inbox,
        senders(broker.port, certificate) as send,
    ):
        for payload in payloads:
            send(payload)
        while len(came) < len(payloads):
            taken = inbox.take(50, 10**6, timeout=15.0)
            assert taken
            came += [message.payload for message, _ in taken]
            inbox.acknowledge([receipt for _, receipt in taken])
    assert came == payloads


def test_a_broker_that_never_answers_is_not_mistaken_for_a_dead_thread(clock: RigClock) -> None:
    inbox = MqttInbox(Address("127.0.0.1", 1, False, None, None), "hub", clock)
    inbox.start()
    assert inbox.alive()
    clock.ahead_s = LOST_S + 1
    assert inbox.alive(), "it tries to connect"
    clock.ahead_s = 500
    assert not inbox.alive(), "not even that"
    inbox.stop()


def test_answers_do_not_wait_for_all_that_comes(
    broker: Mosquitto, clock: RigClock, send: Callable[[bytes], Any]
) -> None:
    """However many answers are on their way: what is to be sent goes out after a bounded part of what came."""
    unsent: list[bool] = []
    payload = b"x" * 600

    def read(message: Message) -> Message:
        if len(unsent) == 1:
            alone.answer([("rpm/v1/g-1/down/ack", b"%d" % number) for number in range(600)])
        unsent.append(alone.fresh._client is not None and alone.fresh._client.want_write())
        return message

    leave_sessions(broker.port, "hub")
    for sent in [send(payload) for _ in range(1500)]:
        sent.wait_for_publish(15.0)
    alone = MqttInbox(Address("127.0.0.1", broker.port, False, None, None), "hub", clock, read=read)
    alone.start()
    until(lambda: len(unsent) == 1500)
    alone.stop()
    waits = [len(list(group)) for waiting, group in itertools.groupby(unsent) if waiting]
    assert 0 < max(waits) <= 2 * READ // len(payload)


def test_a_reading_of_now_does_not_wait_for_all_that_gateways_have_kept(
    broker: Mosquitto, clock: RigClock, send: Callable[[bytes], Any]
) -> None:
    """However many of those wait at the broker, and though not one of them is taken."""
    leave_sessions(broker.port, "hub")
    with senders(broker.port, topic=BACKFILL) as send_stored:
        for sent in [send_stored(b"x" * 100) for _ in range(5_000)]:
            sent.wait_for_publish(15.0)
    with started(broker.port, clock, max_bytes=500) as inbox:
        until(lambda: inbox.handoff.full(stored=True))
        send(b"now")
        until(lambda: len(inbox.handoff) == 6)
        assert [name for name, _ in take(inbox)] == ["now", *["x" * 100] * 5]


def test_a_thread_that_waits_in_the_room_of_stored_readings_is_not_taken_for_dead_whosever_it_is(
    broker: Mosquitto, clock: RigClock
) -> None:
    """The first start after the version with one session: the fresh one is handed what it kept of all lanes."""
    leave_session(broker.port, "hub", LANES)
    with senders(broker.port, topic=BACKFILL) as send_stored:
        for sent in [send_stored(b"12345678") for _ in range(3)]:
            sent.wait_for_publish(15.0)
    with started(broker.port, clock, max_bytes=8) as inbox:
        until(lambda: inbox.handoff.stands(inbox.fresh._epochs))
        assert not inbox.handoff.full(stored=False)
        broker.freeze()
        for _ in range(3):
            clock.ahead_s += LOST_S + 1
            assert inbox.fresh.alive()
        assert len([one for _ in range(3) for one in take(inbox)]) == 3
        clock.ahead_s += LOST_S + 1
        assert not inbox.fresh.alive(), "now it should have been heard of"


def test_a_session_that_may_not_hear_itself_is_told_of_and_leaves_the_other_one_alone(
    clock: RigClock, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Its broker's list spells out the one ping that there was when there was one session."""
    rules = tmp_path / "rules"
    own = "readwrite rpm/v1/rpmhub/ping/hub"
    rules.write_text("".join(f"topic {rule}\n" for rule in ("readwrite rpm/v1/+/up/#", "write rpm/v1/+/down/#", own)))
    rules.chmod(0o600)
    with (
        mosquitto(tmp_path / "broker", f"acl_file {rules}") as broker,
        started(broker.port, clock) as inbox,
        senders(broker.port) as send,
    ):
        send(b"first")
        ((_, receipt),) = take(inbox)
        fresh, stored, replaced = inbox.fresh._client, inbox.stored._client, 0
        while replaced < MUTE:
            assert not inbox.stored.unheard
            until(lambda: inbox.connected)
            clock.ahead_s += PING_EVERY_S
            asked_at = clock.monotonic()
            assert inbox.alive()
            until(lambda at=asked_at: inbox.fresh._heard_at >= at)
            stored, replaced = inbox.stored._client, replaced + (inbox.stored._client is not stored)
        assert inbox.ailing == {hearing.STORED: hearing.UNHEARD}
        assert inbox.fresh._client is fresh
        assert "no ping of ours comes back" in caplog.text
        inbox.acknowledge([receipt])
        inbox.restart()
        assert inbox.take(9, 10**6, timeout=0.5) == [], "its receipt was still good"


def test_a_subscription_that_the_broker_refuses_is_told_of_and_asked_for_again(
    clock: RigClock, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    granted = [UP + "live", UP + "status", "rpm/v1/rpmhub/ping/#"]
    with (
        mosquitto(tmp_path / "broker", *granting(tmp_path, granted)) as broker,
        started(broker.port, clock) as inbox,
        senders(broker.port) as send,
        senders(broker.port, topic=BACKFILL) as send_stored,
        senders(broker.port, topic=CONTROL) as tell,
    ):
        until(lambda: inbox.ailing == {hearing.STORED: hearing.REFUSED})
        assert [record.__dict__["topics"] for record in caplog.records if "refuses" in record.message] == [
            [UP + "backfill"]
        ]
        send_stored(b"unheard").wait_for_publish(15.0)
        send(b"fresh")
        assert [name for name, _ in take(inbox)] == ["fresh"]
        client = inbox.stored._client
        tell(GRANT_ALL).wait_for_publish(15.0)
        clock.ahead_s += PING_EVERY_S
        assert inbox.alive()
        until(lambda: not inbox.ailing)
        send_stored(b"heard")
        assert [name for name, _ in take(inbox)] == ["heard"]
        assert inbox.stored._client is client


def test_a_broker_that_ends_each_connection_which_subscribes_refuses_that(
    broker: Mosquitto, clock: RigClock, caplog: pytest.LogCaptureFixture
) -> None:
    with cutting(broker.port) as door:
        inbox = MqttInbox(Address("127.0.0.1", door.port, False, None, None), "hub", clock)
        inbox.start()
        try:
            until(lambda: inbox.ailing == {hearing.FRESH: hearing.REFUSED, hearing.STORED: hearing.REFUSED})
            assert not inbox.connected
            said = [record.__dict__["connections"] for record in caplog.records if "may refuse" in record.message]
            assert said == [CUT, CUT], "once for each session, and no more"
            broker.stop()
            until(lambda: inbox.ailing == {hearing.FRESH: hearing.UNCONNECTED, hearing.STORED: hearing.UNCONNECTED})
            broker.start()
            door.grants.set()
            until(lambda: not inbox.ailing)
            assert inbox.connected
        finally:
            inbox.stop()


@pytest.mark.parametrize("number", [1, 2])
def test_each_part_of_the_work_hears_its_own_ping(broker: Mosquitto, clock: RigClock, number: int) -> None:
    """Which is no gateway's message, and so no part's."""
    with started(broker.port, clock, shard=Shard(number, 2)) as inbox:
        clock.ahead_s += PING_EVERY_S
        assert inbox.alive()
        until(lambda: inbox.fresh._echoed and inbox.stored._echoed)


def test_answers_go_out_over_the_stored_session_where_the_broker_refuses_the_fresh_one(
    clock: RigClock, tmp_path: Path
) -> None:
    """Or a gateway would send again what is stored, until somebody mends the broker."""
    answers: list[bytes] = []
    ready = threading.Event()
    gateway = paho.Client(CallbackAPIVersion.VERSION2, client_id="hub-gateway")
    gateway.on_message = lambda _client, _data, message: answers.append(message.payload)
    gateway.on_subscribe = lambda *_: ready.set()
    with mosquitto(tmp_path / "broker", "clientid_prefixes hub-") as broker:
        gateway.connect("127.0.0.1", broker.port)
        gateway.loop_start()
        gateway.subscribe("rpm/v1/g-1/down/ack", 1)
        assert ready.wait(15.0)
        inbox = MqttInbox(Address("127.0.0.1", broker.port, False, None, None), "hub", clock)
        inbox.start()
        until(lambda: inbox.stored.connected)
        assert not inbox.fresh.connected
        assert inbox.ailing == {hearing.FRESH: hearing.UNCONNECTED}
        inbox.answer([("rpm/v1/g-1/down/ack", b"stored")])
        until(lambda: answers == [b"stored"])
        inbox.stop()
        gateway.loop_stop()


def test_a_session_that_heard_all_lanes_gives_up_the_one_that_has_its_own_now(
    broker: Mosquitto, clock: RigClock
) -> None:
    """That of an earlier version, kept by the broker: what it holds comes, and what comes later comes once."""
    leave_session(broker.port, "hub", LANES)
    with senders(broker.port, topic=BACKFILL) as send_stored:
        send_stored(b"before").wait_for_publish(15.0)
        with started(broker.port, clock) as inbox:
            assert [name for name, _ in take(inbox)] == ["before"]
            inbox.restart()  # by now the broker has heard what is no longer wanted
            until(lambda: inbox.connected)
            ((again, receipt),) = take(inbox)
            inbox.acknowledge([receipt])
            send_stored(b"after").wait_for_publish(15.0)
            assert [again, *(name for name, _ in take(inbox))] == ["before", "after"]
            assert inbox.take(9, 10**6, timeout=0.5) == []
