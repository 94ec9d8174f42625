"""How an alert ends by a person's word: outcome mandatory, with what follows from it."""

from dataclasses import dataclass
from datetime import datetime

from hub.domain.alerts import OUTCOMES, Alert, Resolve, Seen
from hub.domain.lifecycle import Refusal
from hub.errors import Conflict, Invalid, Unsafe
from hub.services.acknowledge import check_seen, may_answer, phone_of
from hub.services.contact import LONGEST_NOTE
from hub.services.hub import CLINICAL, OPERATORS, Actor, Hub, require
from hub.services.paging import stand_everybody_down
from hub.services.ports.alerting import FARTHEST, NewTask
from hub.services.ports.storage import UnitOfWork
from hub.services.transitions import change


@dataclass(frozen=True, slots=True)
class FollowUp:
    """What has to be done after it, by whom and until when; its owner is paged if it is not."""

    title: str
    owner_id: int | None
    """None: whichever nurse takes it; the care team is paged if it is not done."""
    due_at: datetime


def resolve(
    hub: Hub,
    actor: Actor,
    ref: str,
    outcome: str,
    note: str = "",
    follow_up: FollowUp | None = None,
    seen_version: int | None = None,
) -> Alert:
    """The alert, resolved. ``Unsafe`` (SF13) for a red without a contact; ``Conflict`` says who was first."""
    require(actor, CLINICAL | OPERATORS)
    now = hub.clock.now()
    _check(outcome, note, follow_up, now)
    with hub.unit_of_work() as uow:
        alert = uow.alerts.by_ref(ref)
        may_answer(actor, alert)
        check_seen(alert, seen_version)
        change_made = change(uow, alert, Resolve(actor.name, actor.staff_id, outcome, note.strip()), actor, now)
        if isinstance(change_made, Refusal):
            raise Unsafe("SF13", change_made.sentence) if alert.live else Conflict(change_made.sentence)
        stand_everybody_down(uow, hub, change_made.after, f"resolved by {actor.name}", now, phone_of(uow, actor))
        if follow_up is not None:
            _add_follow_up(uow, actor, alert, follow_up, now)
        uow.commit()
    return change_made.after


def mark_seen(hub: Hub, actor: Actor, ref: str) -> Alert:
    """An alert that had closed by itself, now seen by a person (SF11)."""
    require(actor, CLINICAL | OPERATORS)
    now = hub.clock.now()
    with hub.unit_of_work() as uow:
        alert = uow.alerts.by_ref(ref)
        may_answer(actor, alert)
        outcome = change(uow, alert, Seen(), actor, now)
        if isinstance(outcome, Refusal):
            raise Conflict(outcome.sentence)
        uow.commit()
    return outcome.after


def _check(outcome: str, note: str, follow_up: FollowUp | None, now: datetime) -> None:
    wrong = {}
    if outcome not in OUTCOMES:
        wrong["outcome"] = f"must be one of {', '.join(OUTCOMES)}"
    if outcome == "no_contact" and not note.strip():
        wrong["note"] = "say what was tried"
    if len(note) > LONGEST_NOTE:
        wrong["note"] = f"must be at most {LONGEST_NOTE} characters"
    if follow_up is not None and not follow_up.title.strip():
        wrong["follow_up_title"] = "say what has to be done"
    if follow_up is not None and follow_up.due_at <= now:
        wrong["follow_up_due"] = "must be in the future"
    if follow_up is not None and follow_up.due_at > now + FARTHEST:
        wrong["follow_up_due"] = "must be within a year"
    if wrong:
        raise Invalid(wrong)


def _add_follow_up(uow: UnitOfWork, actor: Actor, alert: Alert, follow_up: FollowUp, now: datetime) -> None:
    if follow_up.owner_id is not None and uow.staff.get(follow_up.owner_id).disabled_at is not None:
        raise Invalid({"follow_up_owner": "this person no longer works here"})
    task = NewTask(
        kind="follow_up",
        title=follow_up.title.strip(),
        due_at=follow_up.due_at,
        patient_id=alert.patient_id,
        alert_id=alert.id,
        owner_id=follow_up.owner_id,
        role=None if follow_up.owner_id is not None else "nurse",
    )
    task_id = uow.tasks.add(task, now)
    detail = {"kind": task.kind, "owner": follow_up.owner_id, "alert": alert.ref}
    uow.audit.write(now, actor.name, "task.add", f"task:{task_id}", detail)
