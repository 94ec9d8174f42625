"""The queue between the broker's connections and the writer: bounded, and what is urgent first."""

import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import NamedTuple

from hub.services.ingest.messages import LANES, Message

HELD_BYTES = 32 * 1024 * 1024
HELD_MESSAGES = 5_000
"""More than the broker is told to hand over unacknowledged; mosquitto 2.0.11 hands over all once some are. While it is
full the connection's thread stands still."""

READINGS = 500
"""Of a group: so many rows are written in a moment, and where one of them is refused all are done again."""

STORED = "backfill"
"""The lane of readings that waited at a gateway. There may be any number of them, so they have a room of their own."""

SHARE = 10
"""Stored readings have one in so many of a full group, though more fresh ones wait: or they would never be written
where more comes than can be, and their gateways would send them again and again."""

_URGENT = "urgent"
_SERVED = (_URGENT, *LANES)
_FRESH = tuple(lane for lane in _SERVED if lane != STORED)


class Receipt(NamedTuple):
    """What acknowledges a message. Ids of an earlier connection (``epoch``) are used anew, so void."""

    epoch: int
    mid: int
    qos: int


class _Most(NamedTuple):
    """What a group may hold. One message it may hold in any case."""

    messages: int
    readings: int
    size: int

    def less(self, share: "_Most") -> "_Most":
        """What is left for others, if some have their share."""
        return _Most(*(whole - part for whole, part in zip(self, share, strict=True)))

    def at_least(self, share: "_Most") -> "_Most":
        """No less than the share, in readings and bytes."""
        return _Most(self.messages, max(self.readings, share.readings), max(self.size, share.size))


class Handoff:
    """A queue with lanes: what pages at once overtakes all else, and fresh readings overtake stored ones.

    When the room of a message is full, ``put`` waits: paho stops reading, and the broker keeps what comes. Stored
    readings have one room and all others another, each of ``max_messages`` and ``max_bytes``.
    """

    def __init__(self, max_messages: int = HELD_MESSAGES, max_bytes: int = HELD_BYTES) -> None:
        self._lanes: dict[str, deque[tuple[Message, Receipt]]] = {lane: deque() for lane in _SERVED}
        self._changed = threading.Condition()
        self._max_messages = max_messages
        self._max_bytes = max_bytes
        self._messages = {False: 0, True: 0}
        self._bytes = {False: 0, True: 0}
        """Held of fresh readings, and of stored ones."""
        self._alone = False
        self._standing: list[int] = []
        """The connections of what waits for room."""

    def __len__(self) -> int:
        return sum(map(len, self._lanes.values()))

    def put(self, message: Message, receipt: Receipt, stale: Callable[[], bool]) -> None:
        """Hand over; waits while its room is full. Once ``stale`` the message is dropped un-acknowledged."""
        stored = message.lane == STORED
        with self._changed:
            if self.full(stored=stored):
                self._standing.append(receipt.epoch)
                self._changed.wait_for(lambda: stale() or not self.full(stored=stored))
                self._standing.remove(receipt.epoch)
            if stale():
                return
            self._lanes[_URGENT if message.urgent else message.lane].append((message, receipt))
            self._count(message, 1)
            self._changed.notify_all()

    def take(self, limit: int, max_bytes: int, timeout: float) -> list[tuple[Message, Receipt]]:
        """What is there, by lane: up to ``limit`` messages and ``READINGS``, and no more once they hold ``max_bytes``.

        What pages at once comes alone: it does not wait for hundreds of others to be written with it. But never twice
        in a row, for whoever sent nothing else would stop everybody. Stored readings have their ``SHARE``.

        Waits ``timeout`` seconds for a first one.
        """
        with self._changed:
            self._changed.wait_for(lambda: len(self), timeout)
            most = _Most(limit, READINGS, max_bytes)
            return self._hurried(most) or self._mixed(most)

    def urgent(self, limit: int, max_bytes: int) -> list[tuple[Message, Receipt]]:
        """``take`` of what pages at once and of nothing else; nothing, if the last one was such."""
        with self._changed:
            return self._hurried(_Most(limit, READINGS, max_bytes))

    def drop(self, epochs: range) -> None:
        """Drop what came on these connections, and have a waiting ``put`` look again whether it is stale."""
        with self._changed:
            for lane, waiting in self._lanes.items():
                for message, receipt in waiting:
                    if receipt.epoch in epochs:
                        self._count(message, -1)
                self._lanes[lane] = deque(one for one in waiting if one[1].epoch not in epochs)
            self._changed.notify_all()

    def hold(self, max_bytes: int) -> None:
        """From now on so much in each room. What is held already stays."""
        with self._changed:
            self._max_bytes = max_bytes
            self._changed.notify_all()

    def stands(self, epochs: range) -> bool:
        """Whether what came on one of these connections waits for room, and its thread with it."""
        with self._changed:
            return any(epoch in epochs for epoch in self._standing)

    def full(self, *, stored: bool) -> bool:
        """Whether a ``put`` would wait."""
        return self._messages[stored] >= self._max_messages or self._bytes[stored] >= self._max_bytes

    def _hurried(self, most: _Most) -> list[tuple[Message, Receipt]]:
        self._alone = bool(self._lanes[_URGENT]) and not self._alone
        return self._taken((_URGENT,), most) if self._alone else []

    def _mixed(self, most: _Most) -> list[tuple[Message, Receipt]]:
        messages = min(most.messages // SHARE, len(self._lanes[STORED]))
        if not messages:
            return self._taken(_SERVED, most)
        share = _Most(messages, most.readings // SHARE, most.size // SHARE)
        fresh = self._taken(_FRESH, most.less(share))
        return fresh + self._taken((STORED,), most.less(_held(fresh)).at_least(share))

    def _taken(self, lanes: Sequence[str], most: _Most) -> list[tuple[Message, Receipt]]:
        taken: list[tuple[Message, Receipt]] = []
        readings = size = 0
        for lane in lanes:
            waiting = self._lanes[lane]
            while waiting and len(taken) < most.messages and size < most.size:
                readings += waiting[0][0].readings
                if taken and readings > most.readings:
                    break
                taken.append(waiting.popleft())
                size += len(taken[-1][0].payload)
                self._count(taken[-1][0], -1)
        self._changed.notify_all()
        return taken

    def _count(self, message: Message, change: int) -> None:
        stored = message.lane == STORED
        self._messages[stored] += change
        self._bytes[stored] += change * len(message.payload)


def _held(taken: Sequence[tuple[Message, Receipt]]) -> _Most:
    messages = [message for message, _ in taken]
    return _Most(len(taken), sum(one.readings for one in messages), sum(len(one.payload) for one in messages))
