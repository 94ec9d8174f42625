"""A message as the broker handed it over."""

from dataclasses import dataclass
from datetime import datetime

LANES = ("live", "status", "backfill")
"""In the order they are served: fresh readings overtake stored ones."""


@dataclass(frozen=True, slots=True)
class Message:
    """A message. Who sent it is told by its topic alone, which the broker's rules pin to a credential."""

    gateway_id: str
    lane: str
    topic: str
    payload: bytes
    received_at: datetime
    redelivered: bool = False

    @classmethod
    def received(cls, topic: str, payload: bytes, now: datetime, *, redelivered: bool) -> "Message":
        """The message on ``rpm/v1/<gateway>/up/<lane>``; a lane nobody knows is served last and quarantined."""
        parts = topic.split("/")
        lane = parts[4] if len(parts) == 5 and parts[4] in LANES else "backfill"
        gateway_id = parts[2] if len(parts) == 5 else ""
        return cls(gateway_id, lane, topic, payload, now, redelivered)
