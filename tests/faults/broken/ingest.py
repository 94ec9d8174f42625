"""Ingest that dies between its two steps: ``broken`` answers and then commits, ``sound`` commits and then answers."""

import os
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

from hub import bootstrap, cli
from hub.adapters.handoff import Receipt
from hub.adapters.ingest_loop import IngestLoop
from hub.adapters.mqtt_inbox import MqttInbox
from hub.adapters.mqtt_session import BrokerAddress
from hub.services.ingest.commit import Answers
from hub.services.ingest.decode import decode
from hub.services.ingest.messages import Message
from hub.services.ingest.shard import Shard
from hub.services.ingest.wire import BatchAck, Result
from hub.services.ports.base import Clock
from tests.faults.broken.crash import die_once

DATA = Path(os.environ["RPMHUB_DATA_DIR"])


class PublishesAtOnce(MqttInbox):
    """What it was told to answer has reached the broker when ``answer`` returns."""

    def __init__(
        self, address: BrokerAddress, client_id: str, clock: Clock, ca_file: str = "", *, shard: Shard
    ) -> None:
        super().__init__(address, client_id, clock, ca_file, shard=shard)

    def answer(self, messages: Sequence[tuple[str, bytes]]) -> None:
        for topic, payload in messages:
            if self.fresh._client is not None:
                self.fresh._client.publish(topic, payload, qos=1).wait_for_publish(5)


class AnswersFirst(IngestLoop):
    """Acknowledges what it has not stored."""

    def _commit(self, taken: list[tuple[Message, Receipt]], stop: threading.Event) -> None:
        batches = [message for message, _ in taken if message.lane != "status"]
        answers: Answers = {}
        for message in batches:
            batch = decode(message.payload)
            results = [Result(reading.seq, "stored") for reading in batch.readings]
            answers.setdefault(message.gateway_id, []).append(BatchAck(batch.batch, batch.spool, results))
        self._inbox.acknowledge([receipt for _, receipt in taken])
        self._answer(answers)
        if batches:
            die_once(DATA)
        super()._commit(taken, stop)


class CommitsFirst(IngestLoop):
    """The real one, up to the moment when it would answer."""

    def _answer(self, answers: Answers) -> None:
        if answers:
            die_once(DATA)
        super()._answer(answers)


if __name__ == "__main__":
    bootstrap.ReceiverProcess = PublishesAtOnce
    bootstrap.IngestLoop = {"broken": AnswersFirst, "sound": CommitsFirst}[sys.argv.pop(1)]
    cli.main()
