"""A message that the hub itself fails on is found, tried alone and put aside whole: it may not stop the others."""

import hashlib
import logging
from collections.abc import Sequence

from hub.domain.severity import Severity
from hub.errors import Transient
from hub.services.alerting import technical
from hub.services.hub import Hub
from hub.services.ingest.commit import Answers, process
from hub.services.ingest.decode import BadMessage
from hub.services.ingest.messages import Message
from hub.services.ingest.registry import Registry
from hub.services.ingest.wire import BatchAck, ErrorAck, Result
from hub.services.ports.measuring import KeyTaken
from hub.services.ports.storage import UnitOfWork

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


class HubFault(Transient):
    """The hub fails on whatever comes. Nothing more is put aside or acknowledged: the readings wait where they are."""


class SafeProcessor:
    """``process`` for groups in which a message may be poison."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._registry = Registry()
        self._in_a_row = 0
        self._looking = 0
        """In so many groups keys are looked for beforehand."""
        self._begun: dict[bytes, int] = {}
        """Attempts noted in this process's life, and how many earlier lives ended in one; none of ours counts twice."""

    def process(self, messages: Sequence[Message]) -> Answers:
        """As ``commit.process``; what fails is found and tried alone. Raises ``Transient`` to be tried again.

        Only redelivered messages have their attempts noted: one that ends the process comes again with that mark.
        """
        suspects = [message for message in messages if message.redelivered]
        if suspects and self._ended_a_life(suspects):
            return self._parts(messages, [[message] for message in messages])
        self._begin(suspects)
        try:
            answers = self._together(messages, all_new=not suspects and not self._looking)
        except Transient:
            raise
        except Exception:  # one of them is poison, or the hub is broken: find out
            log.exception("a group failed", extra={"messages": len(messages)})
            return self._parts(messages, _halves(messages))
        self._in_a_row = 0
        self._finish(suspects)
        return answers

    def _together(self, messages: Sequence[Message], *, all_new: bool) -> Answers:
        """One reading that came before is seldom the only one: keys are looked for in some groups from then on."""
        if all_new:
            try:
                return process(self._hub, messages, self._registry, all_new=True)
            except KeyTaken:
                self._looking = LOOKS
        self._looking = max(self._looking - 1, 0)
        return process(self._hub, messages, self._registry)

    def _parts(self, messages: Sequence[Message], parts: Sequence[Sequence[Message]]) -> Answers:
        """Part by part. One that fails is halved until what fails stands alone: that is some twenty tries of a full
        group, and not one for each message in it.
        """
        answers: Answers = {}
        failed: list[Message] = []
        waiting = [*reversed(parts)]
        while waiting:
            part = waiting.pop()
            told = self._try(part[0]) if len(part) == 1 else self._try_part(part)
            if told is not None:
                self._in_a_row = 0
                _add(answers, told)
            elif len(part) == 1:
                failed += part
            else:
                waiting += reversed(_halves(part))  # the earlier one is next: they stay in the order they came in
        return self._settled(messages, failed, answers)

    def _settled(self, messages: Sequence[Message], failed: Sequence[Message], answers: Answers) -> Answers:
        """What failed is put aside, once another message has shown that the hub itself works."""
        if len(failed) == len(messages):
            if self._in_a_row + len(failed) > POISON_IN_A_ROW:
                # These attempts speak of the hub, not of the messages: a mended hub must try each of them anew.
                self._finish(messages)
                raise HubFault("the hub fails on every message: it holds what comes until it is mended")
            self._in_a_row += len(failed)
        for message in failed:
            _add(answers, self._put_aside(message))
        return answers

    def _try_part(self, messages: Sequence[Message]) -> Answers | None:
        """The answers, or None if the hub fails on one of them. Nothing remembered is used, for it may be at fault."""
        try:
            answers = process(self._hub, messages)
        except Transient:
            raise
        except Exception:
            log.exception("a part of a group failed", extra={"messages": len(messages)})
            return None
        self._finish([message for message in messages if message.redelivered])
        return answers

    def _try(self, message: Message) -> Answers | None:
        """The answers, or None if the hub fails on it."""
        self._begin([message])
        if self._begun[_digest(message)] >= LIVES:
            return None
        for _ in range(TRIES):
            try:
                answers = process(self._hub, [message])
            except Transient:
                raise
            except Exception:
                log.exception("a message failed alone")
            else:
                self._finish([message])
                return answers
        return None

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
        if new:
            with self._hub.unit_of_work() as uow:
                noted = {
                    digest: uow.quarantine.attempts(digest, message.received_at) for digest, message in new.items()
                }
                uow.commit()
            self._begun |= noted

    def _finish(self, messages: Sequence[Message]) -> None:
        if messages:
            with self._hub.unit_of_work() as uow:
                self._finished(uow, messages)
                uow.commit()

    def _finished(self, uow: UnitOfWork, messages: Sequence[Message]) -> None:
        digests = [_digest(message) for message in messages]
        uow.quarantine.finished(digests)
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
            self._finished(uow, [message])
            uow.commit()
        return {message.gateway_id: [_refusal(message)]} if known and message.lane != "status" else {}


def _halves(messages: Sequence[Message]) -> list[Sequence[Message]]:
    """None of them is empty."""
    middle = len(messages) // 2
    return [half for half in (messages[:middle], messages[middle:]) if half]


def _add(answers: Answers, more: Answers) -> None:
    for gateway_id, acks in more.items():
        answers.setdefault(gateway_id, []).extend(acks)


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
