"""The worklist: the home page, and what its live part asks for."""

from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from dashboards.security.asking import actor, hub, now, zone
from dashboards.security.headers import unchanged_or
from dashboards.viewmodels.chores import folded
from dashboards.viewmodels.patient_state import panel_order, state_of
from dashboards.viewmodels.triage import LANES, Filters, Held, choices, keep_still
from dashboards.viewmodels.unread import rows
from hub.errors import Conflict
from hub.services.hub import CLINICAL
from hub.services.incoming.reading import mark_read
from hub.services.views.alerts import AlertRow
from hub.services.views.worklist import PatientRow, TaskRow, Worklist

blueprint = Blueprint("worklist", __name__)

MOST_TASKS = 8
_REFS = 300


@dataclass(frozen=True, slots=True)
class Lane:
    """A lane with its rows, and how many more wait behind the bar."""

    id: str
    title: str
    rows: list[AlertRow]
    waiting: int


@blueprint.get("/")
def show() -> ResponseReturnValue:
    """The whole page."""
    return render_template("worklist/show.html", **_context(()))


@blueprint.get("/live")
def live() -> ResponseReturnValue:
    """The lanes and the panel as they are now. Rows that the page shows keep their places; new ones are counted."""
    shown = tuple(request.headers.get("X-Shown", "").split(",")[:_REFS]) if request.headers.get("X-Shown") else ()
    return unchanged_or(render_template("worklist/live.html", **_context(shown)))


@blueprint.post("/texts/<int:text_id>/read")
def text_read(text_id: int) -> ResponseReturnValue:
    """Somebody has read a text that was not understood. Who comes second sees that it is gone."""
    with suppress(Conflict):
        mark_read(hub(), actor(), text_id)
    back = request.form.get("back", type=int)
    if back is not None:
        return redirect(url_for("patients.texts", patient_id=back, _anchor=f"text-in-{text_id}"), 303)
    return redirect(url_for("worklist.show"), 303)


def _context(shown: tuple[str, ...]) -> dict[str, Any]:
    with hub().reads() as reads:
        found = reads.worklist(now())
    me = actor()
    alerts = [alert for alert in found.alerts if _theirs(alert)]
    filters = Filters.of(request.args)
    held = keep_still([alert for alert in alerts if filters.admits(alert, me.staff_id)], shown)
    return {
        "found": found,
        "filters": filters,
        "query": filters.query(),
        "groups": choices(filters, alerts, me.staff_id),
        "lanes": _lanes(held),
        "held_back": held.new,
        "total": len(alerts),
        "unread": rows(found.texts, now()),
        "tasks": folded(_tasks(found))[:MOST_TASKS],
        "task_count": len(_tasks(found)),
        "closed_unseen": [alert for alert in found.closed_unseen if _theirs(alert)],
        "panel": _panel(found.patients) if me.role in CLINICAL else [],
        "poll_seconds": 5 if hub().site.demo else 15,
    }


def _theirs(alert: AlertRow) -> bool:
    """An operator sees the machine's troubles, not the patients'."""
    return actor().role in CLINICAL or alert.kind == "technical"


def _lanes(held: Held) -> list[Lane]:
    return [Lane(kind, title, _of(kind, held.rows), len(_of(kind, held.new))) for kind, title in LANES]


def _of(kind: str, rows: tuple[AlertRow, ...]) -> list[AlertRow]:
    return [row for row in rows if row.kind == kind]


def _tasks(found: Worklist) -> list[TaskRow]:
    me = actor()
    mine = [t for t in found.tasks if t.owner_id == me.staff_id or (t.owner_id is None and t.role in (None, me.role))]
    return [task for task in mine if me.role in CLINICAL or task.patient is None]


def _panel(patients: tuple[PatientRow, ...]) -> list[tuple[PatientRow, Any]]:
    states = [(row, state_of(row, now(), zone())) for row in patients]
    return sorted(states, key=lambda pair: panel_order(*pair))
