"""Texts to and from one patient, and the check-ins they belong to."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from hub.domain.checkins import Schedule
from hub.domain.patients import Patient
from hub.services.ports.consents import ConsentEntry

DANGER = "text-danger"
"""The problem of the alert that words of danger open: of the patient, or of the number where it is several's."""


@dataclass(frozen=True, slots=True)
class AnswerLine:
    """What a text was understood as. ``value`` is the JSON that was kept; ``withdrawn_at``: it was mistyped."""

    step: str
    value: str
    measured: bool
    withdrawn_at: datetime | None


@dataclass(frozen=True, slots=True)
class TextLine:
    """One text. ``at``: when it came or left, or is to leave; ``wrote_at``: when the hub knew of it first."""

    id: int
    inward: bool
    body: str
    at: datetime
    wrote_at: datetime
    conversation_id: int | None
    kind: str = ""
    """Of one that goes out: checkin | answer | courtesy."""
    urgent: bool = False
    state: str = ""
    """Of one that goes out, as ``hub.domain.messages.Sending`` has it."""
    error: str | None = None
    media: int = 0
    handled: bool = True
    """The worker has looked at it."""
    understood: str | None = None
    """Of one that came: what it was understood as; None: a person has to read it."""
    read_at: datetime | None = None
    answers: tuple[AnswerLine, ...] = ()
    danger: str | None = None
    """The kind of danger its words speak of."""
    whose: bool = True
    """False: the hub could not tell whose of several patients with this number it is."""

    @property
    def unread(self) -> bool:
        """It waits for a person."""
        return self.inward and self.understood is None and self.read_at is None


@dataclass(frozen=True, slots=True)
class Exchange:
    """One conversation of one check-in. ``state`` as in ``conversation.state``."""

    id: int
    title: str
    version: int
    cause: str  # schedule | missing
    state: str
    due_at: datetime | None
    """When the reading was due that did not come; None: it was asked for another cause."""
    asked_at: datetime
    check_at: datetime | None
    ended_at: datetime | None
    choices: Mapping[str, Mapping[str, str]]
    """Words of each option, by step and digit."""


@dataclass(frozen=True, slots=True)
class AskedCheckIn:
    """A check-in in force for this patient. ``next_at`` by its schedule; None: not planned yet, or only when late."""

    title: str
    version: int
    signed_by: str | None
    missing: tuple[str, ...]
    schedule: Schedule | None
    next_at: datetime | None


@dataclass(frozen=True, slots=True)
class TextsPage:
    """Every text of one patient, oldest first, as far as ``more`` earlier ones are not left out."""

    patient: Patient
    consents: tuple[ConsentEntry, ...]
    lines: tuple[TextLine, ...]
    more: bool
    unread: int
    """Texts that wait for a person, also earlier ones."""
    exchanges: Mapping[int, Exchange]
    asked: tuple[AskedCheckIn, ...]
    sharing: int
    """How many other patients have the same number."""
    danger_ref: str | None
    """The open alert about words of danger in this patient's texts."""
