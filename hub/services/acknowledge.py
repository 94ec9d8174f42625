"""Taking an alert, and passing it on."""

from datetime import datetime

from hub.domain import texts
from hub.domain.alerts import Acknowledge, Alert, PassOn
from hub.domain.lifecycle import Refusal
from hub.errors import Conflict, NotPermitted
from hub.services.hub import CLINICAL, OPERATORS, Actor, Hub, require
from hub.services.paging import clinic, page_if_due, tell_others
from hub.services.ports.storage import UnitOfWork
from hub.services.transitions import Changed, change


def acknowledge(hub: Hub, actor: Actor, ref: str, seen_version: int | None = None) -> Alert:
    """The alert, now the actor's. ``Conflict`` says who was first, or that it became worse since ``seen_version``."""
    require(actor, CLINICAL | OPERATORS)
    now = hub.clock.now()
    with hub.unit_of_work() as uow:
        alert = uow.alerts.by_ref(ref)
        may_answer(actor, alert)
        check_seen(alert, seen_version)
        outcome = take(uow, hub, alert, actor, phone_of(uow, actor), now, by_text=False)
        if isinstance(outcome, Refusal):
            raise Conflict(outcome.sentence)
        uow.commit()
    return outcome.after


def pass_on(hub: Hub, actor: Actor, ref: str) -> Alert:
    """The alert, with the next person paged now. ``Conflict`` says why it is not the actor's to pass on."""
    require(actor, CLINICAL | OPERATORS)
    now = hub.clock.now()
    with hub.unit_of_work() as uow:
        alert = uow.alerts.by_ref(ref)
        may_answer(actor, alert)
        outcome = hand_over(uow, hub, alert, actor, phone_of(uow, actor), now)
        if isinstance(outcome, Refusal):
            raise Conflict(outcome.sentence)
        uow.commit()
    return outcome.after


def check_seen(alert: Alert, seen_version: int | None) -> None:
    """Raise ``Conflict`` if the alert became worse since the actor's page was made: they answer for what they saw."""
    if alert.live and seen_version is not None and seen_version < alert.worse_version:
        raise Conflict(f"it became worse since you looked: {alert.sentence}")


def take(
    uow: UnitOfWork, hub: Hub, alert: Alert, actor: Actor, phone: str | None, now: datetime, *, by_text: bool
) -> Changed | Refusal:
    """Acknowledge inside the caller's transaction; everybody else who was paged hears that they need do nothing."""
    event = Acknowledge(actor.name, actor.staff_id, by_text, hub.site.escalation_scale)
    outcome = change(uow, alert, event, actor, now)
    if isinstance(outcome, Changed):
        body = texts.stand_down(clinic(hub), alert.ref, actor.name, now)
        tell_others(uow, outcome.after, phone, body, now)
    return outcome


def hand_over(
    uow: UnitOfWork, hub: Hub, alert: Alert, actor: Actor, phone: str | None, now: datetime
) -> Changed | Refusal:
    """Pass on inside the caller's transaction; the next page is written in it."""
    outcome = change(uow, alert, PassOn(actor.name, actor.staff_id, phone), actor, now)
    if isinstance(outcome, Changed):
        after = page_if_due(uow, hub, outcome.after, now)
        return Changed(outcome.before, after, outcome.transition)
    return outcome


def may_answer(actor: Actor, alert: Alert) -> None:
    """An operator answers for the system only."""
    if not alert.technical and actor.role not in CLINICAL:
        raise NotPermitted("an alert about a patient is answered by clinical staff")


def phone_of(uow: UnitOfWork, actor: Actor) -> str | None:
    """The number the actor is paged on."""
    return None if actor.staff_id is None else uow.staff.get(actor.staff_id).phone
