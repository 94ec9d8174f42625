"""The broker's side of ingest: receive, hand over within bounds, acknowledge after commit, notice a dead thread.

paho runs its own network thread. It only ever puts messages into ``Handoff``; the writer takes them out, commits, and
then calls ``acknowledge``. A message that is not acknowledged comes again after a reconnect.
"""

import logging
import socket
import ssl
import threading
from collections import deque
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, NamedTuple, Protocol

import paho.mqtt.client as paho
from paho.mqtt.reasoncodes import ReasonCode

from hub.adapters.bulk_client import Arrived, BulkClient
from hub.services.ingest.messages import LANES, Message
from hub.services.ingest.shard import WHOLE, Shard
from hub.services.ports.base import Clock

log = logging.getLogger(__name__)

UP = "rpm/v1/+/up/"
PING_EVERY_S = 10.0
LOST_S = 30.0
"""Connected and not a word for this long, our own pings included: the connection's thread is dead."""

UNCONNECTED_S = 120.0
"""Not even an attempt to connect for this long, while paho tries at least every 30 s: dead as well."""

KEEPALIVE_S = 60
HELD_BYTES = 64 * 1024 * 1024
HELD_MESSAGES = 5_000
"""More than the broker is told to hand over unacknowledged; mosquitto 2.0.11 hands over all once some are. While it is
full the connection's thread stands still."""

_URGENT = "urgent"
_SERVED = (_URGENT, *LANES)


class BrokerAddress(Protocol):
    """Where the broker is, and as whom to speak to it; ``ca_file`` empty: the system's authorities."""

    @property
    def host(self) -> str: ...
    @property
    def port(self) -> int: ...
    @property
    def tls(self) -> bool: ...
    @property
    def user(self) -> str | None: ...
    @property
    def password(self) -> str | None: ...


class Receipt(NamedTuple):
    """What acknowledges a message. Ids of an earlier connection (``epoch``) are used anew, so void."""

    epoch: int
    mid: int
    qos: int


class Handoff:
    """A bounded queue with lanes: what pages at once overtakes all else, and fresh readings overtake stored ones.

    When it is full, ``put`` waits: paho stops reading, and the broker keeps what comes.
    """

    def __init__(self, max_messages: int = HELD_MESSAGES, max_bytes: int = HELD_BYTES) -> None:
        self._lanes: dict[str, deque[tuple[Message, Receipt]]] = {lane: deque() for lane in _SERVED}
        self._room = threading.Condition()
        self._max_messages = max_messages
        self._max_bytes = max_bytes
        self._bytes = 0
        self._alone = False

    def __len__(self) -> int:
        return sum(map(len, self._lanes.values()))

    def put(self, message: Message, receipt: Receipt, stale: Callable[[], bool]) -> None:
        """Hand over; waits while the queue is full. Once ``stale`` the message is dropped un-acknowledged."""
        with self._room:
            self._room.wait_for(lambda: stale() or self._has_room())
            if stale():
                return
            self._lanes[_URGENT if message.urgent else message.lane].append((message, receipt))
            self._bytes += len(message.payload)
            self._room.notify_all()

    def take(self, limit: int, max_bytes: int, timeout: float) -> list[tuple[Message, Receipt]]:
        """What is there, by lane: up to ``limit`` messages, and no more once they hold ``max_bytes``.

        What pages at once comes alone: it does not wait for hundreds of others to be written with it. But never twice
        in a row, for whoever sent nothing else would stop everybody. Waits ``timeout`` seconds for a first one.
        """
        with self._room:
            self._room.wait_for(lambda: len(self), timeout)
            return self._hurried(limit, max_bytes) or self._taken(_SERVED, limit, max_bytes)

    def urgent(self, limit: int, max_bytes: int) -> list[tuple[Message, Receipt]]:
        """``take`` of what pages at once and of nothing else; nothing, if the last one was such."""
        with self._room:
            return self._hurried(limit, max_bytes)

    def _hurried(self, limit: int, max_bytes: int) -> list[tuple[Message, Receipt]]:
        self._alone = bool(self._lanes[_URGENT]) and not self._alone
        return self._taken((_URGENT,), limit, max_bytes) if self._alone else []

    def _taken(self, lanes: Sequence[str], limit: int, max_bytes: int) -> list[tuple[Message, Receipt]]:
        taken: list[tuple[Message, Receipt]] = []
        size = 0
        for lane in lanes:
            while self._lanes[lane] and len(taken) < limit and size < max_bytes:
                taken.append(self._lanes[lane].popleft())
                size += len(taken[-1][0].payload)
        self._bytes -= size
        self._room.notify_all()
        return taken

    def clear(self) -> None:
        """Drop all of it, and have a waiting ``put`` look again whether it is stale."""
        with self._room:
            for lane in self._lanes.values():
                lane.clear()
            self._bytes = 0
            self._room.notify_all()

    @property
    def full(self) -> bool:
        """Whether a ``put`` would wait."""
        return not self._has_room()

    def _has_room(self) -> bool:
        return len(self) < self._max_messages and self._bytes < self._max_bytes


class MqttInbox:
    """One persistent MQTT 3.1.1 session, made anew when its thread has died."""

    def __init__(
        self,
        address: BrokerAddress,
        client_id: str,
        clock: Clock,
        ca_file: str = "",
        *,
        epoch: int = 0,
        read: Callable[[Message], Message] = lambda message: message,
        max_bytes: int = HELD_BYTES,
        shard: Shard = WHOLE,
    ) -> None:
        """``epoch``: below that of every receipt that it gives out. ``read`` is done to each message as it comes.

        ``shard``: whose messages are handed over; what is another's is acknowledged unread.
        """
        self.handoff = Handoff(max_bytes=max_bytes)
        self._address = address
        self._client_id = client_id
        self._clock = clock
        self._ca_file = ca_file
        self._epoch = epoch
        self._read = read
        self._mine = lru_cache(maxsize=50_000)(lambda topic: shard.has(gateway_of(topic)))
        self._client: BulkClient | None = None
        self._ping_topic = f"rpm/v1/rpmhub/ping/{client_id}"
        self._pinged_at = 0.0
        self._heard_at = 0.0  # both on the monotonic clock
        self._connected = False

    @property
    def connected(self) -> bool:
        """What paho believes; only ``alive`` knows."""
        return self._connected

    @property
    def waiting(self) -> int:
        """Messages that came and were not taken."""
        return len(self.handoff)

    def start(self) -> None:
        """Connect in the background, and keep trying."""
        self._client = self._make_client()
        self._heard_at = self._pinged_at = self._clock.monotonic()
        try:
            self._client.connect_async(self._address.host, self._address.port, keepalive=KEEPALIVE_S)
            self._client.loop_start()
        except (OSError, ValueError) as error:
            log.warning("broker not reachable", extra={"error": str(error)})

    def stop(self) -> None:
        """Leave the session on the broker: what comes meanwhile waits there."""
        self._end_client()

    def restart(self) -> None:
        """A new client on the same session. What the old one took and nobody acknowledged comes again."""
        log.warning("making a new broker connection")
        self._end_client()
        self.start()

    def take(self, limit: int, max_bytes: int, timeout: float) -> list[tuple[Message, Receipt]]:
        """See ``Handoff.take``."""
        return self.handoff.take(limit, max_bytes, timeout)

    def urgent(self, limit: int, max_bytes: int) -> list[tuple[Message, Receipt]]:
        """See ``Handoff.urgent``."""
        return self.handoff.urgent(limit, max_bytes)

    def acknowledge(self, receipts: Sequence[Receipt]) -> None:
        """Tell the broker that these are dealt with. Receipts of an earlier connection are skipped."""
        if (client := self._client) is not None:
            epoch = client.connection
            client.acknowledge(epoch, [one.mid for one in receipts if one.qos == 1 and one.epoch == epoch])

    def answer(self, messages: Sequence[tuple[str, bytes]]) -> None:
        """Send. Losing it is harmless: a gateway without an acknowledgement sends again."""
        if self._client is not None:
            self._client.publish_all(messages)

    def alive(self) -> bool:
        """Whether the connection's thread showed any life lately. paho's own flag stays true after it died.

        One that waits for room is not dead.
        """
        now = self._clock.monotonic()
        if self.handoff.full:
            self._heard_at = now
        if now - self._pinged_at >= PING_EVERY_S:
            self._pinged_at = now
            if self._client is not None:
                self._client.ping(self._ping_topic)
        return now - self._heard_at < (LOST_S if self._connected else UNCONNECTED_S)

    def _make_client(self) -> BulkClient:
        client = BulkClient(self._client_id, self, self._epoch)
        if self._address.user is not None:
            client.username_pw_set(self._address.user, self._address.password)
        if self._address.tls:
            client.tls_set_context(ssl.create_default_context(cafile=self._ca_file or None))
        client.reconnect_delay_set(min_delay=1, max_delay=30)
        client.on_connect_fail = self._on_connect_fail
        client.on_disconnect = self._on_disconnect
        client.on_socket_open = _no_delay
        return client

    def arrived(self, client: BulkClient, message: Arrived) -> bool:
        """See ``bulk_client.Listener``."""
        if client is not self._client:
            return False
        self._heard_at = self._clock.monotonic()
        topic = message.topic
        if not self._mine(topic):
            return True
        if topic != self._ping_topic:
            now = self._clock.now()
            received = Message.received(topic, message.payload, now, redelivered=message.dup, retained=message.retain)
            receipt = Receipt(message.connection, message.mid, message.qos)
            self.handoff.put(self._read(received), receipt, stale=lambda: client is not self._client)
        return False

    def opened(self, client: BulkClient, reason: ReasonCode) -> None:
        """See ``bulk_client.Listener``."""
        self._heard_at = self._clock.monotonic()
        if reason.is_failure:
            log.warning("broker refused the connection", extra={"reason": str(reason)})
            return
        client.subscribe([(f"{UP}live", 1), (f"{UP}backfill", 1), (f"{UP}status", 1), (self._ping_topic, 0)])
        self._connected = True
        log.info("connected to the broker")

    def _on_disconnect(self, _client: paho.Client, _data: Any, _flags: Any, reason: ReasonCode, _props: Any) -> None:
        self._connected = False
        self._heard_at = self._clock.monotonic()
        log.warning("disconnected from the broker", extra={"reason": str(reason)})

    def _on_connect_fail(self, _client: paho.Client, _data: Any) -> None:
        self._heard_at = self._clock.monotonic()

    def _end_client(self) -> None:
        """What was not taken comes again; and a thread that waits for room must end before it can be joined."""
        client, self._client = self._client, None
        self._connected = False
        self.handoff.clear()
        if client is not None:
            client.disconnect()
            client.loop_stop()
            self._epoch = client.connection


def gateway_of(topic: str) -> str:
    """Who may publish there; nothing for a topic of another form."""
    parts = topic.split("/")
    return parts[2] if len(parts) == 5 else ""


def _no_delay(_client: paho.Client, _data: Any, sock: Any) -> None:
    """Without it an acknowledgement waits for the next message to come (Nagle)."""
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
