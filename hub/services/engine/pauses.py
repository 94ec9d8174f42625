"""A pause never ends silently: when it is over, a task asks "home again?" (SF17)."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from hub.domain.patients import Patient
from hub.services.engine.guard import one_by_one
from hub.services.hub import Hub
from hub.services.ports.alerting import NewTask
from hub.services.ports.storage import UnitOfWork


@dataclass(frozen=True, slots=True)
class Pauses:
    """Pauses that have run out."""

    name: str = "pauses"
    deadline: timedelta = timedelta(seconds=10)

    def run(self, hub: Hub, now: datetime) -> int:
        """One task a pause; the patient stays paused until a person has asked."""
        with hub.unit_of_work() as uow:
            over = uow.patients.pauses_over(now)

        def ask(uow: UnitOfWork, patient: Patient) -> None:
            until = patient.paused_until
            weight = " and for a new dry weight" if patient.dry_weight is not None else ""
            task = NewTask(
                kind="home_again",
                title=f"Home again? The pause is over: ask{weight}, then resume monitoring or pause anew",
                due_at=now + timedelta(hours=4),
                patient_id=patient.id,
                owner_id=patient.care_manager_id,
                role="nurse",
                key=f"home-again:{patient.id}:{until.isoformat() if until else ''}",
            )
            uow.tasks.add(task, now)

        return one_by_one(hub, now, over, ask, "pauses", lambda patient: patient.id)
