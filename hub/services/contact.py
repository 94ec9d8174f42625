"""Reaching the patient: what keeps an acknowledgement from lapsing (SF13)."""

from hub.domain.alerts import Alert, ChartOpened, Contacted, State
from hub.domain.lifecycle import Refusal
from hub.errors import Conflict, Invalid
from hub.services.acknowledge import check_seen, take
from hub.services.hub import CLINICAL, Actor, Hub, require
from hub.services.ports.alerting import Contact
from hub.services.ports.storage import UnitOfWork
from hub.services.transitions import Changed, change

WAYS = ("phone", "visit", "video", "message")
LONGEST_NOTE = 2000


def chart_opened(hub: Hub, actor: Actor, patient_id: int) -> bool:
    """The actor looks at this patient's chart: alerts they have taken lapse later. Whether any does."""
    require(actor, CLINICAL)
    now = hub.clock.now()
    event = ChartOpened(actor.staff_id, hub.site.escalation_scale)
    with hub.unit_of_work() as uow:
        taken = [alert for alert in uow.alerts.of_patient(patient_id) if alert.state is State.ACKNOWLEDGED]
        moved = [isinstance(change(uow, alert, event, actor, now), Changed) for alert in taken]
        if any(moved):
            uow.commit()
    return any(moved)


def record_contact(
    hub: Hub,
    actor: Actor,
    ref: str,
    way: str,
    reached: bool,  # noqa: FBT001
    note: str = "",
    seen_version: int | None = None,
) -> Alert:
    """The alert, with the attempt recorded. Whoever tries to reach the patient of an open alert has taken it.

    ``Conflict`` if it became worse since ``seen_version``: a call about the amber does not answer for the red.
    """
    require(actor, CLINICAL)
    _check(actor, way, note)
    now = hub.clock.now()
    with hub.unit_of_work() as uow:
        alert = uow.alerts.by_ref(ref)
        check_seen(alert, seen_version)
        patient_id = alert.patient_id
        if patient_id is None or actor.staff_id is None:
            raise Invalid({"ref": "this alert has no patient to contact"})
        alert = _taken(uow, hub, actor, alert)
        outcome = change(uow, alert, Contacted(reached, way, hub.site.escalation_scale), actor, now)
        if isinstance(outcome, Refusal):
            raise Conflict(outcome.sentence)
        contact = Contact(patient_id, alert.id, actor.staff_id, now, way, reached, note or None)
        uow.tasks.add_contact(contact)
        uow.commit()
    return outcome.after


def _check(actor: Actor, way: str, note: str) -> None:
    if actor.staff_id is None:
        raise Invalid({"actor": "a contact is recorded by a member of staff"})
    if way not in WAYS:
        raise Invalid({"way": f"must be one of {', '.join(WAYS)}"})
    if len(note) > LONGEST_NOTE:
        raise Invalid({"note": f"must be at most {LONGEST_NOTE} characters"})


def _taken(uow: UnitOfWork, hub: Hub, actor: Actor, alert: Alert) -> Alert:
    if alert.state is not State.OPEN or actor.staff_id is None:
        return alert
    now, phone = hub.clock.now(), uow.staff.get(actor.staff_id).phone
    outcome = take(uow, hub, alert, actor, phone, now, by_text=False)
    return outcome.after if isinstance(outcome, Changed) else alert
