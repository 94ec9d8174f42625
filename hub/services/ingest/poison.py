"""A message that the hub itself fails on is tried alone, then put aside whole: it may not stop the others."""

import hashlib
import logging
from collections.abc import Sequence

from hub.domain.severity import Severity
from hub.errors import Transient
from hub.services.alerting import technical
from hub.services.hub import Hub
from hub.services.ingest.commit import Answers, process
from hub.services.ingest.decode import BadMessage, decode
from hub.services.ingest.messages import Message
from hub.services.ingest.wire import BatchAck, ErrorAck, Result

log = logging.getLogger(__name__)

TRIES = 2
"""Failures of the hub on one message before it is put aside."""

POISON_IN_A_ROW = 3
"""More bad messages than this, and none good between them, are not poison: it is the hub that is broken."""


class HubFault(Transient):
    """The hub fails on whatever comes. Nothing more is put aside or acknowledged: the readings wait where they are."""


class SafeProcessor:
    """``process`` for groups in which a message may be poison."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._in_a_row = 0

    def process(self, messages: Sequence[Message]) -> Answers:
        """As ``commit.process``; what fails is found by trying each alone. Raises ``Transient`` to be tried again."""
        suspects = [message for message in messages if message.redelivered]
        if suspects and self._crashed_before(suspects):
            return self._alone(messages)
        try:
            answers = process(self._hub, messages)
        except Transient:
            raise
        except Exception:  # one of them is poison, or the hub is broken: find out
            log.exception("a group failed", extra={"messages": len(messages)})
            return self._alone(messages)
        self._in_a_row = 0
        self._finished(suspects)
        return answers

    def _crashed_before(self, suspects: Sequence[Message]) -> bool:
        """Count an attempt at each redelivered message; whether any was attempted before and never finished.

        A message that kills the process comes again with the redelivered mark, so only such messages need a row.
        """
        with self._hub.unit_of_work() as uow:
            before = [uow.quarantine.attempts(_digest(message), message.received_at) for message in suspects]
            uow.commit()
        return any(before)

    def _alone(self, messages: Sequence[Message]) -> Answers:
        answers: Answers = {}
        for message in messages:
            for gateway_id, acks in self._one(message).items():
                answers.setdefault(gateway_id, []).extend(acks)
        return answers

    def _one(self, message: Message) -> Answers:
        while self._count(message) <= TRIES:
            try:
                answers = process(self._hub, [message])
            except Transient:
                raise
            except Exception:  # counted, tried once more, then put aside with its bytes
                log.exception("a message failed alone")
            else:
                self._in_a_row = 0
                self._finished([message])
                return answers
        self._in_a_row += 1
        if self._in_a_row > POISON_IN_A_ROW:
            raise HubFault("the hub fails on every message: it holds what comes until it is mended")
        return self._put_aside(message)

    def _count(self, message: Message) -> int:
        with self._hub.unit_of_work() as uow:
            started = uow.quarantine.attempts(_digest(message), message.received_at)
            uow.commit()
        return started + 1

    def _put_aside(self, message: Message) -> Answers:
        """Quarantine it whole, tell an operator, and answer so that the sender's spool advances."""
        now = self._hub.clock.now()
        with self._hub.unit_of_work() as uow:
            sentence = "the hub failed on this message twice"
            uow.quarantine.add(message.gateway_id, message.topic, "unprocessable", sentence, message.payload, now)
            uow.operations.count("rpmhub_readings_rejected_total", "unprocessable")
            alarm = "The hub failed twice on one message and put it aside: readings in it are not judged"
            subject = f"gateway:{message.gateway_id}"
            technical(uow, self._hub, subject, "unprocessable", Severity.RED, alarm, now)
            uow.quarantine.finished([_digest(message)])
            uow.commit()
        return {message.gateway_id: [_refusal(message)]}

    def _finished(self, messages: Sequence[Message]) -> None:
        if messages:
            with self._hub.unit_of_work() as uow:
                uow.quarantine.finished([_digest(message) for message in messages])
                uow.commit()


def _refusal(message: Message) -> BatchAck | ErrorAck:
    try:
        batch = decode(message.payload)
    except BadMessage as bad:
        return ErrorAck(bad.batch, hashlib.sha256(message.payload).hexdigest(), bad.code)
    refused = [Result(reading.seq, "rejected", "unprocessable") for reading in batch.readings]
    return BatchAck(batch.batch, batch.spool, refused)


def _digest(message: Message) -> bytes:
    return hashlib.sha256(message.topic.encode() + b"\0" + message.payload).digest()
