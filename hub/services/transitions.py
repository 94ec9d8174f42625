"""The one way an alert changes: apply the table, compare-and-set, write its history and the audit."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from hub.domain.alerts import Alert, Event
from hub.domain.lifecycle import Change, Refusal, apply
from hub.errors import Transient
from hub.services.hub import Actor
from hub.services.ports.alerting import AlertEvent
from hub.services.ports.storage import UnitOfWork

TRIES = 5

ADDED = "ADD-1"
ADDED_EVERY = timedelta(minutes=1)
"""A device that sends every second does not write a line of history and of the audit each time."""


@dataclass(frozen=True, slots=True)
class Changed:
    """The alert before and after, and the id of the transition between."""

    before: Alert
    after: Alert
    transition: str


def change(uow: UnitOfWork, alert: Alert, event: Event, actor: Actor, now: datetime) -> Changed | Refusal:
    """Apply ``event``. Whoever loses a race is judged anew, on what the winner left."""
    for _ in range(TRIES):
        outcome = apply(alert, event, now)
        if isinstance(outcome, Refusal):
            return outcome
        if uow.alerts.save(alert.id, alert.version, outcome.fields):
            if not _told_lately(uow, alert, outcome.transition, now):
                record(uow, alert.id, [outcome], actor, now)
            return Changed(alert, outcome.after, outcome.transition)
        alert = uow.alerts.get(alert.id)
    raise Transient(f"alert {alert.ref} is changed by too many at once")


def _told_lately(uow: UnitOfWork, before: Alert, transition: str, now: datetime) -> bool:
    """One more finding of an alert that had one a moment ago: it stands in its own row, and the story says it once."""
    if transition != ADDED or before.technical or before.over_at is not None:
        return False
    told = uow.alerts.last_noted(before.id, ADDED)
    return told is not None and timedelta(0) <= now - told < ADDED_EVERY


def record(uow: UnitOfWork, alert_id: int, changes: Sequence[Change], actor: Actor, now: datetime) -> None:
    """What happened to an alert, in its order: its history and the audit."""
    uow.alerts.note(alert_id, *(AlertEvent(now, one.transition, actor.name, one.words) for one in changes))
    acts = [(f"alert.{one.transition}", _detail(one.after)) for one in changes]
    uow.audit.write_all(now, actor.name, f"alert:{alert_id}", acts)


def _detail(alert: Alert) -> dict[str, object]:
    return {"ref": alert.ref, "state": alert.state.value, "severity": alert.severity.word, "version": alert.version}
