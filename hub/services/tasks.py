"""All duty that is not an alert: adding it, taking it, doing it."""

from hub.errors import Conflict, Invalid
from hub.services.contact import LONGEST_NOTE
from hub.services.hub import CLINICAL, OPERATORS, Actor, Hub, require
from hub.services.ports.alerting import FARTHEST, NewTask, Task

ANYBODY = CLINICAL | OPERATORS


def add(hub: Hub, actor: Actor, task: NewTask) -> int:
    """The new task's id. ``Conflict`` if a task with its key stands already."""
    require(actor, ANYBODY)
    if not task.title.strip():
        raise Invalid({"title": "say what has to be done"})
    if task.owner_id is None and task.role is None:
        raise Invalid({"owner": "name a person or a role"})
    now = hub.clock.now()
    if task.due_at > now + FARTHEST:
        raise Invalid({"due": "must be within a year"})
    with hub.unit_of_work() as uow:
        if task.owner_id is not None:
            uow.staff.get(task.owner_id)
        task_id = uow.tasks.add(task, now)
        if task_id is None:
            raise Conflict("this task stands already")
        uow.audit.write(now, actor.name, "task.add", f"task:{task_id}", {"kind": task.kind, "owner": task.owner_id})
        uow.commit()
    return task_id


def claim(hub: Hub, actor: Actor, task_id: int) -> Task:
    """The task, now the actor's. ``Conflict`` says whose it is."""
    require(actor, ANYBODY)
    if actor.staff_id is None:
        raise Invalid({"actor": "a task is taken by a member of staff"})
    now = hub.clock.now()
    with hub.unit_of_work() as uow:
        task = uow.tasks.get(task_id)
        if not uow.tasks.claim(task_id, actor.staff_id):
            raise Conflict(_why_not(task, None if task.owner_id is None else uow.staff.get(task.owner_id).name))
        uow.audit.write(now, actor.name, "task.claim", f"task:{task_id}", {})
        claimed = uow.tasks.get(task_id)
        uow.commit()
    return claimed


def complete(hub: Hub, actor: Actor, task_id: int, note: str = "") -> Task:
    """The task, done. ``Conflict`` if it was done or cancelled before."""
    require(actor, ANYBODY)
    if len(note) > LONGEST_NOTE:
        raise Invalid({"note": f"must be at most {LONGEST_NOTE} characters"})
    now = hub.clock.now()
    with hub.unit_of_work() as uow:
        task = uow.tasks.get(task_id)
        if not uow.tasks.complete(task_id, actor.staff_id, note.strip() or None, now):
            raise Conflict(_why_not(task, None))
        uow.audit.write(now, actor.name, "task.complete", f"task:{task_id}", {"kind": task.kind})
        done = uow.tasks.get(task_id)
        uow.commit()
    return done


def _why_not(task: Task, owner: str | None) -> str:
    if task.cancelled:
        return "this task was cancelled"
    if task.done_at is not None:
        return "this task is done already"
    return f"{owner} has this task" if owner else "this task changed meanwhile"
