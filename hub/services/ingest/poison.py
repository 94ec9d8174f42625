"""A message that the hub itself fails on is found, tried alone and put aside whole: it may not stop the others."""

import hashlib
import logging
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from hub.domain.severity import Severity
from hub.errors import Transient
from hub.services.alerting import technical
from hub.services.hub import Hub
from hub.services.ingest.commit import Answers, process
from hub.services.ingest.decode import BadMessage
from hub.services.ingest.latency import Latencies
from hub.services.ingest.messages import Message
from hub.services.ingest.registry import Registry
from hub.services.ingest.wire import BatchAck, ErrorAck, Result
from hub.services.ports.measuring import KeyTaken

log = logging.getLogger(__name__)

TRIES = 2
"""Failures of the hub on one message before it is put aside."""

LIVES = 3
"""Ends of ingest's process in attempts at one message, before it is put aside. Whoever kills the process is seldom met
by the same message so often; one that kills it itself always is.
"""

POISON_IN_A_ROW = 3
"""More bad messages than this, and none good between them, are not poison: it is the hub that is broken."""

LOOKS = 20
"""Groups of which one asks whether its readings came before, after one had such a reading."""

_ALL_THE_WAY = "stored"
"""What is answered of a reading that was written and judged. One that is held, a status, or rubbish shows nothing of
the part that fails on readings."""


class HubFault(Transient):
    """The hub fails on whatever comes. Nothing more is put aside or acknowledged: the readings wait where they are."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a group: the answers, and in their order the messages to be tried again, with the reason.

    ``proven``: one of them went all the way, so the hub works.
    """

    answers: Answers
    left: Sequence[Message] = ()
    why: Transient | None = None
    proven: bool = False


@dataclass(slots=True)
class Trial:
    """A group that is done part by part."""

    messages: Sequence[Message]
    believed: bool
    """That the hub works, before any of these showed it."""
    proven: bool = False
    answers: Answers = field(default_factory=dict)
    failed: list[Message] = field(default_factory=list)
    dealt: set[int] = field(default_factory=set)
    """The messages that are done with, by identity."""

    @property
    def works(self) -> bool:
        """Whether the hub does, as far as is known."""
        return self.believed or self.proven

    def told(self, messages: Sequence[Message], answers: Answers) -> None:
        """These are done with."""
        self.dealt |= {id(message) for message in messages}
        self.proven = self.proven or shows_that_the_hub_works(answers)
        for gateway_id, acks in answers.items():
            self.answers.setdefault(gateway_id, []).extend(acks)

    def outcome(self, why: Transient | None = None) -> Outcome:
        """As far as it came."""
        left = [message for message in self.messages if id(message) not in self.dealt]
        return Outcome(self.answers, left, why, self.proven)


class SafeProcessor:
    """``process`` for groups in which a message may be poison."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._registry = Registry()
        self.latencies = Latencies()
        """Of alerts; whoever keeps this one writes them now and then."""
        self._in_a_row = 0
        self._looking = 0
        """In so many groups keys are looked for beforehand."""
        self._begun: dict[bytes, int] = {}
        """Attempts noted in this process's life, and how many earlier lives ended in one; none of ours counts twice."""
        self._leaving = threading.Event()
        self._shown: set[type[Exception]] = set()
        """Faults that the log shows whole already, of this group: a broken hub has one for every message."""

    def process(self, messages: Sequence[Message], *, proven: bool = False) -> Outcome:
        """As ``commit.process``; what fails is found and tried alone. What may pass is not raised: it is the reason.

        Only redelivered messages have their attempts noted: one that ends the process comes again with that mark.
        ``proven``: another message has just shown that the hub works; the outcome's own is of these messages alone.
        """
        self._shown.clear()
        trial = Trial(messages, proven)
        suspects = [message for message in messages if message.redelivered]
        try:
            if suspects and self._ended_a_life(suspects):
                return self._parts(trial, [[message] for message in messages])
            self._begin(suspects)
            answers = self._together(messages, all_new=not suspects and not self._looking)
        except Transient as error:
            return trial.outcome(error)
        except Exception as error:  # noqa: BLE001 - one of them is poison, or the hub is broken: find out
            self._show(error)
            return self._parts(trial, _halves(messages))
        trial.told(messages, answers)
        self._works(trial)
        try:
            self._finish(messages)
        except Transient as error:  # they stay noted until this process ends, and do not come again
            return trial.outcome(error)
        return trial.outcome()

    def leave(self) -> None:
        """Whoever ends this process now does so for no message's sake: what is attempted meanwhile does not count.

        May be called while another thread is in ``process``, which may wait for the database longer than a process is
        given to stop.
        """
        self._leaving.set()
        if self._begun:
            with self._hub.unit_of_work() as uow:
                uow.quarantine.finished(list(self._begun))
                uow.commit()

    def _together(self, messages: Sequence[Message], *, all_new: bool) -> Answers:
        """One reading that came before is seldom the only one: keys are looked for in some groups from then on."""
        if all_new:
            try:
                return self._done(messages, self._registry, all_new=True)
            except KeyTaken:
                self._looking = LOOKS
        self._looking = max(self._looking - 1, 0)
        return self._done(messages, self._registry)

    def _done(self, messages: Sequence[Message], registry: Registry | None = None, *, all_new: bool = False) -> Answers:
        return process(self._hub, messages, registry, latencies=self.latencies, all_new=all_new)

    def _parts(self, trial: Trial, parts: Sequence[Sequence[Message]]) -> Outcome:
        """Part by part. One that fails is halved until what fails stands alone: that is some twenty tries of a full
        group, and not one for each message in it.
        """
        waiting = [*reversed(parts)]
        try:
            while waiting:
                part = waiting.pop()
                told = self._try(part[0]) if len(part) == 1 else self._try_part(part)
                if told is not None:
                    trial.told(part, told)
                elif len(part) == 1:
                    trial.failed += part
                else:
                    waiting += reversed(_halves(part))  # the earlier one is next: they stay in the order they came in
            return self._settled(trial)
        except Transient as error:
            self._works(trial)
            return trial.outcome(error)

    def _settled(self, trial: Trial) -> Outcome:
        """What failed is put aside, once another message has shown that the hub itself works."""
        self._works(trial)
        if not trial.works and self._in_a_row + len(trial.failed) > POISON_IN_A_ROW:
            # These attempts speak of the hub, not of the messages: a mended hub must try each of them anew.
            self._finish(trial.failed)
            self._in_a_row = POISON_IN_A_ROW  # until one goes all the way, nothing more is put aside
            return trial.outcome(HubFault("the hub fails on every reading: it holds what comes until it is mended"))
        for message in trial.failed:
            trial.told([message], self._put_aside(message))
            self._in_a_row += not trial.works
        return trial.outcome()

    def _works(self, trial: Trial) -> None:
        if trial.works:
            self._in_a_row = 0

    def _try_part(self, messages: Sequence[Message]) -> Answers | None:
        """The answers, or None if the hub fails on one of them. Nothing remembered is used, for it may be at fault."""
        try:
            answers = self._done(messages)
        except Transient:
            raise
        except Exception as error:  # noqa: BLE001 - it is looked for in the halves
            self._show(error)
            return None
        self._finish(messages)
        return answers

    def _try(self, message: Message) -> Answers | None:
        """The answers, or None if the hub fails on it."""
        self._begin([message])
        if self._begun.get(_digest(message), 0) >= LIVES:
            return None
        for _ in range(TRIES):
            try:
                answers = self._done([message])
            except Transient:
                raise
            except Exception as error:  # noqa: BLE001 - it is put aside with an alarm, or all is held
                self._show(error)
            else:
                self._finish([message])
                return answers
        return None

    def _show(self, error: Exception) -> None:
        if type(error) not in self._shown:
            self._shown.add(type(error))
            log.error("the hub fails on a message", exc_info=error)

    def _ended_a_life(self, suspects: Sequence[Message]) -> bool:
        """Whether an earlier life of this process ended while one of these was attempted."""
        digests = [_digest(message) for message in suspects]
        unknown = [digest for digest in digests if digest not in self._begun]
        if not unknown:
            return any(self._begun[digest] for digest in digests)
        with self._hub.unit_of_work() as uow:
            return any(uow.quarantine.started(unknown).values())

    def _begin(self, messages: Sequence[Message]) -> None:
        """Note that these are attempted, before they are."""
        new = {digest: message for message in messages if (digest := _digest(message)) not in self._begun}
        if new and not self._leaving.is_set():
            with self._hub.unit_of_work() as uow:
                noted = {
                    digest: uow.quarantine.attempts(digest, message.received_at) for digest, message in new.items()
                }
                uow.commit()
            self._begun |= noted
            if self._leaving.is_set():  # it was told so meanwhile
                self.leave()

    def _finish(self, messages: Sequence[Message]) -> None:
        """What was begun of these is done."""
        if not self._begun:
            return
        begun = {digest for message in messages if (digest := _digest(message)) in self._begun}
        if begun:
            with self._hub.unit_of_work() as uow:
                uow.quarantine.finished(sorted(begun))
                uow.commit()
            self._forget(begun)

    def _forget(self, digests: Iterable[bytes]) -> None:
        """After the commit: what is noted still and not known here would count as an earlier life's."""
        for digest in digests:
            self._begun.pop(digest, None)

    def _put_aside(self, message: Message) -> Answers:
        """Quarantine it whole, tell an operator, and answer so that the sender's spool advances."""
        now = self._hub.clock.now()
        with self._hub.unit_of_work() as uow:
            known = uow.gateways.find(message.gateway_id) is not None
            sentence = "the hub failed on this message again and again"
            uow.quarantine.add(message.gateway_id, message.topic, "unprocessable", sentence, message.payload, now)
            uow.operations.count("rpmhub_readings_rejected_total", "unprocessable")
            alarm = "The hub failed again and again on one message and put it aside: readings in it are not judged"
            subject = f"gateway:{message.gateway_id[:40]}"
            technical(uow, self._hub, subject, "unprocessable", Severity.RED, alarm, now)
            uow.quarantine.finished([_digest(message)])
            uow.commit()
        self._forget([_digest(message)])
        return {message.gateway_id: [_refusal(message)]} if known and message.lane != "status" else {}


def _halves(messages: Sequence[Message]) -> list[Sequence[Message]]:
    """None of them is empty."""
    middle = len(messages) // 2
    return [half for half in (messages[:middle], messages[middle:]) if half]


def shows_that_the_hub_works(answers: Answers) -> bool:
    """Whether a reading of these went all the way: read, placed, written and judged."""
    batches = (ack for acks in answers.values() for ack in acks if isinstance(ack, BatchAck))
    return any(result.status == _ALL_THE_WAY for ack in batches for result in ack.results)


def _refusal(message: Message) -> BatchAck | ErrorAck:
    digest = hashlib.sha256(message.payload).hexdigest()
    try:
        batch = message.batch()
    except BadMessage as bad:
        return ErrorAck(bad.batch, digest, bad.code)
    except Exception:  # it may be reading it that fails
        log.exception("a message that was put aside cannot be read")
        return ErrorAck(None, digest, "undecodable")
    refused = [Result(reading.seq, "rejected", "unprocessable") for reading in batch.readings]
    return BatchAck(batch.batch, batch.spool, refused)


def _digest(message: Message) -> bytes:
    return hashlib.sha256(message.topic.encode() + b"\0" + message.payload).digest()
