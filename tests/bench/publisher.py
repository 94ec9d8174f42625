"""MQTT 3.1.1 on bare sockets: a publisher that is never the bottleneck, and a count of what the hub answers."""

import select
import socket
import threading
from collections.abc import Iterable
from typing import Self

from hub.adapters.clock import SystemClock

CLOCK = SystemClock()
WAIT_S = 60.0
STORED = b'"stored"'
_PUBACK = 4  # bytes

HEARS_EVERY_S = 0.005
"""Thousands of gateways hear their answers on processors of their own. One process for all of them that wakes for each
takes the hub's, again and again."""


def _text(text: bytes) -> bytes:
    return len(text).to_bytes(2, "big") + text


def _packet(head: int, *parts: bytes) -> bytes:
    size = sum(map(len, parts))
    length = bytearray()
    while size > 127:
        length.append(size & 127 | 128)
        size >>= 7
    length.append(size)
    return b"".join((bytes((head,)), length, *parts))


class _Socket:
    def __init__(self, port: int, name: bytes) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.sendall(_packet(0x10, _text(b"MQTT"), b"\x04\x02", (0).to_bytes(2, "big"), _text(name)))
        assert self.socket.recv(4) == b"\x20\x02\x00\x00"
        self._ended = threading.Event()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self.socket.close()


class Publisher(_Socket):
    """QoS 1. ``taken`` counts what the broker said it has."""

    def __init__(self, port: int, name: bytes = b"bench-publisher") -> None:
        super().__init__(port, name)
        self.sent = 0
        self._bytes = 0

    @property
    def taken(self) -> int:
        return self._bytes // _PUBACK

    def packet(self, topic: bytes, payload: bytes) -> bytes:
        """The next message; ids begin anew long after their message was taken."""
        self.sent += 1
        return _packet(0x32, _text(topic), (self.sent % 65535 + 1).to_bytes(2, "big"), payload)

    def send(self, packets: bytes) -> None:
        self.socket.sendall(packets)

    def pump(self, seconds: float) -> None:
        """Hear the broker's answers for so long."""
        until = CLOCK.monotonic() + seconds
        while (left := until - CLOCK.monotonic()) > 0:
            self._ended.wait(min(left, HEARS_EVERY_S))
            if select.select([self.socket], [], [], 0)[0]:
                self._bytes += len(self.socket.recv(1 << 16))

    def fill(self, messages: Iterable[tuple[bytes, bytes]]) -> None:
        """Returns when the broker has taken all of them."""
        for topic, payload in messages:
            self.send(self.packet(topic, payload))
            if self.sent - self.taken > 500:
                self.pump(0.01)
        until = CLOCK.monotonic() + WAIT_S
        while self.taken < self.sent:
            assert CLOCK.monotonic() < until
            self.pump(0.01)


class Answers(_Socket):
    """What gateways are told, counted as it comes in a thread of its own."""

    def __init__(self, port: int) -> None:
        super().__init__(port, b"bench-answers")
        self.socket.sendall(_packet(0x82, b"\x00\x01", _text(b"rpm/v1/+/down/ack"), b"\x00"))
        assert self.socket.recv(5) == b"\x90\x03\x00\x01\x00"
        self.stored = 0
        self.seen: list[tuple[float, int]] = []
        """At which instant how many readings had been answered as stored."""
        self._changed = threading.Condition()
        threading.Thread(target=self._listen, daemon=True).start()

    def wait(self, stored: int, seconds: float = WAIT_S) -> bool:
        """Whether so many were answered in time."""
        with self._changed:
            return self._changed.wait_for(lambda: self.stored >= stored, seconds)

    def at(self, stored: int) -> float:
        """The instant at which so many had been answered."""
        return next(instant for instant, count in self.seen if count >= stored)

    def _listen(self) -> None:
        rest = b""
        while not self._ended.wait(HEARS_EVERY_S):
            try:
                heard = self.socket.recv(1 << 16)
            except OSError:
                return
            if not heard:
                return
            found = (rest + heard).count(STORED)
            rest = (rest + heard)[-len(STORED) + 1 :]
            if found:
                with self._changed:
                    self.stored += found
                    self.seen.append((CLOCK.monotonic(), self.stored))
                    self._changed.notify_all()
