"""The client in bulk against a broker that says its bytes in pieces, as the network may cut them."""

import itertools
import select
import socket
from collections.abc import Iterator
from typing import Self

import pytest
from hypothesis import given
from hypothesis import strategies as st
from paho.mqtt.enums import MQTTErrorCode
from paho.mqtt.reasoncodes import ReasonCode

from hub.adapters.bulk_client import READ, Arrived, BulkClient

WAIT_S = 10.0
CONNECTED = b"\x20\x02\x00\x00"
PIECE = READ // 8
"""Bytes that one read takes whole: a socket's buffers hold them, and the network of this machine does not cut them."""

LIVE = b"rpm/v1/g-1/up/live"


class Broker:
    """Says what it is told to, and hears what comes. Nothing happens unless the test does it."""

    def __init__(self) -> None:
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.messages: list[Arrived] = []
        self.not_ours: set[bytes] = set()
        self.client = BulkClient("hub", self, connection=4)

    def arrived(self, _client: BulkClient, message: Arrived) -> bool:
        self.messages.append(message)
        return message.payload in self.not_ours

    def opened(self, _client: BulkClient, _reason: ReasonCode) -> None:
        pass

    @property
    def payloads(self) -> list[bytes]:
        return [one.payload for one in self.messages]

    def __enter__(self) -> Self:
        self.client.connect("127.0.0.1", self._listening.getsockname()[1])
        self.accept()
        self.say(CONNECTED)
        return self

    def __exit__(self, *_: object) -> None:
        self.client.disconnect()
        self._peer.close()
        self._listening.close()

    def reconnect(self) -> None:
        self._peer.close()
        self.client.reconnect()
        self.accept()
        self.say(CONNECTED)

    def leave(self) -> None:
        self._peer.shutdown(socket.SHUT_RDWR)

    def accept(self) -> None:
        """The next connection, as far as its CONNECT, which is the first that may come (MQTT-3.1.0-1)."""
        self._peer, _ = self._listening.accept()
        self._peer.settimeout(WAIT_S)
        head, size = self._peer.recv(2)
        assert head == 0x10
        assert len(self._peer.recv(size)) == size

    def say(self, stream: bytes) -> MQTTErrorCode:
        """One piece on the wire, read by the client as far as it goes."""
        code = MQTTErrorCode.MQTT_ERR_SUCCESS
        for begin in range(0, len(stream), PIECE):
            self._peer.sendall(stream[begin : begin + PIECE])
            assert select.select([self.client.socket()], [], [], WAIT_S)[0]
            code = self.client.loop_read()
            if code != MQTTErrorCode.MQTT_ERR_SUCCESS:
                break
        return code

    def hear(self, size: int) -> bytes:
        """The next bytes that the client sends."""
        while self.client.want_write():
            self.client.loop_write()
        heard = b""
        while len(heard) < size:
            heard += self._peer.recv(size - len(heard))
        return heard

    def is_silent(self) -> bool:
        return not self.client.want_write() and not select.select([self._peer], [], [], 0)[0]


@pytest.fixture
def broker() -> Iterator[Broker]:
    with Broker() as made:
        yield made


def length(size: int) -> bytes:
    """As the standard has it (2.2.3)."""
    out = bytearray()
    while True:
        size, digit = divmod(size, 128)
        out.append(digit | 0x80 if size else digit)
        if not size:
            return bytes(out)


def publish(topic: bytes, payload: bytes, mid: int = 0, flags: int = 0) -> bytes:
    qos = flags >> 1 & 3
    body = len(topic).to_bytes(2, "big") + topic + (mid.to_bytes(2, "big") if qos else b"") + payload
    return bytes((0x30 | flags,)) + length(len(body)) + body


SIZES = st.sampled_from([0, 1, 60, 106, 107, 127, 128, 700, 16_380, 16_384])
MESSAGES = st.lists(
    st.builds(
        lambda size, mid, qos, dup, retain: (
            bytes(size),
            mid,
            qos << 1 | (dup and qos) << 3 | retain,
            qos,
            dup,
            retain,
        ),
        SIZES,
        st.integers(1, 65535),
        st.integers(0, 1),
        st.booleans(),
        st.booleans(),
    ),
    max_size=8,
)


@given(MESSAGES, st.lists(st.floats(0, 1), max_size=6))
def test_messages_arrive_whole_however_they_are_cut(
    messages: list[tuple[bytes, int, int, int, bool, bool]], cuts: list[float]
) -> None:
    stream = b"".join(publish(LIVE, payload, mid, flags) for payload, mid, flags, *_ in messages)
    places = sorted({0, len(stream), *(int(cut * len(stream)) for cut in cuts)})
    with Broker() as broker:
        for begin, end in itertools.pairwise(places):
            assert broker.say(stream[begin:end]) == MQTTErrorCode.MQTT_ERR_SUCCESS
        assert broker.messages == [
            Arrived(LIVE.decode(), payload, mid if qos else 0, qos, bool(dup and qos), retain, 5)
            for payload, mid, _, qos, dup, retain in messages
        ]


@pytest.mark.parametrize("cut", range(1, 30))
def test_a_message_cut_at_any_byte_arrives_once(broker: Broker, cut: int) -> None:
    stream = publish(LIVE, b"first", 7, flags=2) + publish(LIVE, b"second", 8, flags=2)
    broker.say(stream[:cut])
    broker.say(stream[cut:])
    assert [(one.payload, one.mid) for one in broker.messages] == [(b"first", 7), (b"second", 8)]


@pytest.mark.parametrize("cut", [0, 9])
def test_a_topic_that_is_no_text_arrives_without_it(broker: Broker, cut: int) -> None:
    stream = publish(b"rpm/v1/\xff/up/live", b"x", 7, flags=2)
    broker.say(stream[:cut])
    broker.say(stream[cut:])
    assert broker.messages == [Arrived("", b"x", 7, 1, False, False, 5)]


@pytest.mark.parametrize(
    "malformed",
    [
        b"\x32\x03\x00\x09a",  # a topic longer than its packet
        b"\x32\x04\x00\x02ab",  # no packet identifier
        b"\x30\x80\x80\x80\x80\x01",  # a length of five bytes
        b"\x30\x00",  # nothing in it
        b"\x30\x03\x00\x00x",  # no topic
        b"\x36\x09\x00\x03abc\x00\x01xx",  # QoS 3
        b"\xf0\x00",  # no packet of this version
    ],
)
def test_what_is_no_packet_ends_the_connection_and_not_the_thread(broker: Broker, malformed: bytes) -> None:
    good = publish(LIVE, b"good", 7, flags=2)
    assert broker.say(good + malformed) != MQTTErrorCode.MQTT_ERR_SUCCESS
    assert broker.payloads == [b"good"]
    broker.reconnect()
    broker.say(good)
    assert broker.payloads == [b"good", b"good"]


def test_half_a_message_of_a_lost_connection_is_void(broker: Broker) -> None:
    broker.say(publish(LIVE, b"whole", 7, flags=2) + publish(LIVE, b"half", 8, flags=2)[:12])
    broker.reconnect()
    broker.say(publish(LIVE, b"half", 8, flags=2))
    assert broker.payloads == [b"whole", b"half"]


def test_a_broker_that_leaves_is_noticed(broker: Broker) -> None:
    broker.leave()
    assert broker.client.loop_read() == MQTTErrorCode.MQTT_ERR_CONN_LOST
    assert not broker.client.is_connected()
    assert broker.client.loop_read() == MQTTErrorCode.MQTT_ERR_NO_CONN


@pytest.mark.parametrize("cut", range(14))
def test_other_packets_are_pahos_wherever_they_are_cut(broker: Broker, cut: int) -> None:
    told: list[int] = []
    broker.client.on_subscribe = lambda _client, _data, mid, *_: told.append(mid)
    _, mid = broker.client.subscribe("a", 1)
    confirmed = b"\x40\x02\x00\x09"  # of a message that paho knows nothing of
    stream = confirmed + b"\x90\x03" + int(mid or 0).to_bytes(2, "big") + b"\x01" + b"\xd0\x00"
    stream += publish(LIVE, b"after", 7, flags=2)
    broker.say(stream[:cut])
    broker.say(stream[cut:])
    assert told == [mid]
    assert broker.payloads == [b"after"]


@pytest.fixture
def pieces(broker: Broker, monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """What the client gives to the system, call by call."""
    given, send = [], broker.client._sock_send

    def sent(piece: bytes) -> int:
        given.append(bytes(piece))
        return send(piece)

    monkeypatch.setattr(broker.client, "_sock_send", sent)
    return given


def test_acknowledgements_are_sent_in_one_piece_and_never_unasked(broker: Broker, pieces: list[bytes]) -> None:
    broker.say(b"".join(publish(LIVE, b"x", mid, flags=2) for mid in (7, 65535, 8)))
    assert broker.is_silent()
    broker.client.acknowledge(5, [7, 65535])
    assert broker.hear(8) == b"\x40\x02\x00\x07\x40\x02\xff\xff"
    assert len(pieces) == 1
    broker.client.acknowledge(5, [])
    assert broker.is_silent()


def test_what_is_dealt_with_at_once_is_acknowledged_with_all_that_came_with_it(
    broker: Broker, pieces: list[bytes]
) -> None:
    broker.not_ours = {b"not ours"}
    stream = [publish(LIVE, payload, mid, 2) for mid, payload in enumerate([b"not ours", b"ours", b"not ours"], 7)]
    broker.say(b"".join(stream) + publish(LIVE, b"not ours", flags=0))
    assert broker.hear(8) == b"\x40\x02\x00\x07\x40\x02\x00\x09"
    assert len(pieces) == 1
    assert broker.is_silent()


def test_messages_of_another_connection_are_not_acknowledged(broker: Broker) -> None:
    broker.say(publish(LIVE, b"x", 7, flags=2))
    broker.reconnect()
    assert broker.client.connection == 6
    broker.client.acknowledge(5, [7])
    assert broker.is_silent()
    broker.say(publish(LIVE, b"x", 7, flags=0b1010))
    assert [(one.connection, one.dup) for one in broker.messages] == [(5, False), (6, True)]
    broker.client.acknowledge(6, [7])
    assert broker.hear(4) == b"\x40\x02\x00\x07"


@pytest.mark.parametrize("when", ["on_pre_connect", "on_socket_open"])
def test_nothing_is_said_before_the_broker_answered(broker: Broker, when: str) -> None:
    """Whoever speaks while it is being connected: CONNECT comes first, and after it nothing but what comes later."""

    def speak(*_: object) -> None:
        for connection in (5, 6):
            broker.client.acknowledge(connection, [7])
        broker.client.publish_all([("a", b"1")])
        broker.client.ping("a")

    setattr(broker.client, when, speak)
    broker._peer.close()
    broker.client.reconnect()
    broker.accept()
    speak()
    broker.say(CONNECTED)
    assert broker.is_silent()
    broker.client.ping("a")
    assert broker.hear(5) == publish(b"a", b"")


def test_a_connection_that_was_refused_says_nothing(broker: Broker) -> None:
    broker._peer.close()
    broker.client.reconnect()
    broker.accept()
    broker.say(b"\x20\x02\x00\x05")
    broker.client.acknowledge(6, [7])
    broker.client.publish_all([("a", b"1")])
    assert broker._peer.recv(1) == b""


@pytest.mark.parametrize("size", [0, 100, 110, 127, 16_400])
def test_what_is_published_together_is_sent_in_one_piece(broker: Broker, pieces: list[bytes], size: int) -> None:
    broker.client.publish_all([("rpm/v1/g-1/down/ack", b"y" * size), ("rpm/v1/g-2/down/ack", b"z")])
    sent = [publish(b"rpm/v1/g-1/down/ack", b"y" * size, 1, flags=2), publish(b"rpm/v1/g-2/down/ack", b"z", 2, flags=2)]
    assert broker.hear(sum(map(len, sent))) == b"".join(sent)
    assert len(pieces) == 1


def test_what_the_system_takes_in_parts_arrives_whole(broker: Broker, monkeypatch: pytest.MonkeyPatch) -> None:
    send, has_room = broker.client._sock_send, itertools.cycle([True, False])

    def sent_in_part(piece: bytes) -> int:
        if not next(has_room):
            raise BlockingIOError
        return send(piece[:1000])

    monkeypatch.setattr(broker.client, "_sock_send", sent_in_part)
    broker.client.publish_all([("a", b"%d" % number * 9) for number in range(500)])
    assert broker.client.want_write(), "there is more than the system took"
    broker.client.acknowledge(5, [7])
    sent = [publish(b"a", b"%d" % number * 9, number + 1, flags=2) for number in range(500)] + [b"\x40\x02\x00\x07"]
    assert broker.hear(sum(map(len, sent))) == b"".join(sent)


def test_what_a_lost_connection_swallowed_is_not_said_again(broker: Broker) -> None:
    """It would be old by then, and its hub's time wrong: whoever waits for it asks again."""
    broker.client.publish_all([("a", b"1")])
    broker.hear(len(publish(b"a", b"1", 1, flags=2)))
    broker.reconnect()
    assert broker.is_silent()
    broker.leave()
    broker.client.loop_read()
    broker.client.publish_all([("a", b"2")])
    broker.reconnect()
    assert broker.is_silent()


def test_what_paho_publishes_is_confirmed_to_paho(broker: Broker) -> None:
    told = broker.client.publish("a", b"1", qos=1)
    broker.hear(len(publish(b"a", b"1", 1, flags=2)))
    broker.say(b"\x40\x02\x00\x01")
    assert told.is_published()
