"""The worklist: what needs a person now, and how every watched patient is."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from hub.domain.patients import Monitoring
from hub.domain.samples import Sample
from hub.domain.severity import Severity
from hub.services.views.alerts import AlertRow
from hub.services.views.people import PatientTag


@dataclass(frozen=True, slots=True)
class TaskRow:
    """A duty that is not an alert."""

    id: int
    kind: str
    title: str
    due_at: datetime
    created_at: datetime
    owner_id: int | None
    owner: str | None
    role: str | None
    patient: PatientTag | None
    alert_ref: str | None
    done_at: datetime | None = None
    done_by: str | None = None
    note: str | None = None


@dataclass(frozen=True, slots=True)
class UnreadText:
    """A text that was not understood and is not from staff (SF16)."""

    id: int
    received_at: datetime
    body: str
    sender: str
    patient: PatientTag | None
    """None: no patient has this number, or several share it."""
    may_be: tuple[PatientTag, ...] = ()
    """Who shares the number."""
    media: int = 0
    """Pictures and the like that came with it; the provider has them."""
    handled: bool = True
    """False: the worker has not looked at it yet."""
    danger: str | None = None
    """The kind of danger its words speak of."""
    alert_ref: str | None = None
    """The open alert about that."""


@dataclass(frozen=True, slots=True)
class Watch:
    """One metric that is waited for: by when, how often, and what came last."""

    metric: str
    due_at: datetime
    state: str  # due | late | no_data
    interval: timedelta
    """The longest time that lies between two readings according to plan."""
    counted_from: datetime
    latest_at: datetime | None


@dataclass(frozen=True, slots=True)
class PatientRow:
    """A patient who is watched, or should be."""

    patient: PatientTag
    monitoring: Monitoring
    state_reason: str | None
    paused_until: datetime | None
    programmes: tuple[str, ...]
    care_manager: str | None
    watches: tuple[Watch, ...]
    open_alerts: tuple[tuple[str, str, Severity], ...]
    """(ref, kind, severity) of each alert that is open."""
    latest: tuple[Sample, ...]


@dataclass(frozen=True, slots=True)
class SiteState:
    """What the head of the page says about the hub itself."""

    last_received_at: datetime | None
    unsent: int
    """Messages that should have left by now."""
    on_call: str | None
    """Who is paged first about a patient without a care manager; None: nobody has a phone."""
    quarantined: int
    held: int
    restored_from: datetime | None = None
    """When the backup was made that this hub came back from, while patients are not texted for it (SF22)."""


@dataclass(frozen=True, slots=True)
class Worklist:
    """Everything on the first page, of one snapshot."""

    site: SiteState
    alerts: tuple[AlertRow, ...]
    closed_unseen: tuple[AlertRow, ...]
    tasks: tuple[TaskRow, ...]
    texts: tuple[UnreadText, ...]
    """Those that speak of danger first, then the oldest."""
    texts_unread: int
    """How many there are, also those not listed."""
    patients: tuple[PatientRow, ...]
