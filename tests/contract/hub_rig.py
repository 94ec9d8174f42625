"""The hub's ingest on a real database file behind a real mosquitto, and gateways that speak to it."""

import contextlib
import json
import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Self

from jsonschema import Draft202012Validator
from paho.mqtt import client as paho
from sqlalchemy import Connection, event

from hub.adapters.clock import SystemClock
from hub.adapters.handoff import STORED
from hub.adapters.ingest_loop import IngestLoop
from hub.adapters.mqtt_inbox import FRESH, MqttInbox
from hub.settings import Address
from tests.servers import Mosquitto, mosquitto
from tests.unit.ingest.home import Home, batch, homes, kg, reading

WAIT_S = 30.0
ACK = Draft202012Validator(
    json.loads((Path(__file__).parents[2] / "config/wire/ack.v1.schema.json").read_text()),
)


class RigClock:
    """The story's instants, and a monotonic clock that runs and can be moved on."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self.ahead_s = 0.0

    def now(self) -> datetime:
        return self._home.now

    def monotonic(self) -> float:
        return SystemClock().monotonic() + self.ahead_s


class Gateways:
    """A client that may publish as any gateway, and every acknowledgement that goes to any of them."""

    def __init__(self, broker: Mosquitto) -> None:
        self.acks: queue.Queue[tuple[str, dict[str, Any]]] = queue.Queue()
        self._ready = threading.Event()
        self._client = paho.Client(paho.CallbackAPIVersion.VERSION2, client_id="gateways", clean_session=False)
        self._client.reconnect_delay_set(1, 1)
        self._client.on_connect = lambda client, *_: client.subscribe("rpm/v1/+/down/ack", qos=1)
        self._client.on_subscribe = lambda *_: self._ready.set()
        self._client.on_message = self._take
        self._client.connect("127.0.0.1", broker.port)
        self._client.loop_start()
        assert self._ready.wait(WAIT_S)

    def send(self, payload: bytes, gateway: str = "g-1", lane: str = "live", *, retain: bool = False) -> None:
        """Returns once the broker has it."""
        until(self._client.is_connected)
        told = self._client.publish(f"rpm/v1/{gateway}/up/{lane}", payload, qos=1, retain=retain)
        told.wait_for_publish(WAIT_S)
        assert told.is_published()

    def answer(self) -> tuple[str, dict[str, Any]]:
        """The next acknowledgement of one message or more: to whom, and what it says."""
        return self.acks.get(timeout=WAIT_S)

    def answers_until(self, batch_name: str) -> list[tuple[str, dict[str, Any]]]:
        """Every single answer up to the one that names this batch."""
        found: list[tuple[str, dict[str, Any]]] = []
        while not found or found[-1][1]["batch"] != batch_name:
            gateway, message = self.answer()
            found += [(gateway, ack) for ack in message["acks"]]
        return found

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def _take(self, _client: paho.Client, _data: Any, message: paho.MQTTMessage) -> None:
        said = json.loads(message.payload)
        ACK.validate(said)
        self.acks.put((message.topic.split("/")[2], said))


class Rig:
    """All of it. ``limit(pages)`` makes the disk full."""

    def __init__(self, home: Home, broker: Mosquitto) -> None:
        self.home, self.broker = home, broker
        self.clock = RigClock(home)
        leave_sessions(broker.port, "hub")
        self.gateways = Gateways(broker)
        self.inbox_of: Callable[[int], Any] = self._in_this_process
        self._pages = 1_000_000
        event.listen(home.clinic.engine, "begin", self._begins, insert=True)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        self.gateways.close()

    def start(self) -> None:
        """A life of the ingest process, on the session and the database of the life before."""
        self._stop = threading.Event()
        self.inbox = self.inbox_of(self.broker.port)
        loop = IngestLoop(self.home.hub, self.inbox, "test")
        self._loop = threading.Thread(target=loop.run, args=[self._stop])
        self._loop.start()

    def _in_this_process(self, port: int) -> MqttInbox:
        return MqttInbox(Address("127.0.0.1", port, False, None, None), "hub", self.clock)

    def stop(self) -> None:
        self._stop.set()
        self._loop.join(WAIT_S)
        assert not self._loop.is_alive()

    def limit(self, pages: int) -> None:
        self._pages = pages

    def good(self, seq: int) -> bytes:
        """A batch that will be stored, named after its number."""
        return batch(self.home.now, reading(seq, self.home.now, kg(78)), batch=f"good-{seq}", spool="good")

    def _begins(self, connection: Connection) -> None:
        driver: Any = connection.connection.dbapi_connection
        driver.execute(f"PRAGMA max_page_count = {self._pages}")
        driver.execute("PRAGMA busy_timeout = 50")


def until(condition: Callable[[], bool]) -> None:
    """Wait for what another thread does."""
    tick = threading.Event()
    for _ in range(int(WAIT_S / 0.02)):
        if condition():
            return
        tick.wait(0.02)
    raise TimeoutError


def leave_sessions(port: int, client_id: str) -> None:
    """As after the hub's first start ever: from then on the broker keeps what comes for it."""
    leave_session(port, client_id, FRESH)
    leave_session(port, f"{client_id}-{STORED}", (STORED,))


def leave_session(port: int, client_id: str, lanes: Sequence[str]) -> None:
    """One that is kept by the broker."""
    done = threading.Event()
    client = paho.Client(paho.CallbackAPIVersion.VERSION2, client_id=client_id, clean_session=False)
    client.on_connect = lambda connected, *_: connected.subscribe([(f"rpm/v1/+/up/{lane}", 1) for lane in lanes])
    client.on_subscribe = lambda *_: done.set()
    client.connect("127.0.0.1", port)
    client.loop_start()
    assert done.wait(WAIT_S)
    client.disconnect()
    client.loop_stop()


@contextlib.contextmanager
def rigs(folder: Path) -> Iterator[Rig]:
    with mosquitto(folder / "broker") as broker:
        for home in homes(folder):
            yield Rig(home, broker)
