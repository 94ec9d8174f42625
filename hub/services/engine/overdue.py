"""Tasks that were not done in time: first their owner is paged, then the care manager, then the last resort."""

from datetime import datetime, timedelta

from hub.domain import texts
from hub.domain.escalation import Person
from hub.domain.messages import PAGE_VALID
from hub.services.engine.guard import one_by_one
from hub.services.hub import HUB, Hub
from hub.services.paging import care_team, clinic, last_resort
from hub.services.ports.alerting import NewMessage, Task
from hub.services.ports.storage import UnitOfWork
from hub.services.restored import last, pages_wait

LIMIT = 200
NEXT_PERSON = timedelta(minutes=15)
REPEAT = timedelta(hours=4)
"""The last person hears of it again this often until it is done."""


class Overdue:
    """Pages somebody about every task that pages when it is overdue."""

    name = "overdue"
    deadline = timedelta(seconds=5)

    def run(self, hub: Hub, now: datetime) -> int:
        """How many tasks were due."""
        with hub.unit_of_work() as uow:
            due = [] if pages_wait(uow, last(uow), None, now) else uow.tasks.due_pages(now, LIMIT)

        def remind(uow: UnitOfWork, task_id: int) -> None:
            _remind(uow, hub, uow.tasks.get(task_id), now)

        return one_by_one(hub, now, due, remind, self.name, str)


def _people(uow: UnitOfWork, hub: Hub, task: Task) -> list[Person]:
    patient = None if task.patient_id is None else uow.patients.get(task.patient_id)
    owner = None if task.owner_id is None else uow.staff.get(task.owner_id)
    chain = [Person(owner.name, owner.phone, owner.id)] if owner and owner.phone and not owner.disabled_at else []
    chain += [person for person in care_team(uow, patient) if owner is None or person.staff_id != owner.id][:1]
    final = last_resort(hub)
    return [*chain, final] if final else chain


def _remind(uow: UnitOfWork, hub: Hub, task: Task, now: datetime) -> None:
    people = _people(uow, hub, task)
    at_the_end = task.pages >= len(people) - 1
    wait = (REPEAT if at_the_end else NEXT_PERSON) * hub.site.escalation_scale
    if not uow.tasks.set_page(task.id, task.pages, task.pages + 1, now + wait, now):
        return  # done, cancelled or paged by another worker meanwhile
    if people:
        person = people[min(task.pages, len(people) - 1)]
        message = NewMessage(
            dedupe=f"task:{task.id}:page:{task.pages}",
            kind="task",
            to=person.phone,
            body=texts.task_overdue(clinic(hub), task.id, task.due_at),
            send_after=now,
            valid_until=now + PAGE_VALID,
            patient_id=task.patient_id,
            staff_id=person.staff_id,
        )
        uow.outbox.add(message, now)
    uow.audit.write(now, HUB.name, "task.overdue", f"task:{task.id}", {"pages": task.pages + 1})
