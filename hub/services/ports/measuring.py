"""Journal, keys, findings, and the duties that readings set."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

import msgspec

from hub.domain.findings import Deadline, Finding
from hub.domain.samples import Attempt, Sample
from hub.errors import Transient


class JournalEntry(msgspec.Struct, frozen=True, gc=False):
    """One reading as acknowledged. ``body`` is the reading as it came, with all its times and raw packets."""

    gateway_id: str
    spool: str
    seq: int
    device: str
    record: str | None
    digest: bytes
    record_digest: bytes
    status: str  # stored | held
    code: str | None
    device_id: int | None
    patient_id: int | None
    effective_at: datetime
    received_at: datetime
    age: timedelta
    flags: frozenset[str]
    body: bytes
    replaces_held: bool = False
    """The same record is held for want of an owner: this copy has one and takes its place."""
    replayed: bool = False
    """Of a recording; its gateway says so, whatever the reading says of itself."""


@dataclass(frozen=True, slots=True)
class Owned:
    """Whose reading it is, and when it was measured."""

    patient_id: int
    effective_at: datetime


@dataclass(frozen=True, slots=True)
class HeldEntry:
    """A held reading as a person must decide on it."""

    id: int
    gateway_id: str
    device: str
    code: str
    effective_at: datetime
    received_at: datetime
    flags: frozenset[str]
    body: bytes


class KnownKey(msgspec.Struct, frozen=True, gc=False):
    """What was answered for a key before."""

    digest: bytes
    status: str
    code: str | None = None


class AnsweredKey(msgspec.Struct, frozen=True, gc=False):
    """A transport key, the digest of what came by it, and what was answered."""

    gateway_id: str
    spool: str
    seq: int
    digest: bytes
    status: str
    code: str | None


class KnownRecord(msgspec.Struct, frozen=True, gc=False):
    """What is known of a device's record: the digest of its values, and whether it still waits for an owner."""

    digest: bytes
    held: bool


class KeyTaken(Transient):
    """One of these readings came before, or another process was faster. Nothing of the transaction may be kept."""


class Journal(Protocol):
    """The truth: what was acknowledged."""

    def transport_keys(self, keys: Sequence[tuple[str, str, int]]) -> Mapping[tuple[str, str, int], KnownKey]:
        """What is known of (gateway, spool, seq)."""
        ...

    def record_keys(self, keys: Sequence[tuple[str, str]]) -> Mapping[tuple[str, str], KnownRecord]:
        """What is known of (device, record)."""
        ...

    def append(self, entries: Sequence[JournalEntry]) -> list[int]:
        """Journal rows and both their keys; the new ids in order. Raises ``KeyTaken``."""
        ...

    def note_answered(self, keys: Sequence[AnsweredKey]) -> None:
        """Keys of readings that are not in the journal: a replay of them is answered alike. Raises ``KeyTaken``."""
        ...

    def held_since(self, before: datetime) -> list[tuple[str, str]]:
        """(gateway, code) of which a reading is held since ``before`` or longer."""
        ...

    def accepted(self, after: int, limit: int) -> list[HeldEntry]:
        """Held for their gateway, on which their device is accepted by now; with a higher id, in id order."""
        ...

    def hold_for(self, journal_id: int, code: str) -> None:
        """It is held still, for another reason."""
        ...

    def get_held(self, journal_id: int) -> HeldEntry | None: ...
    def owned(self, journal_id: int) -> Owned | None:
        """None if there is no such reading, or it is nobody's."""
        ...

    def release(self, journal_id: int, patient_id: int | None, device_id: int | None, status: str) -> bool:
        """Compare-and-set from ``held``; False if somebody decided before."""
        ...


class Findings(Protocol):
    """What rules said."""

    def add(
        self,
        patient_id: int | None,
        finding: Finding,
        *,
        found_at: datetime,
        protocol_version_id: int | None,
        retrospective: bool,
        alert_id: int | None,
        replayed: bool = False,
    ) -> None: ...
    def of_readings(
        self, patient_id: int, reading_ids: Collection[int], protocol_version_id: int
    ) -> Mapping[int, list[tuple[int, Finding]]]:
        """What one protocol's copy says of these samples (not superseded), with the rows' ids.

        A sample that it does not speak about is absent.
        """
        ...

    def supersede(self, finding_ids: Sequence[int], now: datetime) -> None: ...
    def supersede_all(self, patient_id: int, reading_ids: Sequence[int], now: datetime) -> Collection[int]:
        """Whatever any protocol says of these samples counts no more; the alerts that it stands behind."""
        ...

    def said(self, patient_id: int, protocol_version_id: int, rule: str, at: datetime) -> bool:
        """Whether this rule of a protocol's copy has spoken of exactly this instant, and it still counts."""
        ...

    def worst_since(self, patient_id: int, since: datetime) -> int | None:
        """The highest severity found since in what patients' own devices measured, or None."""
        ...


@dataclass(frozen=True, slots=True)
class Expectation:
    """The occurrence of a slot that is waited for."""

    patient_id: int
    slot_id: str
    metric: str
    counted_from: datetime
    due_at: datetime
    state: str  # due | late | no_data
    check_at: datetime


@dataclass(frozen=True, slots=True)
class DueDeadline:
    """A duty whose time has come."""

    id: int
    patient_id: int
    due_at: datetime
    metric: str
    finding: Finding


class Duties(Protocol):
    """Deadlines that readings set, and readings that are waited for."""

    def set_deadline(self, patient_id: int, deadline: Deadline) -> bool:
        """Idempotent by (patient, kind, key): the earliest that waits stands. False if nothing changed."""
        ...

    def cancel_deadlines(self, patient_id: int, sample: Sample) -> int:
        """Cancel what still waits for a repeat of this metric and was set before ``sample``; how many."""
        ...

    def withdraw(self, patient_id: int, metric: str, at: datetime, keep: Sequence[str]) -> int:
        """Take back what was set at ``at`` and is no longer asked for: all but the keys to ``keep``; how many."""
        ...

    def cancel(self, deadline_id: int) -> bool:
        """Compare-and-set from waiting."""
        ...

    def cancel_all_deadlines(self, patient_id: int) -> int: ...
    def note_failed(self, attempts: Mapping[int, Sequence[Attempt]]) -> None:
        """Keep attempts that gave no value, by patient."""
        ...

    def failed(self, patient_id: int, metric: str, since: datetime, until: datetime) -> list[Attempt]:
        """Attempts without a value, ``since <= at < until``, oldest first."""
        ...

    def due_deadlines(self, now: datetime, limit: int) -> list[DueDeadline]:
        """Waiting ones whose time has come, the longest due first."""
        ...

    def raised(self, deadline_id: int) -> bool:
        """Compare-and-set from waiting; False if it was cancelled or raised before."""
        ...

    def expect(self, expectation: Expectation) -> None: ...
    def forget(self, patient_id: int, slot_id: str) -> None:
        """Wait no longer for this slot."""
        ...

    def forget_expectations(self, patient_id: int) -> None: ...
    def expectations(self, patient_id: int) -> list[Expectation]: ...
    def due_expectations(self, now: datetime, limit: int) -> list[Expectation]: ...
    def met(self, metrics: Mapping[int, Collection[str]], now: datetime) -> None:
        """Readings came: have the expectations of these patients' metrics checked at the next tick."""
        ...


class Quarantine(Protocol):
    """Bad input with its raw bytes and the reason."""

    def add(self, gateway_id: str, topic: str, code: str, detail: str, raw: bytes, now: datetime) -> int:
        """The row's id. What is sent again before its answer came is counted in the row that it has."""
        ...

    def add_unanswered(self, gateway_id: str, topic: str, code: str, detail: str, raw: bytes, now: datetime) -> None:
        """For a sender that gets no answer and so sends for ever: only so many rows of a topic and code wait unseen.

        One that somebody has looked at is never changed.
        """
        ...

    def count_unseen(self) -> int: ...
    def mark_seen(self, quarantine_id: int, staff_id: int, note: str, now: datetime) -> bool: ...
    def attempts(self, digest: bytes, now: datetime) -> int:
        """Count one more attempt at this message; how many were started and never finished before it."""
        ...

    def started(self, digests: Sequence[bytes]) -> Mapping[bytes, int]:
        """How many attempts at each were started and never finished; without those that never were."""
        ...

    def finished(self, digests: Sequence[bytes]) -> None: ...
