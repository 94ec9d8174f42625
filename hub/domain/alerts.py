"""An alert: what is wrong with one subject, who answers for it, and what may happen to it.

``hub.domain.lifecycle`` holds the table of transitions; nothing else changes an alert.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum

from hub.domain.escalation import NOBODY, Chain
from hub.domain.severity import Severity


class State(StrEnum):
    """``closed`` is by itself, ``resolved`` by a person, ``ended`` with the patient's monitoring."""

    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    RESOLVED = "resolved"
    CLOSED = "closed"
    ENDED = "ended"


LIVE = frozenset({State.OPEN, State.ACKNOWLEDGED})
"""One such alert at most per (subject, problem)."""

CLINICAL, MISSING, TECHNICAL = "clinical", "missing", "technical"

OUTCOMES: Mapping[str, str] = {
    "true": "True: the patient needed attention",
    "technique": "Measured wrongly",
    "device": "Device at fault",
    "expected": "Expected for this patient",
    "wrong_person": "Somebody else was measured",
    "mended": "Technical fault mended",
    "no_contact": "Patient not reached",
}
"""How an alert may be resolved, and the words for it. One of them is mandatory (E18)."""


@dataclass(frozen=True, slots=True)
class Alert:
    """One alert as its row says. ``subject`` is what the problem is of: ``patient:7``, ``gateway:g-…``, ``hub``."""

    id: int
    ref: str
    kind: str
    patient_id: int | None
    problem: str
    subject: str
    severity: Severity
    state: State
    sentence: str
    confirmed: bool
    signed_off: bool
    opened_at: datetime
    triggered_at: datetime
    last_finding_at: datetime
    findings: int = 1
    rules: frozenset[str] = frozenset()
    worst: Mapping[str, Decimal] = field(default_factory=dict)
    """By metric, the value that "worse" is measured from: the most extreme one up to the acknowledgement."""
    version: int = 1
    worse_version: int = 1
    worse_at: datetime | None = None
    """When the hub raised it, or last found it worse: the time a page names."""
    chain: Chain = NOBODY
    round: int = 1
    step: int = 0
    next_page_at: datetime | None = None
    acknowledged_by: int | None = None
    acknowledged_name: str | None = None
    acknowledged_at: datetime | None = None
    lapses_at: datetime | None = None
    chart_opened_at: datetime | None = None
    contacted_at: datetime | None = None
    over_at: datetime | None = None
    closed_at: datetime | None = None
    closed_by: int | None = None
    closed_name: str | None = None
    outcome: str | None = None
    outcome_note: str | None = None
    closing_seen_at: datetime | None = None
    nobody_reached_at: datetime | None = None

    @property
    def live(self) -> bool:
        """Whether it still needs somebody."""
        return self.state in LIVE

    @property
    def red(self) -> bool:
        """Whether the rules for red hold."""
        return self.severity is Severity.RED

    @property
    def technical(self) -> bool:
        """About the system, not about a patient's body."""
        return self.kind == TECHNICAL

    @property
    def one_patients(self) -> bool:
        """Whether there is one patient's chart to open and one patient to phone. A held reading has candidates only."""
        return self.patient_id is not None and not self.technical


# What may happen. Each carries all that its transition needs, so that applying it reads nothing else.


@dataclass(frozen=True, slots=True)
class Found:
    """A rule spoke about the alert's problem. ``chain`` is the one for its severity, where that is higher."""

    severity: Severity
    rule: str
    at: datetime
    sentence: str
    confirmed: bool = True
    signed_off: bool = True
    values: Mapping[str, Decimal] = field(default_factory=dict)
    chain: Chain | None = None
    retold: bool = False
    """The alert takes this sentence though nothing became worse."""
    afresh: bool = False
    """It counts as worse by itself: who took the alert before did not know of it."""


@dataclass(frozen=True, slots=True)
class Acknowledge:
    """Somebody takes it."""

    name: str
    staff_id: int | None
    by_text: bool = False
    scale: float = 1.0


@dataclass(frozen=True, slots=True)
class PassOn:
    """Somebody hands it to the next person. ``phone`` tells a last resort contact, who has no staff row."""

    name: str
    staff_id: int | None
    phone: str | None = None


@dataclass(frozen=True, slots=True)
class PageDue:
    """The time of the next page has come."""


@dataclass(frozen=True, slots=True)
class NotReached:
    """The page of this round and step failed: whoever it was for does not know (E10)."""

    round: int
    step: int


@dataclass(frozen=True, slots=True)
class NobodyReached:
    """No page of this alert can be taken to have reached a person (SF12)."""


@dataclass(frozen=True, slots=True)
class LapseDue:
    """The time of the acknowledgement is up."""


@dataclass(frozen=True, slots=True)
class ChartOpened:
    """A member of staff looks at the patient's chart."""

    staff_id: int | None
    scale: float = 1.0


@dataclass(frozen=True, slots=True)
class Contacted:
    """Somebody tried to reach the patient, or did."""

    reached: bool
    way: str
    scale: float = 1.0


@dataclass(frozen=True, slots=True)
class BackInRange:
    """Two valid in-range readings at least 30 min apart (SF11)."""


@dataclass(frozen=True, slots=True)
class DataReturned:
    """What was missing came."""


@dataclass(frozen=True, slots=True)
class Over:
    """A technical condition is over."""


@dataclass(frozen=True, slots=True)
class Resolve:
    """A person says how it ended."""

    name: str
    staff_id: int | None
    outcome: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Seen:
    """A person looked at an alert that had closed by itself."""


@dataclass(frozen=True, slots=True)
class End:
    """The patient is no longer monitored (SF17)."""


Event = (
    Found | Acknowledge | PassOn | PageDue | NotReached | NobodyReached | LapseDue | ChartOpened | Contacted
    | BackInRange | DataReturned | Over | Resolve | Seen | End
)  # fmt: skip


def ago(since: datetime, now: datetime) -> str:
    """How long ago, in the words of a sentence: ``10 s ago``, ``3 min ago``, ``2 h ago``."""
    passed = max(now - since, timedelta(0))
    seconds = int(passed.total_seconds())
    if seconds < 60:
        return f"{seconds} s ago"
    if seconds < 3600:
        return f"{seconds // 60} min ago"
    return f"{seconds // 3600} h ago" if seconds < 48 * 3600 else f"{passed.days} days ago"
