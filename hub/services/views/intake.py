"""What came in and could not be used as it was: bad messages, and readings of nobody."""

from dataclasses import dataclass
from datetime import datetime

from hub.services.views.people import PatientTag


@dataclass(frozen=True, slots=True)
class BadMessage:
    """A quarantined message. ``raw`` is empty in lists."""

    id: int
    received_at: datetime
    gateway_id: str
    gateway: str | None
    topic: str
    code: str
    detail: str
    size: int
    seen_at: datetime | None
    seen_by: str | None
    note: str | None
    raw: bytes = b""


@dataclass(frozen=True, slots=True)
class HeldReading:
    """A reading that waits for a person to say whose it is."""

    id: int
    code: str
    gateway_id: str
    gateway: str | None
    device: str
    profile: str | None
    effective_at: datetime
    received_at: datetime
    values: tuple[tuple[str, float, str], ...]
    """(metric, value, unit) as the device sent them."""
    candidates: tuple[PatientTag, ...]
    others: int
    """Further held readings of the same device for the same reason."""


@dataclass(frozen=True, slots=True)
class Inbox:
    """Held readings, newest of each device first, and whom they may be given to."""

    held: tuple[HeldReading, ...]
    patients: tuple[PatientTag, ...]
