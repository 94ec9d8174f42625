"""A message as the broker handed it over."""

from datetime import datetime

import msgspec

from hub.services.ingest.decode import BadMessage, decode
from hub.services.ingest.measured import MeasuredBatch, measured, pack, unpack

LANES = ("live", "status", "backfill")
"""In the order they are served: fresh readings overtake stored ones."""


class Message(msgspec.Struct, frozen=True, array_like=True):
    """A message. Who sent it is told by its topic alone, which the broker's rules pin to a credential.

    ``redelivered``: it was handed over before and never acknowledged. ``retained``: the broker kept it; it is no sign
    that its sender lives. ``packed``: what ``payload`` says, if that was found out already, with ``readings`` of them.
    ``urgent``: it may be what pages somebody at once.
    """

    gateway_id: str
    lane: str
    topic: str
    payload: bytes
    received_at: datetime
    redelivered: bool = False
    retained: bool = False
    packed: bytes = b""
    urgent: bool = False
    readings: int = 1

    def batch(self) -> MeasuredBatch:
        """The batch in it. Raises ``BadMessage``."""
        return unpack(self.packed) if self.packed else measured(decode(self.payload), self.received_at)

    @classmethod
    def received(
        cls, topic: str, payload: bytes, now: datetime, *, redelivered: bool, retained: bool = False
    ) -> "Message":
        """The message on ``rpm/v1/<gateway>/up/<lane>``. Any other topic has no sender: it is quarantined."""
        match topic.split("/"):
            case ["rpm", "v1", gateway_id, "up", lane] if lane in LANES:
                return cls(gateway_id, lane, topic, payload, now, redelivered, retained)
        return cls("", "backfill", topic, payload, now, redelivered, retained)


def packed(message: Message) -> Message:
    """The same with its batch read beforehand, if it holds one that can be."""
    if message.lane == "status":
        return message
    try:
        batch = message.batch()
        readings = len(batch.readings)
        return msgspec.structs.replace(message, packed=pack(batch), urgent=batch.urgent, readings=readings)
    except BadMessage:  # whoever judges the message will come upon it again, and says so
        return message
