"""The gateway against a real mosquitto: what the hub acknowledged is all that leaves the spool, whatever breaks."""

import asyncio
import contextlib
import hashlib
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import pytest
from jsonschema import Draft202012Validator
from paho.mqtt import client as paho

from device_gateway.clock import SystemClock, SystemIds
from device_gateway.connection import Plan
from device_gateway.frames import FROM_MEMORY
from device_gateway.registry import Registry
from device_gateway.settings import parse_address
from device_gateway.sources.mqtt import MqttSource
from device_gateway.spool import Limits, Spool
from device_gateway.uplink import Resend, Uplink, Way
from tests.servers import Mosquitto, mosquitto
from tests.unit.gateway.parts import CUFF, measurement

ROOT = Path(__file__).parents[2]
BATCH = Draft202012Validator(json.loads((ROOT / "config/wire/reading-batch.v1.schema.json").read_text()))
CLOCK, IDS = SystemClock(), SystemIds()
WAIT_S = 20.0

Message = tuple[str, dict[str, Any], bytes]
Policy = Callable[[dict[str, Any], bytes], dict[str, Any] | None]


def stored(batch: dict[str, Any], _payload: bytes) -> dict[str, Any] | None:
    results = [{"seq": reading["seq"], "status": "stored"} for reading in batch["readings"]]
    return {"batch": batch["batch"], "spool": batch["spool"], "results": results}


def numbers(batch: dict[str, Any]) -> list[int]:
    return [int(reading["record"]) for reading in batch["readings"]]


def silent(_batch: dict[str, Any], _payload: bytes) -> dict[str, Any] | None:
    return None


class Hub:
    """The other end: keeps what comes, and answers as its policy says."""

    def __init__(self, broker: Mosquitto) -> None:
        self.batches: list[Message] = []
        self.statuses: list[dict[str, Any]] = []
        self.policy: Policy = stored
        self._loop, self._news = asyncio.get_running_loop(), asyncio.Event()
        self._client = paho.Client(paho.CallbackAPIVersion.VERSION2, client_id="hub", clean_session=False)
        self._client.reconnect_delay_set(1, 1)
        self._client.on_connect = lambda client, *_: client.subscribe("rpm/v1/+/up/#", qos=1)
        self._client.on_message = lambda _client, _data, message: self._loop.call_soon_threadsafe(self._take, message)
        self._client.connect("127.0.0.1", broker.port)
        self._client.loop_start()

    @property
    def numbers(self) -> list[int]:
        """Of the readings that came, as ``put`` was given them."""
        return [number for _, batch, _ in self.batches for number in numbers(batch)]

    def say(self, topic: str, payload: bytes, *, retain: bool = False) -> None:
        said = self._client.publish(topic, payload, qos=1, retain=retain)
        if retain:  # whoever subscribes from now on is told that it is an old one
            said.wait_for_publish(WAIT_S)

    def answer(self, ack: dict[str, Any]) -> None:
        message = {"v": 1, "hub_time": CLOCK.now().isoformat(), "acks": [ack]}
        self.say("rpm/v1/gw-1/down/ack", json.dumps(message).encode())

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(WAIT_S):
            while not condition():
                self._news.clear()
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._news.wait(), 0.1)

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def _take(self, message: paho.MQTTMessage) -> None:
        payload = bytes(message.payload)
        body = json.loads(payload)
        self._news.set()
        if message.topic.endswith("/status"):
            self.statuses.append(body)
            return
        BATCH.validate(body)
        self.batches.append((message.topic, body, payload))
        if (ack := self.policy(body, payload)) is not None:
            self.answer(ack)


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    with mosquitto(tmp_path / "broker") as running:
        yield running


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[Spool]:
    opened = Spool(tmp_path / "data", Limits(), IDS, CLOCK.now())
    yield opened
    opened.close()


def put(spool: Spool, *numbers: int, **changes: Any) -> None:
    now = CLOCK.now()
    spool.put([measurement(number, **{"measured_at": now, "received_at": now, **changes}) for number in numbers], now)


@contextlib.asynccontextmanager
async def delivering(broker: Mosquitto, spool: Spool, *, resend_s: float = 30) -> AsyncIterator[tuple[Uplink, Hub]]:
    way = Way(
        gateway="gw-1",
        address=parse_address("mqtt_url", broker.url()),
        version="test",
        resend=Resend(resend_s, max(resend_s, 5)),
        reconnect_max_s=0.5,
    )
    hub, uplink = Hub(broker), Uplink(way, spool, Registry(spool._file.parent), CLOCK, IDS)
    running = asyncio.create_task(uplink.run())
    try:
        yield uplink, hub
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        hub.close()


def scenario(story: Callable[[], Awaitable[None]]) -> None:
    async def whole() -> None:
        await story()

    asyncio.run(whole())


def test_readings_reach_the_hub_and_leave_the_spool_on_its_word(broker: Mosquitto, spool: Spool) -> None:
    put(spool, *range(1, 451))

    async def story() -> None:
        async with delivering(broker, spool) as (uplink, hub):
            await hub.until(lambda: spool.report().depth == 0)
            assert hub.numbers == list(range(1, 451))
            assert {topic for topic, _, _ in hub.batches} == {"rpm/v1/gw-1/up/live"}
            put(spool, 451)
            uplink.wake()
            await hub.until(lambda: 451 in hub.numbers)

    scenario(story)


def test_stored_readings_go_by_the_other_topic(broker: Mosquitto, spool: Spool) -> None:
    put(spool, 1, flags=(FROM_MEMORY,))
    put(spool, 2, measured_at=CLOCK.now() - timedelta(hours=3))
    put(spool, 3)

    async def story() -> None:
        async with delivering(broker, spool) as (_, hub):
            await hub.until(lambda: spool.report().depth == 0)
            by_topic = {topic: numbers(batch) for topic, batch, _ in hub.batches}
            assert by_topic == {"rpm/v1/gw-1/up/live": [3], "rpm/v1/gw-1/up/backfill": [1, 2]}

    scenario(story)


def test_without_the_hubs_word_a_batch_is_sent_again_and_nothing_is_deleted(broker: Mosquitto, spool: Spool) -> None:
    put(spool, 1, 2)

    async def story() -> None:
        async with delivering(broker, spool, resend_s=0.3) as (_, hub):
            hub.policy = silent
            await hub.until(lambda: len(hub.batches) >= 3)
            assert len({batch["batch"] for _, batch, _ in hub.batches}) == 1
            assert len({payload for _, _, payload in hub.batches}) == len(hub.batches)
            assert spool.report().depth == 2
            hub.policy = stored
            await hub.until(lambda: spool.report().depth == 0)

    scenario(story)


def test_an_answer_for_another_spool_moves_nothing(broker: Mosquitto, spool: Spool) -> None:
    put(spool, 1)

    async def story() -> None:
        async with delivering(broker, spool) as (_, hub):
            hub.policy = lambda batch, payload: (stored(batch, payload) or {}) | {"spool": "another"}
            await hub.until(lambda: len(hub.batches) == 1)
            hub.say("rpm/v1/gw-1/down/ack", b"no JSON")
            put(spool, 2)
            results = [{"seq": row.seq, "status": "held"} for row in spool.lease(live=True, now=CLOCK.now())]
            hub.answer({"batch": "x", "spool": spool.id, "results": results})
            await hub.until(lambda: spool.report().depth == 1)
            assert spool.report().kept == 1

    scenario(story)


def test_a_reading_the_hub_cannot_read_is_set_aside_and_the_rest_arrives(broker: Mosquitto, spool: Spool) -> None:
    put(spool, *range(1, 9))
    arrived: set[int] = set()

    def poisoned(batch: dict[str, Any], payload: bytes) -> dict[str, Any] | None:
        if 5 in numbers(batch):
            return {"batch": None, "payload_sha256": hashlib.sha256(payload).hexdigest(), "error": "undecodable"}
        arrived.update(numbers(batch))
        return stored(batch, payload)

    async def story() -> None:
        async with delivering(broker, spool) as (_, hub):
            hub.policy = poisoned
            await hub.until(lambda: spool.report().depth == 0)

    scenario(story)
    assert arrived == {1, 2, 3, 4, 6, 7, 8}
    assert spool.report().refused_total == 1


def test_a_broker_that_crashes_and_forgets_loses_nothing(broker: Mosquitto, spool: Spool) -> None:
    async def story() -> None:
        async with delivering(broker, spool, resend_s=1) as (uplink, hub):
            for first in range(1, 400, 100):
                put(spool, *range(first, first + 50))
                uplink.wake()
                await asyncio.sleep(0.05)
                broker.kill()
                broker.wipe()
                put(spool, *range(first + 50, first + 100))
                broker.start()
                await hub.until(lambda: spool.report().depth == 0)
            assert sorted(set(hub.numbers)) == list(range(1, 401))

    scenario(story)


def test_a_dead_network_thread_is_noticed(broker: Mosquitto, spool: Spool) -> None:
    def fail(*_: object) -> None:
        raise ValueError("a callback failed")

    async def story() -> None:
        async with delivering(broker, spool) as (uplink, hub):
            await hub.until(lambda: uplink.connection.up)
            session, epoch = uplink.connection._session, uplink.connection.epoch
            assert session is not None
            session.on_message = fail
            put(spool, 1)
            uplink.wake()
            await hub.until(lambda: spool.report().depth == 0)
            assert session._thread is None
            assert uplink.connection.epoch > epoch

    scenario(story)


def test_a_network_thread_that_hangs_is_left_for_a_new_session(broker: Mosquitto, spool: Spool) -> None:
    hanging = threading.Event()

    async def story() -> None:
        async with delivering(broker, spool, resend_s=0.5) as (uplink, hub):
            await hub.until(lambda: uplink.connection.up)
            session = uplink.connection._session
            assert session is not None
            session.on_message = lambda *_: hanging.wait(WAIT_S)
            put(spool, 1)
            uplink.wake()
            await hub.until(lambda: spool.report().depth == 0)
            assert session._thread is not None
            hanging.set()

    scenario(story)


def test_the_status_says_how_the_gateway_is_and_that_it_left(broker: Mosquitto, spool: Spool) -> None:
    put(spool, 1, battery_percent=80)

    async def story() -> None:
        async with delivering(broker, spool) as (_, hub):
            await hub.until(lambda: any(each["online"] for each in hub.statuses))
            status = next(each for each in hub.statuses if each["online"])
            assert status["spool"] == spool.id
            assert status["devices"][0]["battery_percent"] == 80
        watcher = Hub(broker)
        try:
            await watcher.until(lambda: [each["online"] for each in watcher.statuses[-1:]] == [False])
        finally:
            watcher.close()

    scenario(story)


def source(broker: Mosquitto, *, most_waiting: int = 10_000) -> MqttSource:
    plan = Plan(
        address=parse_address("source_mqtt_url", broker.url()),
        client_id="gw-1-devices",
        subscriptions=("devices/+/blood-pressure",),
        manual_ack=True,
        reconnect_max_s=0.5,
    )
    return MqttSource(plan, CLOCK, IDS, most_waiting=most_waiting)


def test_a_device_message_is_the_brokers_until_it_is_stored(broker: Mosquitto) -> None:
    topic, payload = "devices/CF-1042/blood-pressure", json.dumps(CUFF).encode()

    async def first_frames() -> AsyncIterator[tuple[str, bytes, bool]]:
        async with contextlib.aclosing(source(broker).frames()) as arriving:
            async for frames in arriving:
                for frame in frames:
                    yield frame.route, frame.packets[0].data, frame.retained

    async def story() -> None:
        hub = Hub(broker)
        hub.say(topic, b"old", retain=True)
        async with contextlib.aclosing(first_frames()) as arriving:
            assert await anext(arriving) == (topic, b"old", True)  # an old message, told from a new one
            hub.say(topic, payload)
            assert await anext(arriving) == (topic, payload, False)
        hub.say(topic, b"next")
        async with contextlib.aclosing(first_frames()) as arriving:
            again = {await anext(arriving) for _ in range(3)}
        hub.close()
        # The one that was never acknowledged comes again; `next` was published while nobody was there.
        assert {(topic, payload, False), (topic, b"next", False)} <= again

    scenario(story)


def test_more_messages_than_there_is_room_for_come_again(broker: Mosquitto) -> None:
    sent = {f"message {number}".encode() for number in range(50)}

    async def story() -> None:
        hub, arrived = Hub(broker), set()
        async with contextlib.aclosing(source(broker, most_waiting=5).frames()) as arriving:
            hub.say("devices/CF-1042/blood-pressure", b"first", retain=True)
            await anext(arriving)
            for payload in sent:
                hub.say("devices/CF-1042/blood-pressure", payload)
            async with asyncio.timeout(WAIT_S):
                while not arrived >= sent:
                    await asyncio.sleep(0.05)  # a slow disk
                    arrived |= {frame.packets[0].data for frame in await anext(arriving)}
        hub.close()

    scenario(story)


@contextlib.contextmanager
def gateway(broker: Mosquitto, directory: Path) -> "Iterator[subprocess.Popen[bytes]]":
    environ = {
        **{name: value for name, value in os.environ.items() if not name.startswith("RPMHUB_")},
        "PYTHONPATH": str(ROOT),
        "RPMHUB_GATEWAY_DATA_DIR": str(directory),
        "RPMHUB_GATEWAY_MQTT_URL": broker.url(),
        "RPMHUB_GATEWAY_SOURCE_MQTT_URL": broker.url("devices"),
        "RPMHUB_GATEWAY_ZONE": "America/Chicago",
    }
    command = [sys.executable, "-P", "-m", "device_gateway", "run", "--simulate", "3", "--interval", "1"]
    command += ["--stored-days", "1"]
    with subprocess.Popen(command, env=environ, stderr=subprocess.PIPE) as process:
        try:
            yield process
        finally:
            process.kill()


EVERY_WAY: Final = {"SIM-CUFF-0001", "SIM-CGM-0003", "C1:52:50:4D:00:01", "C2:52:50:4D:00:03", "C3:52:50:4D:00:02"}


def read(hub: Hub) -> list[dict[str, Any]]:
    return [reading for _, batch, _ in hub.batches for reading in batch["readings"]]


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGKILL])
def test_the_whole_program_with_simulated_homes(broker: Mosquitto, tmp_path: Path, end: signal.Signals) -> None:
    async def story() -> None:
        hub = Hub(broker)
        with gateway(broker, tmp_path / "data") as process:
            await hub.until(lambda: {reading["device"] for reading in read(hub)} >= EVERY_WAY)
            process.send_signal(end)
            code = await asyncio.wait_for(asyncio.to_thread(process.wait), 3)
            assert code == (0 if end == signal.SIGTERM else -signal.SIGKILL)
        await hub.until(lambda: hub.statuses[-1]["online"] is False)
        hub.close()
        assert len({reading["record"] for reading in read(hub) if reading["device"] == "SIM-CUFF-0001"}) >= 2

    scenario(story)
