"""A patient's chart."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from hub.domain.patients import Patient
from hub.domain.ruling import Band
from hub.domain.samples import Sample
from hub.services.ports.consents import ConsentEntry
from hub.services.views.alerts import AlertRow
from hub.services.views.people import StaffTag
from hub.services.views.replays import Found
from hub.services.views.worklist import PatientRow, TaskRow


@dataclass(frozen=True, slots=True)
class Series:
    """One metric over a stretch of time, with the limits in force."""

    metric: str
    samples: tuple[Sample, ...]
    bands: tuple[Band, ...]
    interval: timedelta | None
    """How often a reading is expected; None: not waited for."""
    last_at: datetime | None
    """Newest reading of all, also outside the stretch."""
    replayed: bool = False
    """From recordings: drawn apart from what the patient's own devices measured."""


@dataclass(frozen=True, slots=True)
class Programme:
    """A protocol the patient is on."""

    id: str
    title: str
    version: int
    signed_by: str | None
    signed_at: datetime
    since: datetime


@dataclass(frozen=True, slots=True)
class Goal:
    """What the patient wants, in the patient's own words."""

    words: str
    added_at: datetime
    added_by: str | None


@dataclass(frozen=True, slots=True)
class PatientPage:
    """One patient, whole."""

    patient: Patient
    row: PatientRow
    programmes: tuple[Programme, ...]
    care_manager: StaffTag | None
    goals: tuple[Goal, ...]
    consents: tuple[ConsentEntry, ...]
    """The whole ledger, the newest line first."""
    open_alerts: tuple[AlertRow, ...]
    past_alerts: tuple[AlertRow, ...]
    tasks: tuple[TaskRow, ...]
    staff: tuple[StaffTag, ...]
    """Whom work can be given to."""
    first_reading_at: datetime | None
    """Of any metric; None: nothing was measured yet."""
    recorded: tuple[Found, ...] = ()
    """What the rules found in recordings that were replayed, worst first."""
