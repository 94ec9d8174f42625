"""How much the writer takes at once: little while little waits, so that nobody waits long for a commit."""

import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from hub.adapters.handoff import Receipt
from hub.adapters.ingest_loop import GROUP, LONG_QUEUE, SMALL, IngestLoop
from tests.unit.ingest.home import Home, homes


class Queue:
    """An inbox in which so many messages wait before each time that somebody takes, and that then is empty."""

    connected = True

    def __init__(self, waiting: Sequence[int], stop: threading.Event) -> None:
        self._waiting, self._stop = list(waiting), stop
        self.limits: list[int] = []

    @property
    def waiting(self) -> int:
        return self._waiting[0] if self._waiting else 0

    def take(self, limit: int, max_bytes: int, timeout: float) -> list[Any]:
        self.limits.append(limit)
        self._waiting.pop(0)
        if not self._waiting:
            self._stop.set()
        return []

    def alive(self) -> bool:
        return True

    def start(self) -> None: ...
    def stop(self) -> None: ...
    def restart(self) -> None: ...
    def acknowledge(self, receipts: Sequence[Receipt]) -> None: ...
    def answer(self, messages: Sequence[tuple[str, bytes]]) -> None: ...


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    yield from homes(tmp_path)


def test_a_long_queue_is_written_in_large_groups_and_a_short_one_in_small_ones(home: Home) -> None:
    stop = threading.Event()
    queue = Queue([0, LONG_QUEUE - 1, LONG_QUEUE, 9_999, 5], stop)
    IngestLoop(home.hub, queue, "test").run(stop)
    assert queue.limits == [SMALL, SMALL, GROUP, GROUP, SMALL]
