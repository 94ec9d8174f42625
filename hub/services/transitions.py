"""The one way an alert changes: apply the table, compare-and-set, write its history and the audit."""

from dataclasses import dataclass
from datetime import datetime

from hub.domain.alerts import Alert, Event
from hub.domain.lifecycle import Refusal, apply
from hub.errors import Transient
from hub.services.hub import Actor
from hub.services.ports.storage import UnitOfWork

TRIES = 5


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
            record(uow, outcome.after, outcome.transition, outcome.words, actor, now)
            return Changed(alert, outcome.after, outcome.transition)
        alert = uow.alerts.get(alert.id)
    raise Transient(f"alert {alert.ref} is changed by too many at once")


def record(uow: UnitOfWork, alert: Alert, transition: str, words: str, actor: Actor, now: datetime) -> None:
    """Its history and the audit."""
    uow.alerts.note(alert.id, now, transition, actor.name, words)
    detail = {"ref": alert.ref, "state": alert.state.value, "severity": alert.severity.word, "version": alert.version}
    uow.audit.write(now, actor.name, f"alert.{transition}", f"alert:{alert.id}", detail)
