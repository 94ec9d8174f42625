"""One kept session at the broker: receive, hand over within bounds, acknowledge, notice a dead thread.

paho runs its own network thread. It only ever puts messages into ``Handoff``. A message that is not acknowledged comes
again after a reconnect.
"""

import logging
import socket
import ssl
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

import paho.mqtt.client as paho
from paho.mqtt.reasoncodes import ReasonCode

from hub.adapters.broker_address import BrokerAddress
from hub.adapters.bulk_client import Arrived, BulkClient
from hub.adapters.handoff import Handoff, Receipt
from hub.services.ingest.hearing import REFUSED, UNCONNECTED, UNHEARD
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

MUTE = 3
"""Dead connections in a row on which not one of our own pings had come back: the next will be no better."""

CUT = 3
"""Connections in a row that ended with our subscriptions unanswered: some brokers refuse in that way."""

KEEPALIVE_S = 60
EPOCHS = 2**31
"""Connections of one session before its numbers would be another's."""


class MqttSession:
    """A persistent MQTT 3.1.1 session for some of the lanes, made anew when its thread has died."""

    def __init__(
        self,
        address: BrokerAddress,
        client_id: str,
        clock: Clock,
        ca_file: str,
        handoff: Handoff,
        *,
        lanes: Sequence[str],
        epoch: int = 0,
        read: Callable[[Message], Message] = lambda message: message,
        shard: Shard = WHOLE,
    ) -> None:
        """``epoch``: below that of every receipt that it gives out; there are ``EPOCHS`` of them.

        ``read`` is done to each message as it comes. ``shard``: whose messages are handed over; what is another's is
        acknowledged unread.
        """
        self._address = address
        self._client_id = client_id
        self._clock = clock
        self._ca_file = ca_file
        self._handoff = handoff
        self._lanes = lanes
        self._epoch = epoch
        self._epochs = range(epoch, epoch + EPOCHS)
        self._read = read
        self._shared = shard.of > 1  # where it is not, no topic need be remembered
        self._mine = lru_cache(maxsize=50_000)(lambda topic: shard.has(gateway_of(topic)))
        self._client: BulkClient | None = None
        self._ping_topic = f"rpm/v1/rpmhub/ping/{client_id}"
        self._pinged_at = 0.0
        self._heard_at = 0.0  # both on the monotonic clock
        self._echoed = False
        self._mute = 0
        self._asked: tuple[int | None, Sequence[str]] = None, ()  # SUBSCRIBE without an answer: its number, its topics
        self._refused: Sequence[str] = ()  # of those
        self._cut = 0
        self.connected = False
        """What paho believes; only ``alive`` knows."""

    def start(self) -> None:
        """Connect in the background, and keep trying."""
        self._client, self._echoed, self._asked = self._make_client(), False, (None, ())
        self._heard_at = self._pinged_at = self._clock.monotonic()
        try:
            self._client.connect_async(self._address.host, self._address.port, keepalive=KEEPALIVE_S)
            self._client.loop_start()
        except (OSError, ValueError) as error:
            log.warning("broker not reachable", extra={"error": str(error)})

    def stop(self) -> None:
        """Leave the session on the broker: what comes meanwhile waits there.

        What was not taken comes again; and a thread that waits for room must end before it can be joined.
        """
        client, self._client = self._client, None
        self.connected = False
        self._handoff.drop(self._epochs)
        if client is not None:
            client.disconnect()
            client.loop_stop()
            self._epoch = client.connection

    def restart(self) -> None:
        """A new connection on the same session. What the old one took and nobody acknowledged comes again."""
        if self.connected and not self._echoed and self._clock.monotonic() - self._heard_at >= LOST_S:
            self._mute += 1
        log.warning("making a new broker connection", extra={"session": self._client_id})
        if self.unheard:
            said = {"topic": self._ping_topic, "connections": self._mute}
            log.warning("no ping of ours comes back: the broker's access list may not allow it", extra=said)
        self.stop()
        self.start()

    @property
    def ails(self) -> str:
        """What is wrong with it, in the words of ``hearing``; nothing if it is well."""
        if self._cut >= CUT or (self.connected and any(topic != self._ping_topic for topic in self._refused)):
            return REFUSED
        return UNHEARD if self.unheard else "" if self.connected else UNCONNECTED

    @property
    def unheard(self) -> bool:
        """Whether connections died one after the other and none had brought back a ping of ours."""
        return self._mute >= MUTE

    def read_with(self, read: Callable[[Message], Message]) -> None:
        """Do this to each message that comes from now on."""
        self._read = read

    def acknowledge(self, receipts: Sequence[Receipt]) -> None:
        """Tell the broker that these are dealt with. Receipts of another connection are skipped."""
        if (client := self._client) is not None:
            epoch = client.connection
            client.acknowledge(epoch, [one.mid for one in receipts if one.qos == 1 and one.epoch == epoch])

    def answer(self, messages: Sequence[tuple[str, bytes]]) -> None:
        """Send. Losing it is harmless: a gateway without an acknowledgement sends again."""
        if self._client is not None:
            self._client.publish_all(messages)

    def alive(self) -> bool:
        """Whether the connection's thread showed any life lately. paho's own flag stays true after it died.

        One that waits for room is not dead. It may be the other session's room: of what lane a message is that the
        broker kept since before, nobody knows.
        """
        now = self._clock.monotonic()
        if self._handoff.stands(self._epochs):
            self._heard_at = now
        if now - self._pinged_at >= PING_EVERY_S:
            self._pinged_at = now
            if self._client is not None:
                self._client.ping(self._ping_topic)
        return now - self._heard_at < (LOST_S if self.connected else UNCONNECTED_S)

    def arrived(self, client: BulkClient, message: Arrived) -> bool:
        """See ``bulk_client.Listener``."""
        if client is not self._client:
            return False
        self._heard_at = self._clock.monotonic()
        topic = message.topic
        if topic == self._ping_topic:
            self._echoed, self._mute = True, 0
            if self._refused:  # somebody may have mended that meanwhile, and not every broker ends the connection then
                self._subscribe(client, self._refused)
            return False
        if self._shared and not self._mine(topic):
            return True
        now = self._clock.now()
        received = Message.received(topic, message.payload, now, redelivered=message.dup, retained=message.retain)
        receipt = Receipt(message.connection, message.mid, message.qos)
        self._handoff.put(self._read(received), receipt, stale=lambda: client is not self._client)
        return False

    def opened(self, client: BulkClient, reason: ReasonCode) -> None:
        """See ``bulk_client.Listener``."""
        self._heard_at = self._clock.monotonic()
        if reason.is_failure:
            log.warning("broker refused the connection", extra={"reason": str(reason)})
            return
        self._subscribe(client, [*(UP + lane for lane in self._lanes), self._ping_topic])
        client.unsubscribe([UP + lane for lane in LANES if lane not in self._lanes])  # a kept session's, of before
        self.connected = True
        log.info("connected to the broker", extra={"lanes": list(self._lanes)})

    def _subscribe(self, client: BulkClient, topics: Sequence[str]) -> None:
        """On the connection's thread, which hears the answer: not before its number is known."""
        _, mid = client.subscribe([(topic, 0 if topic == self._ping_topic else 1) for topic in topics])
        self._asked = mid, topics

    def _on_subscribe(
        self, client: paho.Client, _data: Any, mid: int, reasons: Sequence[ReasonCode], _props: Any
    ) -> None:
        asked, topics = self._asked
        if client is not self._client or mid != asked:
            return
        self._asked, self._cut = (None, ()), 0
        answered = zip(topics, reasons, strict=False)  # raising here would end the connection's thread
        refused = tuple(topic for topic, reason in answered if reason.is_failure)
        if refused and refused != self._refused:
            said = {"session": self._client_id, "topics": list(refused)}
            log.warning("the broker refuses subscriptions: its access list may not allow them", extra=said)
        elif self._refused and not refused:
            log.info("the broker grants all subscriptions now", extra={"session": self._client_id})
        self._refused = refused

    def _make_client(self) -> BulkClient:
        client = BulkClient(self._client_id, self, self._epoch)
        if self._address.user is not None:
            client.username_pw_set(self._address.user, self._address.password)
        if self._address.tls:
            client.tls_set_context(ssl.create_default_context(cafile=self._ca_file or None))
        client.reconnect_delay_set(min_delay=1, max_delay=30)
        client.on_connect_fail = self._on_connect_fail
        client.on_disconnect = self._on_disconnect
        client.on_subscribe = self._on_subscribe
        client.on_socket_open = _no_delay
        return client

    def _on_disconnect(self, client: paho.Client, _data: Any, _flags: Any, reason: ReasonCode, _props: Any) -> None:
        self.connected = False
        self._heard_at = self._clock.monotonic()
        log.warning("disconnected from the broker", extra={"reason": str(reason)})
        if client is self._client:
            self._cut = self._cut + 1 if self._asked[1] else 0
            self._asked = None, ()
            if self._cut == CUT:
                said = {"session": self._client_id, "connections": self._cut}
                log.warning("the broker ends each connection that subscribes: it may refuse that so", extra=said)

    def _on_connect_fail(self, _client: paho.Client, _data: Any) -> None:
        self._cut = 0
        self._heard_at = self._clock.monotonic()


def gateway_of(topic: str) -> str:
    """Who may publish there; nothing for a topic of another form."""
    parts = topic.split("/")
    return parts[2] if len(parts) == 5 else ""


def _no_delay(_client: paho.Client, _data: Any, sock: Any) -> None:
    """Without it an acknowledgement waits for the next message to come (Nagle)."""
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
