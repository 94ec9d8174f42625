"""What the writer and its receiver say to each other through the pipe: what is asked, and what came.

In a file of its own, so that the writer does not read the libraries that the receiver needs.
"""

from collections.abc import Mapping, Sequence

import msgspec

from hub.adapters.handoff import Receipt
from hub.services.ingest.messages import Message
from hub.services.ingest.shard import WHOLE, Shard


class Begin(msgspec.Struct, tag=True, frozen=True):
    """The broker's address and the session's name. ``epoch``: above that of every receipt given out before.

    ``reads``: read messages beforehand, from the first on. Where a receiver has died it may be of a message, and then
    the writer must come upon it, who keeps count.
    """

    host: str
    port: int
    tls: bool
    user: str | None
    password: str | None
    client_id: str
    ca_file: str
    epoch: int
    reads: bool
    shard: Shard = WHOLE


class Take(msgspec.Struct, tag=True, frozen=True):
    """What came, please. Answered by ``Taken``."""

    limit: int
    max_bytes: int
    timeout: float


class Hurry(msgspec.Struct, tag=True, frozen=True):
    """What came meanwhile that pages at once, please. Answered by ``Taken``, at once."""

    limit: int
    max_bytes: int


class Done(msgspec.Struct, tag=True, frozen=True):
    """These are dealt with: acknowledge them to the broker. Not answered."""

    receipts: Sequence[Receipt]


class Answer(msgspec.Struct, tag=True, frozen=True):
    """Publish these payloads, by topic. Not answered."""

    messages: Sequence[tuple[str, bytes]]


class Check(msgspec.Struct, tag=True, frozen=True):
    """How is the connection? Answered by ``Taken`` with nothing in it."""


class Read(msgspec.Struct, tag=True, frozen=True):
    """Read beforehand what comes from now on. Not answered."""


class Restart(msgspec.Struct, tag=True, frozen=True):
    """Make a new connection. Not answered."""


Order = Take | Hurry | Done | Answer | Check | Read | Restart
Request = Begin | Order


class Taken(msgspec.Struct, frozen=True, array_like=True):
    """What came, how many messages still wait, and how the connections are, as ``MqttInbox`` says."""

    messages: Sequence[tuple[Message, Receipt]]
    waiting: int
    connected: bool
    alive: bool
    ailing: Mapping[str, str] = {}


ENCODER = msgspec.msgpack.Encoder()
REQUESTS = msgspec.msgpack.Decoder(Request)
REPLIES = msgspec.msgpack.Decoder(Taken)
