"""paho's client, reading and sending in bulk.

paho asks the system three times for each packet and sends each acknowledgement alone. Here one question brings what
came, whole messages are taken from it as they lie there, and what is said together is sent in one piece. All else, and
a message that ends in the next piece, paho reads for itself from the same bytes.
"""

from collections.abc import Callable, Iterable
from typing import NamedTuple

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion

READ = 64 * 1024
"""Bytes handled one after the other before what is to be sent goes out. paho itself reads on for as long as it has
messages on their way: the more answers wait for what comes, the longer they would wait."""

_PUBLISH, _PUBACK, _AGAIN = 0x30, 0x40, 0x08
_QOS, _QOS_0, _QOS_1 = 0x06, 0x00, 0x02
_CONFIRMED = b"\x40\x02"


class Arrived(NamedTuple):
    """A message as the broker handed it over. ``topic``: empty if it is no UTF-8. ``mid``: 0 at QoS 0."""

    topic: str
    payload: bytes
    mid: int
    qos: int
    dup: bool
    retain: bool


class BulkClient(paho.Client):
    """MQTT 3.1.1 on a session that is kept. What arrives is acknowledged by ``acknowledge`` alone."""

    def __init__(self, client_id: str, arrived: Callable[["BulkClient", Arrived], None]) -> None:
        """``arrived`` is called by the connection's thread, message by message, and may make it wait."""
        super().__init__(
            CallbackAPIVersion.VERSION2,
            client_id=client_id,
            clean_session=False,
            protocol=MQTTProtocolVersion.MQTTv311,
            manual_ack=True,
        )
        self.on_message = lambda _client, _data, message: arrived(self, _as_arrived(message))
        self._arrived = arrived
        self._heard, self._at = b"", 0
        self._unconfirmed: dict[int, bytes] = {}
        """By packet identifier. There are 65,535; where all are on their way the oldest is no more waited for."""

    def acknowledge(self, mids: Iterable[int]) -> None:
        """Tell the broker that these messages of QoS 1 are dealt with."""
        self._say(_PUBACK, [_CONFIRMED + mid.to_bytes(2, "big") for mid in mids])

    def publish_all(self, messages: Iterable[tuple[str, bytes]]) -> None:
        """Send these payloads at QoS 1, by topic; those that are not confirmed go out again after a reconnect."""
        packets = []
        for topic, payload in messages:
            mid = self._mid_generate()
            packets.append(_publish(topic.encode(), mid, payload))
            self._unconfirmed[mid] = packets[-1]
        if self.is_connected():
            self._say(_PUBLISH, packets)

    def publish_again(self) -> None:
        """Send what the broker did not confirm. To be called when it is connected anew."""
        self._say(_PUBLISH, [bytes((packet[0] | _AGAIN,)) + packet[1:] for packet in list(self._unconfirmed.values())])

    def reconnect(self) -> MQTTErrorCode:
        """Connect anew; what was read of the last connection is void."""
        self._heard, self._at = b"", 0
        return super().reconnect()

    def loop_read(self, max_packets: int = 1) -> MQTTErrorCode:  # noqa: ARG002 (interface)
        """Handle what one question brings."""
        code = self._hear()
        while code == MQTTErrorCode.MQTT_ERR_SUCCESS and self._at < len(self._heard) and self._sock is not None:
            if self._in_packet["command"] or not self._takes_whole():
                code = self._packet_read()
        return self._loop_rc_handle(code) if code > 0 else MQTTErrorCode.MQTT_ERR_SUCCESS

    def _hear(self) -> MQTTErrorCode:
        if self._sock is None:
            return MQTTErrorCode.MQTT_ERR_NO_CONN
        try:
            self._heard, self._at = super()._sock_recv(READ), 0
        except BlockingIOError:
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
        """Whether a message or the word that one of ours arrived lies there as a whole, and was dealt with."""
        heard, at = self._heard, self._at
        head = heard[at]
        if head & 0xF0 == _PUBLISH and head & _QOS in (_QOS_0, _QOS_1):
            body, end = _extent(heard, at + 1)
            if end <= len(heard) and (found := _published(heard, head, body, end)):
                self._at = end
                self._arrived(self, found)
                return True
        elif heard[at : at + 2] == _CONFIRMED and at + 4 <= len(heard):
            mid = int.from_bytes(heard[at + 2 : at + 4], "big")
            if self._unconfirmed.pop(mid, None) is not None:
                self._at = at + 4
                return True
        return False

    def _say(self, command: int, packets: list[bytes]) -> None:
        if packets:
            self._packet_queue(command, b"".join(packets), 0, 1)


def _extent(heard: bytes, at: int) -> tuple[int, int]:
    """Where a packet's body begins and ends, by its length from ``at`` on; beyond all if that is not there or wrong."""
    size = shift = 0
    for place in range(at, min(at + 4, len(heard))):
        size |= (heard[place] & 0x7F) << shift
        if heard[place] < 0x80:
            return place + 1, place + 1 + size
        shift += 7
    return len(heard), len(heard) + 1


def _published(heard: bytes, head: int, body: int, end: int) -> Arrived | None:
    """The message; none if it is not one, which paho has words for."""
    topic = body + 2
    after = topic + int.from_bytes(heard[body:topic], "big")
    qos = (head & _QOS) >> 1
    payload = after + 2 * qos
    if payload > end:
        return None
    mid = int.from_bytes(heard[after:payload], "big")
    return Arrived(_text(heard[topic:after]), heard[payload:end], mid, qos, head & _AGAIN > 0, head & 1 > 0)


def _publish(topic: bytes, mid: int, payload: bytes) -> bytes:
    size, length = len(topic) + len(payload) + 4, bytearray()
    while size > 0x7F:
        length.append(size & 0x7F | 0x80)
        size >>= 7
    length.append(size)
    named = len(topic).to_bytes(2, "big") + topic
    return b"".join((b"\x32", length, named, mid.to_bytes(2, "big"), payload))


def _text(topic: bytes) -> str:
    try:
        return topic.decode()
    except UnicodeDecodeError:  # raising here would end the connection's thread
        return ""


def _as_arrived(m: paho.MQTTMessage) -> Arrived:
    try:
        topic = m.topic
    except UnicodeDecodeError:
        topic = ""
    return Arrived(topic, bytes(m.payload), m.mid, m.qos, m.dup, m.retain)
