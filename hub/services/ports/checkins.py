"""Check-ins in force, whom they are asked of next, and each conversation with its answers."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from hub.domain.checkins import CheckIn

SCHEDULE, MISSING = "schedule", "missing"
"""Causes."""

OPEN, ANSWERED, EXPIRED, NOT_UNDERSTOOD = "open", "answered", "expired", "not_understood"
MEASURED, NOT_SENT, CANCELLED = "measured", "not_sent", "cancelled"
"""States of a conversation."""


@dataclass(frozen=True, slots=True)
class CheckInForce:
    """A check-in as signed. ``checkin.signed_by`` is None where nobody signed (demo only)."""

    version_id: int
    checkin: CheckIn
    sha256: str
    signed_at: datetime


@dataclass(frozen=True, slots=True)
class CheckInDue:
    """When a patient is asked next by schedule."""

    patient_id: int
    checkin: str
    due_at: datetime


class CheckIns(Protocol):
    """Signed copies, and the schedule."""

    def sign(
        self, checkin_id: str, version: int, title: str, body: str, sha256: str, signed_by: str | None, now: datetime
    ) -> int:
        """Keep a copy in force; the one before it of the same check-in is asked no more."""
        ...

    def retire(self, checkin_id: str, now: datetime) -> bool:
        """Have no copy in force any more; False if none was."""
        ...

    def current(self, checkin_id: str) -> CheckInForce | None: ...
    def all_current(self) -> Sequence[CheckInForce]:
        """By id."""
        ...

    def get(self, version_id: int) -> CheckInForce:
        """Any copy, in force or not. Raises ``NotFound``."""
        ...

    def plan(self, due: CheckInDue) -> None:
        """Ask then, and not when it was planned before."""
        ...

    def planned(self, patient_id: int) -> Sequence[CheckInDue]: ...
    def forget(self, patient_id: int, checkin: str) -> None: ...
    def forget_patient(self, patient_id: int) -> None: ...
    def forget_checkin(self, checkin: str) -> None: ...
    def due(self, now: datetime, limit: int) -> Sequence[CheckInDue]:
        """Whose time has come, the longest due first; not of patients in the middle of a conversation."""
        ...


@dataclass(frozen=True, slots=True)
class Conversation:
    """One cause asked one patient. Every change is a compare-and-set on ``version``."""

    id: int
    patient_id: int
    checkin_version_id: int
    cause: str
    key: str
    state: str
    step: int
    prompts: int
    """How often something was asked anew."""
    asked_at: datetime
    check_at: datetime | None
    ended_at: datetime | None
    version: int


@dataclass(frozen=True, slots=True)
class Asked:
    """An answer that was kept. ``value`` is JSON; ``journal_id``: the reading it became."""

    id: int
    conversation_id: int
    inbound_id: int
    step: str
    value: str
    answered_at: datetime
    journal_id: int | None
    withdrawn_at: datetime | None


class Conversations(Protocol):
    """At most one is open with a patient."""

    def open(
        self, patient_id: int, checkin_version_id: int, cause: str, key: str, asked_at: datetime, check_at: datetime
    ) -> int | None:
        """The new one's id; None: this cause has asked before, or another is open."""
        ...

    def get(self, conversation_id: int) -> Conversation:
        """Raises ``NotFound``."""
        ...

    def by_key(self, key: str) -> Conversation | None: ...
    def open_of(self, patient_id: int) -> Conversation | None: ...
    def ended_since(self, patient_id: int, since: datetime) -> Sequence[Conversation]:
        """Those asked since and over, however they ended; the newest first."""
        ...

    def save(self, conversation: Conversation) -> bool:
        """Write it as the next version; False if it changed meanwhile, or another was opened."""
        ...

    def due(self, now: datetime, limit: int) -> Sequence[Conversation]:
        """Open ones to look at, the longest due first."""
        ...

    def keep_answer(
        self, conversation_id: int, inbound_id: int, step: str, value: str, now: datetime, journal_id: int | None
    ) -> int: ...
    def answers(self, conversation_id: int) -> Sequence[Asked]:
        """In the order they came, withdrawn ones too."""
        ...

    def last_answer(self, patient_id: int, since: datetime) -> Asked | None:
        """The newest that stands."""
        ...

    def withdraw(self, answer_id: int, now: datetime) -> bool:
        """Compare-and-set; False if it was withdrawn before."""
        ...
