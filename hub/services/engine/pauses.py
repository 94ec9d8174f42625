"""A pause never ends silently: when it is over, a task asks "home again?" (SF17)."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from hub.domain.patients import Patient
from hub.services.hub import Hub
from hub.services.ports.alerting import NewTask


@dataclass(frozen=True, slots=True)
class Pauses:
    """Pauses that have run out."""

    name: str = "pauses"
    deadline: timedelta = timedelta(seconds=10)

    def run(self, hub: Hub, now: datetime) -> int:
        """One task a pause; the patient stays paused until a person has asked."""
        with hub.unit_of_work() as uow:
            made = sum(
                uow.tasks.add(_home_again(patient, now), now) is not None for patient in uow.patients.pauses_over(now)
            )
            if made:
                uow.commit()
        return made


def _home_again(patient: Patient, now: datetime) -> NewTask:
    until = patient.paused_until
    weight = " and for a new dry weight" if patient.dry_weight is not None else ""
    return NewTask(
        kind="home_again",
        title=f"Home again? The pause is over: ask{weight}, then resume monitoring or pause anew",
        due_at=now + timedelta(hours=4),
        patient_id=patient.id,
        owner_id=patient.care_manager_id,
        role="nurse",
        key=f"home-again:{patient.id}:{until.isoformat() if until else ''}",
    )
