"""Audit, heartbeats, counters, stamps."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class AuditRow:
    """One act."""

    id: int
    at: datetime
    actor: str
    act: str
    subject: str
    detail: str
    position: int | None
    """In the chain, from 1; None: not sealed yet."""
    hash: bytes | None


Act = tuple[str, Mapping[str, object]]
"""An act's name, and what is told of it."""


class Audit(Protocol):
    """Who did what. Written unchained in the act's transaction, sealed by the worker at the next free position."""

    def write(self, at: datetime, actor: str, act: str, subject: str, detail: Mapping[str, object]) -> None: ...
    def write_all(self, at: datetime, actor: str, subject: str, acts: Sequence[Act]) -> None:
        """One actor's acts about one subject, in their order."""
        ...

    def unsealed(self, limit: int) -> list[AuditRow]: ...
    def last_sealed(self) -> AuditRow | None: ...
    def seal(self, seals: Sequence[tuple[int, int, bytes]]) -> None:
        """(id, position, hash) of each row, once. ``Transient`` if another worker took the position."""
        ...

    def read(self, after: int, limit: int) -> list[AuditRow]:
        """Sealed rows behind this position, in the chain's order."""
        ...


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """A role's last word."""

    role: str
    instance: str
    at: datetime
    detail: Mapping[str, object]


class Operations(Protocol):
    """What the hub keeps about itself."""

    def stamp(self, name: str) -> str | None: ...
    def set_stamp(self, name: str, value: str) -> None: ...
    def restamp(self, name: str, value: str) -> None:
        """Stamp, whatever was stamped before."""
        ...

    def beat(self, role: str, instance: str, now: datetime, detail: Mapping[str, object]) -> None: ...
    def heartbeats(self) -> list[Heartbeat]: ...
    def count(self, name: str, label: str = "", by: int = 1) -> None:
        """Add to a counter; it is written with the commit."""
        ...

    def registry_version(self) -> int:
        """Moves whenever a device, who has it, a patient or a patient's protocol changes."""
        ...

    def counters(self) -> Mapping[tuple[str, str], int]: ...
    def observe(self, name: str, seconds: Sequence[float]) -> None: ...
    def histograms(self) -> Mapping[str, list[tuple[float, int, float]]]:
        """By name: (upper bound, count, sum) per bucket, not cumulative."""
        ...
