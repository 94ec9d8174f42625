"""A message as the broker handed it over."""

from dataclasses import dataclass
from datetime import datetime

LANES = ("live", "status", "backfill")
"""In the order they are served: fresh readings overtake stored ones."""


@dataclass(frozen=True, slots=True)
class Message:
    """A message. Who sent it is told by its topic alone, which the broker's rules pin to a credential.

    ``redelivered``: it was handed over before and never acknowledged. ``retained``: the broker kept it; it is no sign
    that its sender lives.
    """

    gateway_id: str
    lane: str
    topic: str
    payload: bytes
    received_at: datetime
    redelivered: bool = False
    retained: bool = False

    @classmethod
    def received(
        cls, topic: str, payload: bytes, now: datetime, *, redelivered: bool, retained: bool = False
    ) -> "Message":
        """The message on ``rpm/v1/<gateway>/up/<lane>``. Any other topic has no sender: it is quarantined."""
        match topic.split("/"):
            case ["rpm", "v1", gateway_id, "up", lane] if lane in LANES:
                return cls(gateway_id, lane, topic, payload, now, redelivered, retained)
        return cls("", "backfill", topic, payload, now, redelivered, retained)
