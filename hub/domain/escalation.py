"""Who is paged about an alert, and when: a chain frozen when the alert opens (E15).

Only these functions know the delays. Whom the site can page is decided in ``hub.services.paging``.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from hub.domain.severity import Severity

NEXT_PERSON = timedelta(minutes=5)
REPEAT = timedelta(minutes=10)
"""A red never ends "exhausted": its last step comes again this often, for ever (SF12)."""

AMBER_FIRST = timedelta(hours=2)
"""An amber waits on the worklist this long before it pages anybody."""
AMBER_NEXT = timedelta(minutes=15)
AMBER_REPEAT = timedelta(hours=2)

CHART = timedelta(minutes=15)
"""A red acknowledgement lapses after this without the chart opened (SF13)."""
CONTACT = timedelta(minutes=30)
"""... and after this without a contact recorded; also the time a vain attempt buys for the next one."""
RESOLUTION = timedelta(hours=4)
"""A red that was answered but not resolved comes back after this, so that nobody goes home on it."""

TASKS_THAT_PAGE = frozenset({"follow_up", "call_patient", "home_again"})
"""Kinds of task that page somebody when they are overdue; all others stay on the worklist."""


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody with a phone. ``staff_id`` is None for the site's last resort contact."""

    name: str
    phone: str
    staff_id: int | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """One person of a chain, and how long after the step before it they are paged."""

    name: str
    phone: str
    staff_id: int | None
    delay_s: float


@dataclass(frozen=True, slots=True)
class Chain:
    """Steps in order. Past its end the last step repeats every ``repeat_s`` seconds. Without steps it pages nobody."""

    steps: tuple[Step, ...] = ()
    repeat_s: float = 0

    def at(self, step: int) -> Step:
        """The person of ``step``; the last one past the end. The chain must not be empty."""
        return self.steps[min(step, len(self.steps) - 1)]

    def wait_before(self, step: int) -> timedelta:
        """Time between the page before ``step`` and the page of ``step``."""
        return timedelta(seconds=self.steps[step].delay_s if step < len(self.steps) else self.repeat_s)

    def last_paged(self, step: int) -> Step | None:
        """Who was paged last when ``step`` comes next."""
        return self.at(step - 1) if self.steps and step > 0 else None

    def to_json(self) -> str:
        """The form the row keeps."""
        steps = [
            {"name": step.name, "phone": step.phone, "staff_id": step.staff_id, "delay_s": step.delay_s}
            for step in self.steps
        ]
        return json.dumps({"steps": steps, "repeat_s": self.repeat_s})

    @classmethod
    def from_json(cls, text: str) -> "Chain":
        """The chain a row keeps."""
        body = json.loads(text)
        return cls(tuple(Step(**step) for step in body["steps"]), body["repeat_s"])


NOBODY = Chain()
"""A chain that pages nobody: the worklist alone has to do."""


def pages(kind: str, severity: Severity) -> bool:
    """Whether an alert of this kind and severity ever pages: low never, a technical amber neither."""
    return severity is Severity.RED or (severity is Severity.AMBER and kind != "technical")


def build(kind: str, severity: Severity, people: Sequence[Person], last_resort: Person | None, scale: float) -> Chain:
    """The chain to freeze on an alert. Nobody with a phone: the last resort is paged at once (SF12)."""
    if not pages(kind, severity):
        return NOBODY
    everybody = [*people, *([last_resort] if last_resort else [])]
    red = severity is Severity.RED
    first, later, repeat = (timedelta(0), NEXT_PERSON, REPEAT) if red else (AMBER_FIRST, AMBER_NEXT, AMBER_REPEAT)
    steps = tuple(
        Step(one.name, one.phone, one.staff_id, (later if place else first).total_seconds() * scale)
        for place, one in enumerate(everybody)
    )
    return Chain(steps, repeat.total_seconds() * scale)
