"""A batch on its way: what it carries, when it is due again, and which answers are about it."""

import hashlib
from dataclasses import dataclass, field
from typing import Final

from device_gateway.spool import Row
from device_gateway.wire import BatchAck

_JITTER: Final = 1.25


@dataclass(frozen=True, slots=True)
class Resend:
    """How long to wait for the hub's answer: `first_s`, doubling up to `most_s`, plus up to a quarter by chance."""

    first_s: float = 30
    most_s: float = 300

    def wait_ms(self, sends: int, chance: float) -> int:
        """The wait after that many sends; `chance` in [0, 1] spreads gateways that lost the same hub."""
        seconds = min(self.most_s, self.first_s * 2.0 ** min(sends - 1, 32))
        return round(1000 * seconds * (1 + (_JITTER - 1) * chance))


@dataclass(slots=True)
class Flight:
    """One batch, at most one per topic. It lands on the hub's answer only."""

    batch: str
    rows: tuple[Row, ...]
    sends: int = 0
    due_ms: int = 0
    epoch: int = -1  # the connection it was last sent on
    digests: set[str] = field(default_factory=set)

    @property
    def seqs(self) -> list[int]:
        """The numbers of its readings."""
        return [row.seq for row in self.rows]

    def sent(self, payload: bytes, *, epoch: int, due_ms: int) -> None:
        """Remembers one attempt."""
        self.sends += 1
        self.epoch, self.due_ms = epoch, due_ms
        self.digests.add(hashlib.sha256(payload).hexdigest())

    def is_meant(self, ack: BatchAck) -> bool:
        """Whether this answer is about this batch, by name, or by content where the hub could not read the name."""
        return ack.batch == self.batch or ack.payload_sha256 in self.digests
