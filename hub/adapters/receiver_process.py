"""The writer's end of the pipe to the receiver: an inbox like ``MqttInbox``, whose work another process does."""

import logging
import os
import socket
import struct
import subprocess
import sys
from collections.abc import Mapping, Sequence
from multiprocessing.connection import Connection, Pipe

import msgspec

from hub.adapters.broker_address import BrokerAddress
from hub.adapters.handoff import Receipt
from hub.adapters.receiver_words import (
    ENCODER,
    REPLIES,
    Answer,
    Begin,
    Check,
    Done,
    Hurry,
    Read,
    Request,
    Restart,
    Take,
    Taken,
)
from hub.errors import Permanent
from hub.services.ingest.messages import Message
from hub.services.ingest.shard import WHOLE, Shard
from hub.services.ports.base import Clock

log = logging.getLogger(__name__)

PATIENCE_S = 10.0
"""A receiver that says nothing for this long does not live. It is asked to wait for a small part of it."""

BEGINS_WITHIN_S = 60.0
"""A new one reads its libraries first."""

FRUITLESS = 3
READS_AGAIN_S = 300.0
"""For so long a receiver that took the place of another one does not read beforehand. By then the writer has met what
may have ended the other; where it could not, one receiver more dies of it, and the next does not read again."""

LEAVES_WITHIN_S = 2.0
"""Less than whoever supervises ingest gives it to stop."""

_EPOCHS_OF_A_LIFE = 2**32
_SILENT = Taken([], 0, connected=False, alive=False)
RECEIVER = ("-m", "hub.adapters.receiver")

GIVES_BACK = {
    "MALLOC_ARENA_MAX": "1",
    "MALLOC_TRIM_THRESHOLD_": str(128 * 1024),
    "MALLOC_MMAP_THRESHOLD_": str(128 * 1024),
}
"""To glibc: have one heap for all threads of a receiver, and give back what is free at its end. By itself it keeps what
the longest queue once took. Whoever sets these otherwise means it."""


class NoReceiver(Permanent):
    """One receiver after the other ended without a word. Whoever supervises ingest must know, and wait.

    It is raised on purpose, with the writer and its database well: that is a clean stop.
    """


class ReceiverProcess:
    """See ``hub.adapters.ingest_loop.Inbox``. A receiver that dies or hangs is replaced by ``restart``."""

    def __init__(
        self,
        address: BrokerAddress,
        client_id: str,
        clock: Clock,
        ca_file: str = "",
        command: Sequence[str] = RECEIVER,
        shard: Shard = WHOLE,
    ) -> None:
        self._address = address
        self._client_id = client_id
        self._clock = clock
        self._ca_file = ca_file
        self._command = command
        self._shard = shard
        self._lives = 0
        self._reads = True
        self._began_at = 0.0  # on the monotonic clock
        self._process: subprocess.Popen[bytes] | None = None
        self._pipe: Connection | None = None
        self._fruitless = 0
        """Lives in a row that ended without a word."""
        self._last = _SILENT
        self._said = False
        """Whether it has said something since it was asked how it is."""
        self._owed = False
        """Whether the next group was asked for already."""
        self._ahead: Taken | None = None
        """The next group, where it had to be heard before something else."""

    @property
    def waiting(self) -> int:
        """Messages that the receiver holds, as it said last."""
        return self._last.waiting

    @property
    def connected(self) -> bool:
        """What the receiver believes; only ``alive`` knows."""
        return self._last.connected

    @property
    def ailing(self) -> Mapping[str, str]:
        """See ``MqttInbox.ailing``, as the receiver said last."""
        return self._last.ailing

    def start(self) -> None:
        """Start a receiver, which connects in the background and keeps trying."""
        self._lives += 1
        self._fruitless += 1
        self._reads = self._lives == 1
        self._began_at = self._clock.monotonic()
        if not self._reads:
            log.warning(
                "a new receiver, which does not read beforehand: nothing overtakes", extra={"for_s": READS_AGAIN_S}
            )
        ours, theirs = Pipe()
        # -P: a checkout in the current directory is not picked up by accident.
        command = [sys.executable, "-P", *self._command, str(theirs.fileno())]
        self._process = subprocess.Popen(  # noqa: S603
            command, stdin=subprocess.DEVNULL, pass_fds=[theirs.fileno()], env=GIVES_BACK | os.environ
        )
        theirs.close()
        _bound(ours, BEGINS_WITHIN_S)
        self._pipe = ours
        a, epoch = self._address, self._lives * _EPOCHS_OF_A_LIFE
        to = (a.host, a.port, a.tls, a.user, a.password)
        self._tell(Begin(*to, self._client_id, self._ca_file, epoch, reads=self._reads, shard=self._shard))

    def stop(self) -> None:
        """Leave the session on the broker: what comes meanwhile waits there."""
        self._lose()
        process, self._process = self._process, None
        if process is None:
            return
        try:
            process.wait(LEAVES_WITHIN_S)
        except subprocess.TimeoutExpired:
            log.warning("the receiver did not leave in time")
            process.kill()
            process.wait()

    def restart(self) -> None:
        """A new connection on the same session, by the same receiver if it lives. Raises ``NoReceiver``."""
        self._ahead = None  # it comes again
        if self._pipe is not None:
            self._tell(Restart())
        if self._pipe is None:
            self._kill()
            if self._fruitless >= FRUITLESS:
                raise NoReceiver("receivers end before they say a word; their own lines in the log say why")
            self.start()

    def take(self, limit: int, max_bytes: int, timeout: float) -> list[tuple[Message, Receipt]]:
        """See ``handoff.Handoff.take``; nothing if there is no receiver.

        Where more waits it is asked for at once, so that it is at hand when this group is written: such a group is as
        long as ``limit`` said then, and what came since and pages at once comes before it.
        """
        if self._ahead is not None and (urgent := self._urgent(limit, max_bytes)):
            return urgent
        taken, self._ahead = self._ahead, None
        if taken is None:
            if not self._owed:
                self._tell(Take(limit, max_bytes, timeout))
            taken, self._owed = self._hear(), False
        if taken.waiting:
            self._tell(Take(limit, max_bytes, 0.0))
            self._owed = self._pipe is not None
        return list(taken.messages)

    def _urgent(self, limit: int, max_bytes: int) -> list[tuple[Message, Receipt]]:
        self._tell(Hurry(limit, max_bytes))
        return list(self._hear().messages)

    def acknowledge(self, receipts: Sequence[Receipt]) -> None:
        """Tell the broker that these are dealt with. Receipts of an earlier connection are skipped."""
        self._look_ahead()  # while it waits to be heard it does not listen
        self._tell(Done(receipts))

    def answer(self, messages: Sequence[tuple[str, bytes]]) -> None:
        """Send. Losing it is harmless: a gateway without an acknowledgement sends again."""
        self._tell(Answer(messages))

    def alive(self) -> bool:
        """Whether there is a receiver, and its connection showed any life lately.

        It says so with all that it gives; who asks a second time asks it anew.
        """
        self._look_ahead()
        if not self._reads:
            self._read_again()
        if not self._said:
            self._tell(Check())
            self._hear()
        self._said = False
        return self._last.alive

    def _read_again(self) -> None:
        if self._pipe is not None and self._clock.monotonic() - self._began_at >= READS_AGAIN_S:
            log.info("the receiver reads beforehand again")
            self._tell(Read())
            self._reads = True

    def _look_ahead(self) -> None:
        if self._owed:
            ahead = self._hear()
            if self._pipe is not None:
                self._ahead, self._owed = ahead, False

    def _hear(self) -> Taken:
        try:
            if self._pipe is not None:
                self._last = REPLIES.decode(self._pipe.recv_bytes())
                if self._fruitless:
                    _bound(self._pipe, PATIENCE_S)
                self._fruitless = 0
                self._said = True
                return self._last
        except (EOFError, OSError, msgspec.DecodeError):
            pass
        log.warning("the receiver says nothing")
        self._lose()
        return self._last

    def _tell(self, request: Request) -> None:
        if self._pipe is not None:
            try:
                self._pipe.send_bytes(ENCODER.encode(request))
            except OSError:
                self._lose()

    def _lose(self) -> None:
        self._owed, self._ahead, self._last, self._said = False, None, _SILENT, False
        if self._pipe is not None:
            self._pipe.close()
            self._pipe = None

    def _kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()


def _bound(pipe: Connection, hears_within_s: float) -> None:
    """A receiver that was stopped, in the middle of a sentence too, must not stop the writer.

    The socket itself sees to it: to ask beforehand whether there is something to hear takes as long as to hear it.
    """
    with socket.socket(fileno=os.dup(pipe.fileno())) as end:
        for option, seconds in ((socket.SO_SNDTIMEO, PATIENCE_S), (socket.SO_RCVTIMEO, hears_within_s)):
            end.setsockopt(socket.SOL_SOCKET, option, struct.pack("ll", int(seconds), 0))
