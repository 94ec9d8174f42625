"""Alerts, tasks, and messages that have to leave."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from hub.domain.severity import Severity


@dataclass(frozen=True, slots=True)
class NewTask:
    """A duty of a person or of a role. ``key`` makes a duty found twice one task."""

    kind: str  # follow_up | review | unassigned | home_again | call_patient
    title: str
    due_at: datetime
    patient_id: int | None = None
    alert_id: int | None = None
    owner_id: int | None = None
    role: str | None = None
    key: str | None = None


class Alerts(Protocol):
    """Open alerts and their history: see ``hub.services.alerting`` for the only code that changes them."""


class Tasks(Protocol):
    """All duty that is not an alert."""

    def add(self, task: NewTask, now: datetime) -> int | None:
        """None if a task with this key stands already."""
        ...


class Outbox(Protocol):
    """Messages written in the transaction of their cause, sent by the worker."""


@dataclass(frozen=True, slots=True)
class OpenAlert:
    """What ingest must know of an open alert."""

    id: int
    problem: str
    severity: Severity
    kind: str
    opened_at: datetime


__all__ = ["Alerts", "NewTask", "OpenAlert", "Outbox", "Sequence", "Tasks"]
