"""Devices and gateways, and the demo's phones."""

from dataclasses import dataclass
from datetime import datetime

from hub.services.ports.devices import DeviceSaid
from hub.services.views.people import PatientTag


@dataclass(frozen=True, slots=True)
class Told:
    """What a gateway last told of a device."""

    gateway_id: str
    gateway: str
    said: DeviceSaid


@dataclass(frozen=True, slots=True)
class DeviceLine:
    """A device, who has it, and when it last measured."""

    id: int
    address: str
    profile: str
    battery_percent: int | None
    last_seen_at: datetime | None
    holders: tuple[tuple[PatientTag, int | None], ...]
    """(patient, slot) of each assignment that stands."""
    gateways: tuple[str, ...]
    told: tuple[Told, ...] = ()
    """By each gateway that it was accepted on and that tells of it."""


@dataclass(frozen=True, slots=True)
class GatewayLine:
    """A gateway and its last word."""

    id: str
    name: str
    online: bool
    online_changed_at: datetime | None
    heard_at: datetime | None
    spool_depth: int | None
    dropped: int
    clock_offset_s: float | None
    retired_at: datetime | None


@dataclass(frozen=True, slots=True)
class Equipment:
    """Everything that measures and carries."""

    gateways: tuple[GatewayLine, ...]
    devices: tuple[DeviceLine, ...]
    strangers: tuple[Told, ...] = ()
    """Devices that a gateway in use tells of and that were not accepted on it."""


@dataclass(frozen=True, slots=True)
class Bubble:
    """One text on a demo phone. ``id`` is unique among what came in and what went out."""

    id: str
    inward: bool
    """True: the person wrote it."""
    body: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Phone:
    """A demo phone with its newest texts, oldest first."""

    number: str
    owner: str | None
    role: str | None
    bubbles: tuple[Bubble, ...]
    offers: tuple[tuple[str, str], ...] = ()
    """(digit, words) of each option of the question that waits for an answer from this phone."""
