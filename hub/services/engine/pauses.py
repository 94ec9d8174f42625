"""A pause never ends silently: when it is over, a task asks "home again?" (SF17)."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from hub.domain.patients import Patient
from hub.services.hub import Hub
from hub.services.ports.alerting import NewTask
from hub.services.ports.storage import UnitOfWork


@dataclass(frozen=True, slots=True)
class Pauses:
    """Pauses that have run out."""

    name: str = "pauses"
    deadline: timedelta = timedelta(seconds=10)

    def run(self, hub: Hub, now: datetime) -> int:
        """One open task a pause. Done while the patient is still paused, it is asked anew on the patient's next day."""
        with hub.unit_of_work() as uow:
            over = uow.patients.pauses_over(now)
            asked = uow.tasks.open_keys("home_again") if over else set()
            made = sum(_ask(uow, patient, asked, now) for patient in over)
            if made:
                uow.commit()
        return made


def _ask(uow: UnitOfWork, patient: Patient, asked: set[str], now: datetime) -> bool:
    until = patient.paused_until
    duty = f"home-again:{patient.id}:{until.isoformat() if until else ''}:"
    if any(key.startswith(duty) for key in asked):
        return False
    weight = " and for a new dry weight" if patient.dry_weight is not None else ""
    task = NewTask(
        kind="home_again",
        title=f"Home again? The pause is over: ask{weight}, then resume monitoring or pause anew",
        due_at=now + timedelta(hours=4),
        patient_id=patient.id,
        owner_id=patient.care_manager_id,
        role="nurse",
        key=f"{duty}{now.astimezone(ZoneInfo(patient.zone)).date()}",
    )
    return uow.tasks.add(task, now) is not None
