"""Tasks as the worklist shows them: a night of low readings asks for many reviews, and is one line."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from hub.services.views.worklist import TaskRow


@dataclass(frozen=True, slots=True)
class Chore:
    """A task, and how many further reviews of the same patient stand behind it."""

    task: TaskRow
    more: int = 0


def folded(tasks: Sequence[TaskRow]) -> list[Chore]:
    """In the order given; of one patient's reviews that wait for the same people the first stands for all."""
    chores: dict[tuple[object, ...], Chore] = {}
    for task in tasks:
        key = _key(task)
        known = chores.get(key)
        chores[key] = Chore(task) if known is None else replace(known, more=known.more + 1)
    return list(chores.values())


def _key(task: TaskRow) -> tuple[object, ...]:
    if task.kind == "review" and task.patient is not None:
        return "review", task.patient.id, task.owner_id, task.role
    return "task", task.id
