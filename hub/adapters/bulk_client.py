"""paho's client, reading and sending in bulk.

paho asks the system three times for each packet and sends each acknowledgement alone. Here one question brings what
came, whole messages are taken from it as they lie there, and what is said together is sent in one piece. All else, and
a message that ends in the next piece, paho reads for itself from the same bytes.
"""

import ssl
import threading
from collections.abc import Iterable
from typing import Any, NamedTuple, Protocol, cast

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.reasoncodes import ReasonCode

READ = 256 * 1024
"""Bytes handled one after the other before what is to be sent goes out: some ten batches, of which the last is cut.
paho itself reads on for as long as it has messages on their way: the more answers wait for what comes, the longer they
would wait."""

_PUBLISH, _PUBACK, _DUP = 0x30, 0x40, 0x08
_QOS, _QOS_0, _QOS_1 = 0x06, 0x00, 0x02
_CONFIRMED = b"\x40\x02"


class Arrived(NamedTuple):
    """A message as the broker handed it over. ``topic``: empty if it is no UTF-8. ``mid``: 0 at QoS 0.

    ``connection``: on which it came; its ``mid`` means nothing on another.
    """

    topic: str
    payload: bytes
    mid: int
    qos: int
    dup: bool
    retain: bool
    connection: int


class Listener(Protocol):
    """Whom the connection's thread tells. It may be made to wait."""

    def arrived(self, client: "BulkClient", message: Arrived) -> bool:
        """One message; whether it is dealt with already, and to be acknowledged without further word."""

    def opened(self, client: "BulkClient", reason: ReasonCode) -> None:
        """The broker's answer to a connection."""


class BulkClient(paho.Client):
    """MQTT 3.1.1 on a session that is kept."""

    def __init__(self, client_id: str, listener: Listener, connection: int = 0) -> None:
        """``connection``: below the number of each that it makes."""
        super().__init__(
            CallbackAPIVersion.VERSION2,
            client_id=client_id,
            clean_session=False,
            protocol=MQTTProtocolVersion.MQTTv311,
            manual_ack=True,
        )
        self.connection = connection
        self._listener = listener
        self._heard, self._at = b"", 0
        self._room = memoryview(bytearray(READ))  # the system would be asked for as much each time, and clean it first
        self._dealt_with: list[int] = []
        self._saying = threading.Lock()
        self._may_say = False
        # Not bound to this client: one that was replaced is gone at once, and its descriptors with it.
        self.on_connect = cast("Any", BulkClient._by_connack)
        self.on_message = cast("Any", BulkClient._by_paho)

    def acknowledge(self, connection: int, mids: Iterable[int]) -> None:
        """Tell the broker that these messages of QoS 1 are dealt with, if it is still the connection they came on."""
        packets = [_CONFIRMED + mid.to_bytes(2, "big") for mid in mids]
        with self._saying:
            if connection == self.connection:
                self._say(_PUBACK, packets)

    def publish_all(self, messages: Iterable[tuple[str, bytes]]) -> None:
        """Send these payloads at QoS 1, by topic. What a lost connection swallows is not sent again.

        That is less than QoS 1 promises from here to the broker. It is for words that are old by then, and that
        whoever waits for them asks for again.
        """
        packets = [_publish(topic.encode(), payload, self._mid_generate()) for topic, payload in messages]
        with self._saying:
            self._say(_PUBLISH, packets)

    def ping(self, topic: str) -> None:
        """Send nothing, at QoS 0."""
        with self._saying:
            self._say(_PUBLISH, [_publish(topic.encode(), b"", None)])

    def reconnect(self) -> MQTTErrorCode:
        """Connect anew; what was read of the last connection is void, and nothing is said before the broker answers."""
        with self._saying:
            self._may_say = False
            self.connection += 1
        self._heard, self._at, self._dealt_with = b"", 0, []
        return super().reconnect()

    def loop_read(self, max_packets: int = 1) -> MQTTErrorCode:  # noqa: ARG002 (interface)
        """Handle what one question brings."""
        code = self._hear()
        while code == MQTTErrorCode.MQTT_ERR_SUCCESS and self._at < len(self._heard) and self._sock is not None:
            if self._in_packet["command"] or not self._takes_whole():
                code = self._packet_read()
        dealt_with, self._dealt_with = self._dealt_with, []
        self.acknowledge(self.connection, dealt_with)
        return self._loop_rc_handle(code) if code > 0 else MQTTErrorCode.MQTT_ERR_SUCCESS

    def _hear(self) -> MQTTErrorCode:
        sock: Any = self._sock
        if sock is None:
            return MQTTErrorCode.MQTT_ERR_NO_CONN
        try:
            self._heard, self._at = bytes(self._room[: sock.recv_into(self._room)]), 0
        except (BlockingIOError, ssl.SSLWantReadError):
            return MQTTErrorCode.MQTT_ERR_AGAIN
        except ssl.SSLWantWriteError:
            self._call_socket_register_write()
            return MQTTErrorCode.MQTT_ERR_AGAIN
        except OSError:
            return MQTTErrorCode.MQTT_ERR_CONN_LOST
        with self._msgtime_mutex:
            self._last_bytes_received = paho.time_func()
        return MQTTErrorCode.MQTT_ERR_SUCCESS if self._heard else MQTTErrorCode.MQTT_ERR_CONN_LOST

    def _sock_recv(self, bufsize: int) -> bytes:
        """For paho's own reading: of what was heard already."""
        part = self._heard[self._at : self._at + bufsize]
        if not part:
            raise BlockingIOError
        self._at += len(part)
        return part

    def _takes_whole(self) -> bool:
        """Whether a message, or the word that one of ours arrived, lies there as a whole and was dealt with."""
        heard, at = self._heard, self._at
        head = heard[at]
        if head & 0xF0 == _PUBLISH and head & _QOS in (_QOS_0, _QOS_1):
            body, end = _extent(heard, at + 1)
            if end <= len(heard) and (found := _published(heard, head, body, end, self.connection)):
                self._at = end
                self._tell(found)
                return True
        elif heard[at : at + 2] == _CONFIRMED and at + 4 <= len(heard) and not self._out_messages:
            self._at = at + 4
            return True
        return False

    def _tell(self, message: Arrived) -> None:
        if self._listener.arrived(self, message) and message.qos:
            self._dealt_with.append(message.mid)

    def _by_paho(self, _data: object, m: paho.MQTTMessage) -> None:
        try:
            topic = m.topic
        except UnicodeDecodeError:
            topic = ""
        self._tell(Arrived(topic, bytes(m.payload), m.mid, m.qos, m.dup, m.retain, self.connection))

    def _by_connack(self, _data: object, _flags: object, reason: ReasonCode, _properties: object) -> None:
        with self._saying:
            self._may_say = not reason.is_failure
        self._listener.opened(self, reason)

    def _say(self, command: int, packets: list[bytes]) -> None:
        if packets and self._may_say:
            # A view: of what the system does not take at once paho makes a copy at each attempt.
            self._packet_queue(command, memoryview(b"".join(packets)), 0, 1)  # type: ignore[arg-type]


def _extent(heard: bytes, at: int) -> tuple[int, int]:
    """Where a packet's body begins and ends, by its length from ``at`` on; beyond all if that is not there or wrong."""
    size = shift = 0
    for place in range(at, min(at + 4, len(heard))):
        size |= (heard[place] & 0x7F) << shift
        if heard[place] < 0x80:
            return place + 1, place + 1 + size
        shift += 7
    return len(heard), len(heard) + 1


def _published(heard: bytes, head: int, body: int, end: int, connection: int) -> Arrived | None:
    """The message; none if it is not one, which paho has words for."""
    topic = body + 2
    after = topic + int.from_bytes(heard[body:topic], "big")
    qos = (head & _QOS) >> 1
    payload = after + 2 * qos
    if after == topic or payload > end:
        return None
    mid = int.from_bytes(heard[after:payload], "big")
    return Arrived(_text(heard[topic:after]), heard[payload:end], mid, qos, head & _DUP > 0, head & 1 > 0, connection)


def _text(topic: bytes) -> str:
    try:
        return topic.decode()
    except UnicodeDecodeError:  # raising here would end the connection's thread
        return ""


def _publish(topic: bytes, payload: bytes, mid: int | None) -> bytes:
    """At QoS 1, or at QoS 0 without a ``mid``."""
    identifier = b"" if mid is None else mid.to_bytes(2, "big")
    size, length = 2 + len(topic) + len(identifier) + len(payload), bytearray()
    while size > 0x7F:
        length.append(size & 0x7F | 0x80)
        size >>= 7
    length.append(size)
    head = _PUBLISH | (_QOS_0 if mid is None else _QOS_1)
    return b"".join((bytes((head,)), length, len(topic).to_bytes(2, "big"), topic, identifier, payload))
