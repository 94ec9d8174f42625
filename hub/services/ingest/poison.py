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


def process_safely(hub: Hub, messages: Sequence[Message]) -> Answers:
    """As ``process``; a message that fails is found by trying each alone. Raises ``Transient`` to be tried again."""
    suspects = [message for message in messages if message.redelivered]
    if suspects and _crashed_before(hub, suspects):
        return _alone(hub, messages)
    try:
        answers = process(hub, messages)
    except Transient:
        raise
    except Exception:  # one of them is poison: find it
        log.exception("a group of %d messages failed", len(messages))
        return _alone(hub, messages)
    if suspects:
        _finished(hub, suspects)
    return answers


def _crashed_before(hub: Hub, suspects: Sequence[Message]) -> bool:
    """Count an attempt at each redelivered message; whether any was attempted before and never finished.

    A message that kills the process comes again with the redelivered mark, so only such messages need a row.
    """
    with hub.unit_of_work() as uow:
        before = [uow.quarantine.attempts(_digest(message), message.received_at) for message in suspects]
        uow.commit()
    return any(before)


def _alone(hub: Hub, messages: Sequence[Message]) -> Answers:
    answers: Answers = {}
    for message in messages:
        for gateway_id, acks in _one(hub, message).items():
            answers.setdefault(gateway_id, []).extend(acks)
    return answers


def _one(hub: Hub, message: Message) -> Answers:
    for _ in range(TRIES):
        with hub.unit_of_work() as uow:
            started = uow.quarantine.attempts(_digest(message), message.received_at)
            uow.commit()
        if started > TRIES:
            break
        try:
            answers = process(hub, [message])
        except Transient:
            raise
        except Exception:  # counted, tried once more, then put aside with its bytes
            log.exception("a message failed alone")
        else:
            _finished(hub, [message])
            return answers
    return _put_aside(hub, message)


def _put_aside(hub: Hub, message: Message) -> Answers:
    """Quarantine it whole, tell an operator, and answer so that the sender's spool advances."""
    now = hub.clock.now()
    with hub.unit_of_work() as uow:
        sentence = "the hub failed on this message twice"
        uow.quarantine.add(message.gateway_id, message.topic, "unprocessable", sentence, message.payload, now)
        uow.operations.count("rpmhub_readings_rejected_total", "unprocessable")
        alarm = "The hub failed twice on one message and put it aside: readings in it are not judged"
        technical(uow, hub, f"gateway:{message.gateway_id}", "unprocessable", Severity.RED, alarm, now)
        answers: Answers = {}
        try:
            batch = decode(message.payload)
        except BadMessage as bad:
            digest = hashlib.sha256(message.payload).hexdigest()
            answers = {message.gateway_id: [ErrorAck(bad.batch, digest, bad.code)]}
        else:
            refused = [Result(reading.seq, "rejected", "unprocessable") for reading in batch.readings]
            answers = {message.gateway_id: [BatchAck(batch.batch, batch.spool, refused)]}
        uow.quarantine.finished([_digest(message)])
        uow.commit()
    return answers


def _finished(hub: Hub, messages: Sequence[Message]) -> None:
    with hub.unit_of_work() as uow:
        uow.quarantine.finished([_digest(message) for message in messages])
        uow.commit()


def _digest(message: Message) -> bytes:
    return hashlib.sha256(message.topic.encode() + b"\0" + message.payload).digest()
