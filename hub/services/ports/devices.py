"""Gateways, devices and assignments."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from hub.domain.custody import Assignment

TEXTS = "text"
"""Where readings that patients typed come from, as the journal names gateways: no gateway may have this id."""

ORDINARY, REPLAY = "ordinary", "replay"
"""What a gateway is registered for. No message of its own can change it."""


@dataclass(frozen=True, slots=True)
class GatewayRow:
    """A gateway and its last word."""

    id: str
    name: str
    credential: str
    online: bool
    online_changed_at: datetime | None
    heard_at: datetime | None
    retired_at: datetime | None = None
    spool_depth: int | None = None
    spool_dropped_total: int = 0
    clock_offset_s: float | None = None
    purpose: str = ORDINARY

    @property
    def replays(self) -> bool:
        """What it sends is a recording: never a sign of life, never a reason to page (SF20)."""
        return self.purpose == REPLAY


@dataclass(frozen=True, slots=True)
class Sender:
    """A gateway in use, as far as its messages are placed by it."""

    id: str
    name: str
    purpose: str = ORDINARY
    clock_offset_s: float | None = None
    spool_dropped_total: int = 0

    @property
    def replays(self) -> bool:
        """What it sends is a recording (SF20)."""
        return self.purpose == REPLAY


@dataclass(frozen=True, slots=True)
class DeviceRow:
    """A device, and the gateways it was accepted on."""

    id: int
    address: str
    profile: str
    accepted_on: frozenset[str]
    last_seen_at: datetime | None = None
    battery_percent: int | None = None


@dataclass(frozen=True, slots=True)
class DeviceSaid:
    """A device as its gateway tells of it."""

    address: str
    profile: str | None = None
    heard_at: datetime | None = None
    battery_percent: int | None = None
    bond: str | None = None
    """paired | lost; None: not Bluetooth."""
    quarantined: int = 0
    """Records that the gateway kept and could not make a reading of."""


@dataclass(frozen=True, slots=True)
class GatewayStatus:
    """A status message, decoded. ``devices`` None: it says nothing of them, as a last will does."""

    online: bool
    body: str
    spool_depth: int | None
    spool_dropped_total: int | None
    clock_offset_s: float | None
    devices: Sequence[DeviceSaid] | None = None


class Gateways(Protocol):
    """Gateways."""

    def add(self, gateway_id: str, name: str, credential: str, now: datetime, purpose: str = ORDINARY) -> None: ...
    def find(self, gateway_id: str) -> GatewayRow | None: ...
    def in_use(self, gateway_ids: Collection[str]) -> dict[str, Sender]:
        """Those that are registered and not retired."""
        ...

    def all(self) -> list[GatewayRow]: ...
    def set_credential(self, gateway_id: str, credential: str) -> None: ...
    def note_status(self, gateway_id: str, status: GatewayStatus, now: datetime, *, heard: bool) -> None:
        """Keep a status message; its body only where it tells of devices, so that what they were outlives a goodbye.

        ``heard`` False: the broker had kept it, it is no sign of life.
        """
        ...

    def note_heard(self, gateway_ids: Sequence[str], now: datetime) -> None: ...


class Devices(Protocol):
    """Devices and who had them when."""

    def add(self, address: str, profile: str, now: datetime) -> int: ...
    def accept_on(self, device_id: int, gateway_id: str, by: str, now: datetime) -> None: ...
    def find(self, address: str) -> DeviceRow | None: ...
    def get(self, device_id: int) -> DeviceRow: ...
    def by_addresses(self, addresses: Sequence[str]) -> dict[str, DeviceRow]: ...
    def assignments(self, device_ids: Sequence[int]) -> dict[int, list[Assignment]]: ...
    def assign(self, device_id: int, patient_id: int, slot: int | None, since: datetime, by: str) -> int: ...
    def unassign(self, device_id: int, slot: int | None, at: datetime) -> None: ...
    def unassign_patient(self, patient_id: int, at: datetime) -> int: ...
    def of_patient(self, patient_id: int, at: datetime) -> list[DeviceRow]: ...
    def note_seen(self, seen: Sequence[tuple[int, datetime, int | None]]) -> None:
        """(device id, when it measured, battery percent or None): newest wins."""
        ...

    def note_batteries(self, levels: Sequence[tuple[int, int]]) -> None:
        """(device id, percent), as a gateway's status told."""
        ...
