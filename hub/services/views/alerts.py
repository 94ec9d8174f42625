"""Alerts, as the worklist and the alert page show them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from hub.domain.ruling import Band
from hub.domain.samples import Sample
from hub.domain.severity import Severity
from hub.services.views.people import PatientTag


@dataclass(frozen=True, slots=True)
class Extremes:
    """Lowest and highest value of a stretch of time: what a small picture keeps of many readings."""

    at: datetime
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class NextPage:
    """Who is paged next, and when, if nobody acknowledges."""

    at: datetime
    to: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AlertRow:
    """An alert with all that a row of the worklist prints."""

    id: int
    ref: str
    version: int
    kind: str  # clinical | missing | technical
    severity: Severity
    state: str  # open | acknowledged | resolved | closed | ended
    problem: str
    subject: str
    sentence: str
    confirmed: bool
    signed_off: bool
    findings: int
    opened_at: datetime
    triggered_at: datetime
    last_finding_at: datetime
    patient: PatientTag | None = None
    programmes: tuple[str, ...] = ()
    owner_id: int | None = None
    owner: str | None = None
    acknowledged_at: datetime | None = None
    lapses_at: datetime | None = None
    chart_opened_at: datetime | None = None
    contacted_at: datetime | None = None
    nobody_reached_at: datetime | None = None
    next_page: NextPage | None = None
    worse_at: datetime | None = None
    """When the hub raised it, or last found it worse."""
    closed_at: datetime | None = None
    closed_by: str | None = None
    outcome: str | None = None
    outcome_note: str | None = None
    closing_seen_at: datetime | None = None
    latest: tuple[Sample, ...] = ()
    """Newest sample of each metric the alert speaks about, the leading one first."""
    trend: Sequence[Extremes] = ()
    """The leading metric over the last 14 days."""
    bands: tuple[Band, ...] = ()
    pages: bool = True
    """Whether anybody can be paged about it, so that it can be passed on."""

    @property
    def open(self) -> bool:
        """Whether somebody still has to answer for it."""
        return self.state in {"open", "acknowledged"}


@dataclass(frozen=True, slots=True)
class FindingLine:
    """One finding with all it rests on (SF15)."""

    id: int
    at: datetime
    found_at: datetime
    severity: Severity
    sentence: str
    rule: str
    protocol: str | None
    protocol_title: str | None
    protocol_version: int | None
    signed_by: str | None
    signed_at: datetime | None
    confirmed: bool
    retrospective: bool
    superseded_at: datetime | None
    inputs: Mapping[str, str] = field(default_factory=dict)
    samples: tuple[Sample, ...] = ()
    """The values of the reading it speaks about."""
    device: str | None = None


@dataclass(frozen=True, slots=True)
class Event:
    """A step of the alert's history."""

    at: datetime
    actor: str
    transition: str
    words: str


@dataclass(frozen=True, slots=True)
class Message:
    """A message that left, or should: to whom, and how far it came."""

    at: datetime
    kind: str
    to: str
    state: str
    sent_at: datetime | None
    error: str | None


@dataclass(frozen=True, slots=True)
class ContactLine:
    """A contact somebody recorded."""

    at: datetime
    by: str
    way: str
    reached: bool
    note: str | None


@dataclass(frozen=True, slots=True)
class AlertPage:
    """An alert with its whole story."""

    alert: AlertRow
    phone: str | None
    findings: tuple[FindingLine, ...]
    """Newest first: the newest of all, and whatever the age the one that set the severity and each rule's newest."""
    found: tuple[datetime, ...]
    """When each finding there is was made, oldest first: also those not listed, and those the events leave out."""
    events: tuple[Event, ...]
    messages: tuple[Message, ...]
    contacts: tuple[ContactLine, ...]
    similar: tuple[AlertRow, ...]
    """The last three closed ones of the same subject and problem."""
