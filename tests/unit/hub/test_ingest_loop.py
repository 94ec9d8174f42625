"""What the writer takes at once, and what it does with what cannot be written now."""

import gc
import threading
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from hub.adapters import ingest_loop
from hub.adapters.handoff import Handoff, Receipt
from hub.adapters.ingest_loop import (
    AT_ONCE,
    GROUP,
    LONG_QUEUE,
    OLDER_AFTER,
    RETRY_S,
    SMALL,
    SOON_S,
    TIDY_AFTER,
    IngestLoop,
)
from hub.adapters.sql.engine import Unavailable
from hub.errors import Transient
from hub.services.ingest import commit, poison
from hub.services.ingest.commit import JudgedMeanwhile
from hub.services.ingest.messages import Message
from tests.unit.ingest.home import OXIMETER, Home, batch, homes, kg, reading, spo2


class Queue:
    """An inbox in which so many messages wait before each time that somebody takes, and that then is empty."""

    connected = True
    ailing: Mapping[str, str] = {}

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


class Broker:
    """An inbox on a broker that has what was not acknowledged, and hands it over again on a new connection."""

    connected = True
    ailing: Mapping[str, str] = {}

    def __init__(self, messages: Sequence[Message], stop: threading.Event, meanwhile: Sequence[Message] = ()) -> None:
        """``meanwhile``: what comes when nothing waits any more, one each time."""
        self._stop = stop
        self.unacknowledged = dict(enumerate(messages))
        self._mid = len(messages)
        self._meanwhile = deque(meanwhile)
        self.restarts = 0
        self._hand_over()

    def _one_more(self) -> None:
        if self._meanwhile:
            mid = self._mid = self._mid + 1
            self.unacknowledged[mid] = self._meanwhile.popleft()
            self._handoff.put(self.unacknowledged[mid], Receipt(self.restarts, mid, 1), lambda: False)

    def _hand_over(self) -> None:
        self._handoff = Handoff()
        for mid, message in self.unacknowledged.items():
            self._handoff.put(message, Receipt(self.restarts, mid, 1), lambda: False)

    @property
    def waiting(self) -> int:
        return len(self._handoff)

    def take(self, limit: int, max_bytes: int, timeout: float) -> list[tuple[Message, Receipt]]:
        if not self.waiting:
            self._one_more()
        return self._handoff.take(limit, max_bytes, 0)

    def acknowledge(self, receipts: Sequence[Receipt]) -> None:
        for receipt in receipts:
            if receipt.epoch == self.restarts:
                del self.unacknowledged[receipt.mid]
        if not self.unacknowledged and not self._meanwhile:
            self._stop.set()

    def restart(self) -> None:
        self.restarts += 1
        self._hand_over()

    def alive(self) -> bool:
        return True

    def start(self) -> None: ...
    def stop(self) -> None: ...
    def answer(self, messages: Sequence[tuple[str, bytes]]) -> None: ...


class Pauses(threading.Event):
    """An event for which nobody waits in vain: how long they would have, in seconds. It may end after so many."""

    def __init__(self, ends_after: int | None = None) -> None:
        super().__init__()
        self.asked: list[float] = []
        self._ends_after = ends_after

    def wait(self, timeout: float | None = None) -> bool:
        if timeout is None:
            return super().wait()
        self.asked.append(timeout)
        if len(self.asked) == self._ends_after:
            self.set()
        return self.is_set()


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    yield from homes(tmp_path)


def test_a_long_queue_is_written_in_large_groups_and_a_short_one_in_small_ones(home: Home) -> None:
    stop = threading.Event()
    queue = Queue([0, LONG_QUEUE - 1, LONG_QUEUE, 9_999, 5], stop)
    IngestLoop(home.hub, queue, "test").run(stop)
    assert queue.limits == [SMALL, SMALL, GROUP, GROUP, SMALL]


def one(home: Home, spool: str, seq: int) -> Message:
    return home.message(batch(home.now, reading(seq, home.now, kg(78)), spool=spool, batch=f"{spool}-{seq}"))


@pytest.mark.parametrize(("held", "again"), [(2_000, 0), (350, 1)])
def test_good_readings_free_a_writer_that_holds_however_many_bad_ones(
    home: Home, monkeypatch: pytest.MonkeyPatch, held: int, again: int
) -> None:
    """A firmware that went out to hundreds of gateways sends what the hub fails on, and then come good readings.

    What is more than a writer may hold stays at the broker, comes again afterwards, and is not forgotten there.
    """
    bad, good = 600, 12
    monkeypatch.setattr(poison, "process", fails_on_bad)
    monkeypatch.setattr(ingest_loop, "HELD", held)
    stop = Pauses()
    broker = Broker(
        [one(home, "bad", seq) for seq in range(bad)], stop, [one(home, "good", seq) for seq in range(good)]
    )
    IngestLoop(home.hub, broker, "test").run(stop)
    assert home.rows("journal", "spool") == ["good"] * good
    assert home.count("quarantine") == bad
    assert broker.restarts == again


def test_a_hub_that_breaks_again_holds_again(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is put aside is what failed beside a reading that was written, and not all that was held by then."""
    monkeypatch.setattr(poison, "process", fails_on_bad)
    stop = Pauses(ends_after=200)
    broker = Broker([one(home, "bad", seq) for seq in range(600)], stop, [one(home, "good", 1)])
    IngestLoop(home.hub, broker, "test").run(stop)
    assert home.count("journal") == 1
    assert home.count("quarantine") <= 3 * SMALL
    assert len(broker.unacknowledged) == 600 - home.count("quarantine")


def test_what_one_showed_holds_while_the_rest_of_its_group_waits(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    locks = iter([Unavailable("database is locked")])

    def process(hub: Any, messages: Sequence[Message], registry: Any = None, **more: Any) -> Any:
        if [message.batch().spool for message in messages] == ["waits"]:
            for lock in locks:
                raise lock
        return fails_on_bad(hub, messages, registry, **more)

    monkeypatch.setattr(poison, "process", process)
    stop = Pauses()
    bad = [one(home, "bad", seq) for seq in range(6)]
    IngestLoop(home.hub, Broker([one(home, "good", 1), *bad, one(home, "waits", 1)], stop), "test").run(stop)
    assert stop.asked == [RETRY_S]
    assert (home.count("journal"), home.count("quarantine")) == (2, 6)


def fails_on_bad(hub: Any, messages: Sequence[Message], registry: Any = None, **more: Any) -> Any:
    if any(b'"bad"' in message.payload for message in messages):
        raise ZeroDivisionError("a fault of ours")
    return commit.process(hub, messages, registry, **more)


def test_what_another_changed_meanwhile_is_done_again_at_once_and_then_with_a_pause(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    tries = 20
    faults = iter([JudgedMeanwhile("by another")] * tries)

    def process(*of: Any, **more: Any) -> Any:
        for fault in faults:
            raise fault
        return commit.process(*of, **more)

    monkeypatch.setattr(poison, "process", process)
    stop = Pauses()
    IngestLoop(home.hub, Broker([one(home, "good", 1)], stop), "test").run(stop)
    assert stop.asked == [SOON_S] * (tries - AT_ONCE)
    assert home.count("journal") == 1


@pytest.mark.parametrize("why", [JudgedMeanwhile("by another"), Unavailable("database is locked")])
def test_what_may_pass_and_does_not_is_said_in_the_heartbeat(
    home: Home, monkeypatch: pytest.MonkeyPatch, why: Transient
) -> None:
    held: list[bool] = []

    def process(*of: Any, **more: Any) -> Any:
        with home.hub.unit_of_work() as uow:
            held.extend(bool(beat.detail["holding"]) for beat in uow.operations.heartbeats())
        home.clinic.clock.forward(timedelta(seconds=10))
        if len(held) < 10:
            raise why
        return commit.process(*of, **more)

    monkeypatch.setattr(poison, "process", process)
    stop = Pauses()
    loop = IngestLoop(home.hub, Broker([one(home, "good", 1)], stop, [one(home, "after", 1)]), "test")
    loop._watch()
    loop.run(stop)
    assert held == [False] * 7 + [True] * 3 + [False]
    assert home.rows("journal", "spool") == ["good", "after"]


def test_a_writer_that_is_told_to_stop_takes_back_what_it_noted_of_an_attempt(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    def locked(*_: Any, **__: Any) -> Any:
        assert home.count("ingest_attempt") == 1
        stop.set()
        raise Unavailable("database is locked")

    monkeypatch.setattr(poison, "process", locked)
    stop = Pauses()
    message = msgspec.structs.replace(one(home, "good", 1), redelivered=True)
    IngestLoop(home.hub, Broker([message], stop), "test").run(stop)
    assert home.count("ingest_attempt") == 0


def test_how_long_an_alert_took_is_written_once_its_reading_was_answered(home: Home) -> None:
    """An answer that waited for it would wait for the write lock a second time."""

    class Answered(Broker):
        def answer(self, messages: Sequence[tuple[str, bytes]]) -> None:
            answered.append(home.count("histogram"))

    answered: list[int] = []
    stop = Pauses()
    low = batch(home.now, reading(1, home.now, spo2(80), OXIMETER))
    IngestLoop(home.hub, Answered([home.message(low)], stop), "test").run(stop)
    assert answered == [0]
    assert home.rows("histogram", "name", "count") == [("rpmhub_alert_latency_seconds", 1)]


@pytest.mark.parametrize("waiting", [1, 0])
def test_the_collector_has_its_turn_where_nothing_waits(home: Home, waiting: int) -> None:
    class Littering(Broker):
        def answer(self, messages: Sequence[tuple[str, bytes]]) -> None:
            litter.extend([] for _ in range(TIDY_AFTER))

        @property
        def waiting(self) -> int:
            return waiting or super().waiting

    litter: list[list[Any]] = []
    stop = Pauses()
    IngestLoop(home.hub, Littering([one(home, "good", 1)], stop), "test").run(stop)
    assert (gc.get_count()[0] >= TIDY_AFTER) is bool(waiting)


def test_now_and_then_it_looks_at_what_it_had_left(home: Home) -> None:
    class Littering(Broker):
        def answer(self, messages: Sequence[tuple[str, bytes]]) -> None:
            litter.append([[] for _ in range(TIDY_AFTER)])
            older.append(gc.get_count()[1])

    litter: list[Any] = []
    older: list[int] = []
    stop = Pauses()
    after = [one(home, "after", seq) for seq in range(2 * OLDER_AFTER)]
    IngestLoop(home.hub, Littering([one(home, "good", 1)], stop, after), "test").run(stop)
    assert max(older) <= OLDER_AFTER + 1  # Python's own may have been the last before
    assert older.count(0) >= 1


def test_readings_are_taken_though_no_alarm_can_be_raised(home: Home, caplog: pytest.LogCaptureFixture) -> None:
    home.clinic.trigger("refused", "BEFORE INSERT ON alert", "INSERT INTO stamp (name, value) VALUES (NULL, NULL);")
    stop = Pauses()
    IngestLoop(home.hub, Broker([one(home, "good", 1)], stop), "test").run(stop)
    assert home.rows("journal", "spool") == ["good"]
    said = [line.message for line in caplog.records if line.levelname == "ERROR"]
    assert said == ["an alarm cannot be raised", "no alarm could be raised"]
