"""The writer: takes what the inbox received, commits it, and only then answers."""

import gc
import logging
import threading
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from itertools import accumulate
from typing import Protocol

import msgspec

from hub.adapters.database_file.reserve import Reserve
from hub.adapters.handoff import Receipt
from hub.adapters.sql.engine import Unavailable
from hub.errors import Transient
from hub.services.hub import Hub
from hub.services.ingest.commit import Answers
from hub.services.ingest.messages import Message
from hub.services.ingest.poison import HubFault, SafeProcessor
from hub.services.ingest.rehearsal import rehearsal
from hub.services.ingest.shard import WHOLE, Shard
from hub.services.ingest.wire import Ack

log = logging.getLogger(__name__)

GROUP, GROUP_BYTES = 500, 384 * 1024
"""A commit's messages at most, and their size. It does not wait for more than there is."""

SMALL, LONG_QUEUE = 100, 1_000
"""A commit's messages while fewer than so many wait: what pages at once waits for the commit that it comes upon."""

HEARTBEAT_EVERY = timedelta(seconds=5)
RETRY_S = 0.5
LEAVES_WITHIN_S = 1.0
YIELD_S = 0.002
"""For so long the worker and the pages get the database after each full group's number of messages: whoever
acknowledges an alert must not wait for a backlog. Answering such a group takes about as long."""

HOLD_S = 5.0
"""Between two looks at whether a hub that failed on everything works again."""

HELD, HELD_BYTES = 2_000, 64 * 1024 * 1024
"""Messages that are held meanwhile. More are left to the broker, which has them until they are acknowledged."""

SOON_S, AT_ONCE = 0.02, 2
"""What another program changed meanwhile is done again at once, so often, and then with a pause."""

LASTS_S = 60.0
"""What may pass and has not for so long holds up whatever comes, and the heartbeat says so."""

COLLECT_AFTER = 50_000
"""Objects made before the collector looks for circles: about those of a full group. It looked every 700, and a tenth of
the time went into finding none."""

TIDY_AFTER = 5_000
"""As many, where nothing waits: that takes a millisecond. All of them take six to ten, perhaps of an alert's time."""

OLDER_AFTER = 10
"""Looks of which one is at what those before have left, too."""

Taken = list[tuple[Message, Receipt]]


class Inbox(Protocol):
    """What came from the broker, and the way back: in this process (``MqttInbox``) or in another one's."""

    @property
    def waiting(self) -> int: ...
    @property
    def connected(self) -> bool: ...
    @property
    def ailing(self) -> Mapping[str, str]: ...
    def start(self) -> None: ...
    def stop(self) -> None: ...
    def restart(self) -> None: ...
    def alive(self) -> bool: ...
    def take(self, limit: int, max_bytes: int, timeout: float) -> Taken: ...
    def acknowledge(self, receipts: Sequence[Receipt]) -> None: ...
    def answer(self, messages: Sequence[tuple[str, bytes]]) -> None: ...


class IngestLoop:
    """Runs until told to stop. Dies only of what it cannot mend, and then its messages were not acknowledged."""

    def __init__(
        self, hub: Hub, inbox: Inbox, instance: str, reserve: Reserve | None = None, shard: Shard = WHOLE
    ) -> None:
        """``reserve``: space that is not for readings; while a full disk has it, none is taken.

        ``shard``: which part of the gateways the inbox hands over.
        """
        self._hub = hub
        self._inbox = inbox
        self._instance = instance
        self._reserve = reserve or Reserve(None, 0)
        self._shard = shard
        self._full = False
        self._processor = SafeProcessor(hub)
        self._encoder = msgspec.json.Encoder()
        self._beaten_at: datetime | None = None
        self._written_at = 0.0
        self._holding = False
        self._hindered_since: float | None = None
        """On the monotonic clock; since when what may pass has not."""
        self._left_to_the_broker = False

    def run(self, stop: threading.Event) -> None:
        """Receive, commit, answer, until ``stop`` is set."""
        rehearsal(self._hub)
        gc.freeze()
        gc.set_threshold(COLLECT_AFTER)
        leaving = threading.Thread(target=self._leave, args=[stop], daemon=True)
        leaving.start()
        self._inbox.start()
        written = 0
        try:
            while not stop.is_set():
                limit = GROUP if self._inbox.waiting >= LONG_QUEUE else SMALL
                taken = self._inbox.take(limit, GROUP_BYTES, timeout=0.25)
                if taken:
                    self._commit(taken, stop)
                    self._tidy()
                written = written + len(taken) if self._inbox.waiting else 0
                if written >= GROUP:
                    stop.wait(max(0.0, self._written_at + YIELD_S - self._hub.clock.monotonic()))
                    written = 0
                self._watch()
            leaving.join(LEAVES_WITHIN_S)
        finally:
            self._inbox.stop()

    def _tidy(self) -> None:
        made, looks, _ = gc.get_count()
        if made >= TIDY_AFTER and not self._inbox.waiting:
            gc.collect(1 if looks >= OLDER_AFTER else 0)

    def _leave(self, stop: threading.Event) -> None:
        """A thread of its own, since the writer may stand in the database for longer than it is given to stop."""
        stop.wait()
        try:
            self._processor.leave()
        except Transient as error:
            log.warning("attempts stay noted", extra={"error": str(error)})

    def _commit(self, taken: Taken, stop: threading.Event) -> None:
        """Until these are dealt with nothing else is acknowledged or taken, but for looks while the hub is broken."""
        held: Taken = []
        proven, again = False, 0
        while taken and not stop.is_set():
            if not self._has_room(stop):
                continue
            outcome = self._processor.process([message for message, _ in taken], proven=proven)
            self._written_at = self._hub.clock.monotonic()
            left = {id(message) for message in outcome.left}
            self._acknowledge([one for one in taken if id(one[0]) not in left], outcome.answers)
            taken = [one for one in taken if id(one[0]) in left]
            proven = outcome.proven or (proven and bool(taken))
            again = again + 1 if taken else 0
            if isinstance(outcome.why, HubFault):
                taken, held = self._look_again(outcome.why, taken, held, stop)
            elif outcome.why is not None:
                self._wait(outcome.why, again, stop)
            else:
                self._holding, self._hindered_since = False, None
            if not taken and held:
                taken, held = self._release(held)
        self._take_from_the_broker(stop)

    def _look_again(self, fault: HubFault, taken: Taken, held: Taken, stop: threading.Event) -> tuple[Taken, Taken]:
        """What to try after a while, and what to hold: one of those held, in turn, and what comes meanwhile.

        One good message among what comes shows that it was not the hub, however many bad ones are held.
        """
        log.warning("holding what comes", extra={"error": str(fault), "held": len(taken) + len(held)})
        self._holding = True
        self._watch()
        stop.wait(HOLD_S)
        held = held + taken
        room = _as_many_as(held, HELD, HELD_BYTES)
        self._left_to_the_broker = self._left_to_the_broker or room < len(held)
        return held[:1] + self._inbox.take(SMALL, GROUP_BYTES, timeout=0), held[1:room]

    def _release(self, held: Taken) -> tuple[Taken, Taken]:
        """Some of what is held, with what comes meanwhile: that waits no longer, and shows anew that the hub works."""
        self._watch()
        return held[:SMALL] + self._inbox.take(SMALL, GROUP_BYTES, timeout=0), held[SMALL:]

    def _take_from_the_broker(self, stop: threading.Event) -> None:
        if self._left_to_the_broker and not stop.is_set():
            self._inbox.restart()  # it hands over again what it has
            self._left_to_the_broker = False

    def _wait(self, why: Transient, again: int, stop: threading.Event) -> None:
        now = self._hub.clock.monotonic()
        self._hindered_since = now if self._hindered_since is None else self._hindered_since
        self._holding = self._holding or now - self._hindered_since >= LASTS_S
        if isinstance(why, Unavailable):
            log.warning("the database cannot take this now", extra={"error": str(why)})
            self._watch()
            stop.wait(RETRY_S)
        else:
            log.info("group is done again", extra={"error": str(why)})
            if again > AT_ONCE:
                self._watch()
                stop.wait(SOON_S)

    def _has_room(self, stop: threading.Event) -> bool:
        if not self._reserve.held:
            self._watch()
            if not self._reserve.held:
                stop.wait(RETRY_S)
                return False
        return True

    def _acknowledge(self, done: Taken, answers: Answers) -> None:
        if done:
            self._inbox.acknowledge([receipt for _, receipt in done])
            self._answer(answers)

    def _answer(self, answers: Answers) -> None:
        hub_time = self._hub.clock.now().isoformat(timespec="milliseconds").replace("+00:00", "Z")
        self._inbox.answer(
            [
                (f"rpm/v1/{gateway_id}/down/ack", self._encoder.encode(Ack(1, hub_time, acks)))
                for gateway_id, acks in answers.items()
            ]
        )

    def _watch(self) -> None:
        if not self._inbox.alive():
            self._inbox.restart()
        full = not self._reserve.mend()
        if full is not self._full:
            log.warning("the disk is full: nothing is taken" if full else "there is room again")
            self._full = full
        now = self._hub.clock.now()
        if self._beaten_at is not None and timedelta(0) <= now - self._beaten_at < HEARTBEAT_EVERY:
            return
        self._beaten_at = now
        detail = {
            "queue": self._inbox.waiting,
            "connected": self._inbox.connected,
            "ailing": self._inbox.ailing,
            "holding": self._holding,
            "full": full,
            "shard": str(self._shard),
        }
        try:
            with self._hub.unit_of_work() as uow:
                uow.operations.beat("ingest", self._instance, now, detail)
                uow.commit()
        except Transient as error:
            log.warning("no heartbeat written", extra={"error": str(error)})
        else:  # or the same lock would be waited for twice
            self._processor.latencies.write(self._hub)


def _as_many_as(taken: Taken, messages: int, size: int) -> int:
    """How many of the first of these are no more than so many messages, and so many bytes."""
    sizes = accumulate(len(message.payload) + len(message.packed) for message, _ in taken[:messages])
    return sum(whole <= size for whole in sizes)
