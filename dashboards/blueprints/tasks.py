"""Everybody's tasks."""

from collections.abc import Callable
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from flask import Blueprint, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from dashboards.security.asking import actor, hub, now, zone
from dashboards.security.refusals import Refusal, refusal
from hub.errors import Invalid, NotFound, Refused
from hub.services import tasks as duties
from hub.services.hub import CLINICAL
from hub.services.ports.alerting import NewTask
from hub.services.views.worklist import TaskRow

blueprint = Blueprint("tasks", __name__, url_prefix="/tasks")

NOTICES = {"claimed": "It is yours.", "completed": "Done.", "added": "Task added."}
DONE_SHOWN = timedelta(days=2)


@blueprint.get("/")
def show() -> ResponseReturnValue:
    """Open tasks, and those done in the last two days."""
    return _page(NOTICES.get(request.args.get("done", ""), ""))


@blueprint.post("/<int:task_id>/claim")
def claim(task_id: int) -> ResponseReturnValue:
    """Take a task of the pool."""
    return _act("claimed", lambda: duties.claim(hub(), actor(), task_id), task_id)


@blueprint.post("/<int:task_id>/complete")
def complete(task_id: int) -> ResponseReturnValue:
    """Done, with a word about how."""
    note = request.form.get("note", "").strip()
    return _act("completed", lambda: duties.complete(hub(), actor(), task_id, note), task_id)


@blueprint.post("/add")
def add() -> ResponseReturnValue:
    """A new task with an owner and a time."""

    def act() -> None:
        title, wrong = request.form.get("title", "").strip(), {}
        due_at = _due(request.form.get("due", ""))
        if not title:
            wrong["title"] = "Say what is to be done."
        if due_at is None:
            wrong["due"] = "Give a date and a time."
        if wrong or due_at is None:
            raise Invalid(wrong)
        owner = request.form.get("owner", "")
        patient = request.form.get("patient", "")
        duties.add(
            hub(),
            actor(),
            NewTask(
                kind="follow_up",
                title=title,
                due_at=due_at,
                patient_id=int(patient) if patient.isdecimal() else None,
                owner_id=int(owner) if owner.isdecimal() else None,
                role=None if owner.isdecimal() else "nurse",
            ),
        )

    return _act("added", act)


def _due(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone()))
    except ValueError:
        return None


def _act(done: str, act: Callable[[], object], task_id: int | None = None) -> ResponseReturnValue:
    if task_id is not None and not any(task.id == task_id for task in _tasks()):
        raise NotFound("no such task")
    try:
        act()
    except Refused as error:
        return _page("", refusal(error))
    return redirect(url_for("tasks.show", done=done), 303)


def _tasks() -> list[TaskRow]:
    with hub().reads() as reads:
        found = reads.tasks(now() - DONE_SHOWN)
    return [task for task in found if actor().role in CLINICAL or task.patient is None]


def _page(notice: str, refused: Refusal | None = None) -> ResponseReturnValue:
    found = _tasks()
    with hub().reads() as reads:
        staff = reads.staff()
    me = actor()
    open_ones = [task for task in found if task.done_at is None]
    html = render_template(
        "tasks/show.html",
        mine=[task for task in open_ones if task.owner_id == me.staff_id],
        pool=[task for task in open_ones if task.owner_id is None],
        others=[task for task in open_ones if task.owner_id not in (None, me.staff_id)],
        finished=[task for task in found if task.done_at is not None],
        staff=staff,
        notice=notice,
        refused=refused,
        form=request.form,
    )
    return make_response(html, refused.status if refused else 200)
