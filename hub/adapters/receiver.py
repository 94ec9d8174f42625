"""The broker's side of ingest as a process of its own, and its end of the pipe.

Receiving a message costs about as much as writing it, and one Python process does one thing at a time. So the writer
(``ingest_loop``) asks through a pipe for what came, and while it writes, this process receives on. It decides nothing:
a message is acknowledged when the writer says so, and when the writer is gone the pipe ends, and this process with it.
"""

import gc
import logging
import signal
import sys
from multiprocessing.connection import Connection

from hub.adapters.clock import SystemClock
from hub.adapters.handoff import Receipt
from hub.adapters.log_lines import start_logging
from hub.adapters.mqtt_inbox import MqttInbox
from hub.adapters.receiver_words import (
    ENCODER,
    REQUESTS,
    Answer,
    Begin,
    Check,
    Done,
    Hurry,
    Order,
    Read,
    Restart,
    Take,
    Taken,
)
from hub.services.ingest.messages import Message, packed
from hub.services.ports.base import Clock

log = logging.getLogger(__name__)

READ_BYTES = 2 * 1024 * 1024
"""Of payloads that wait in each room: read beforehand, they take some six tenths more."""

COLLECT_AFTER = 50_000
"""See ``ingest_loop``."""

SWITCH_S = 0.0005
"""For how long the thread that reads from the broker may keep the writer waiting for an answer: Python lets it run ten
times as long."""


def serve(pipe: Connection, clock: Clock) -> None:
    """Do what comes through ``pipe``, until it ends."""
    inbox: MqttInbox | None = None
    try:
        while True:
            request = REQUESTS.decode(pipe.recv_bytes())
            if isinstance(request, Begin):
                inbox = inbox_of(request, clock)
                inbox.start()
            elif inbox is not None:
                _obey(pipe, inbox, request)
    except (EOFError, ConnectionError):
        pass  # the writer is gone; what it did not acknowledge comes again
    finally:
        if inbox is not None:
            inbox.stop()


def _obey(pipe: Connection, inbox: MqttInbox, request: Order) -> None:
    match request:
        case Take(limit, max_bytes, timeout):
            _reply(pipe, inbox, inbox.take(limit, max_bytes, timeout))
        case Hurry(limit, max_bytes):
            _reply(pipe, inbox, inbox.urgent(limit, max_bytes))
        case Done(receipts):
            inbox.acknowledge(receipts)
        case Answer(messages):
            inbox.answer(messages)
        case Check():
            _reply(pipe, inbox, [])
        case Read():
            inbox.read_with(_read, READ_BYTES)
        case Restart():
            inbox.restart()


def _reply(pipe: Connection, inbox: MqttInbox, messages: list[tuple[Message, Receipt]]) -> None:
    alive = inbox.alive()  # a session that seems dead gets a new connection
    pipe.send_bytes(ENCODER.encode(Taken(messages, inbox.waiting, inbox.connected, alive, inbox.ailing)))


def inbox_of(begin: Begin, clock: Clock) -> MqttInbox:
    """The inbox that ``begin`` describes."""
    inbox = MqttInbox(begin, begin.client_id, clock, begin.ca_file, epoch=begin.epoch, shard=begin.shard)
    if begin.reads:
        inbox.read_with(_read, READ_BYTES)
    return inbox


def _read(message: Message) -> Message:
    try:
        return packed(message)
    except Exception:  # raising here would end the connection's thread; the writer reads the message for itself
        log.exception("a message could not be read beforehand")
        return message


def main(clock: Clock) -> None:
    """Serve the pipe whose number is the last argument. Signals are for the writer: it closes the pipe in its time."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    start_logging("receiver")
    gc.freeze()
    gc.set_threshold(COLLECT_AFTER)
    sys.setswitchinterval(SWITCH_S)
    serve(Connection(int(sys.argv[-1])), clock)


if __name__ == "__main__":
    main(SystemClock())
