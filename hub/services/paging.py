"""Pages: who can be paged, the messages that do it, and what follows when one does not arrive."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from hub.domain import texts
from hub.domain.alerts import CLINICAL, TECHNICAL, Alert, NobodyReached, NotReached, PageDue
from hub.domain.escalation import Chain, Person, build
from hub.domain.lifecycle import Change, apply
from hub.domain.messages import ARRIVING, LEFT, NEWS_VALID, PAGE_VALID
from hub.domain.patients import Patient
from hub.domain.replies import NOT_REUSED, next_digit
from hub.domain.severity import Severity
from hub.services import restored
from hub.services.hub import HUB, Hub
from hub.services.ports.alerting import AlertEvent, Message, NewMessage, ReplyCode
from hub.services.ports.staff import StaffMember
from hub.services.ports.storage import UnitOfWork
from hub.services.restored import Restored
from hub.services.transitions import Changed, change, record

LAST_RESORT = "the last resort"


def care_team(uow: UnitOfWork, patient: Patient | None) -> list[Person]:
    """The two people who answer for a patient first: the care manager, then nurses and physicians in id order.

    The only place that chooses people: a rota takes its place here.
    """
    on_call = uow.staff.reachable("nurse", "physician")
    manager = None if patient is None else patient.care_manager_id
    if manager is not None:
        first = [one for one in on_call if one.staff_id == manager] or _reachable(uow.staff.get(manager))
        on_call = [*first, *on_call]
    return _each_phone_once(on_call)[:2]


def operators(uow: UnitOfWork) -> list[Person]:
    """Who answers for the system."""
    return _each_phone_once(uow.staff.reachable("operator", "admin"))[:2]


def _reachable(member: StaffMember) -> list[Person]:
    return [Person(member.name, member.phone, member.id)] if member.phone and member.disabled_at is None else []


def _each_phone_once(people: Sequence[Person]) -> list[Person]:
    """A shared phone is one step of a chain."""
    by_phone: dict[str, Person] = {}
    for one in people:
        by_phone.setdefault(one.phone, one)
    return list(by_phone.values())


def last_resort(hub: Hub) -> Person | None:
    """The site's contact of last resort (SF12)."""
    phone = hub.site.last_resort_phone
    return Person(LAST_RESORT, phone) if phone else None


def chain_for(uow: UnitOfWork, hub: Hub, patient: Patient | None, kind: str, severity: Severity) -> Chain:
    """The chain to freeze on an alert that opens now, or becomes worse."""
    people = operators(uow) if kind == TECHNICAL else care_team(uow, patient)
    return build(kind, severity, people, last_resort(hub), hub.site.escalation_scale)


def clinic(hub: Hub, patient: Patient | None = None) -> texts.Clinic:
    """What texts say of the site; a test patient's pages are real, and say that it is a test."""
    label = "DEMO" if hub.site.demo else "TEST" if patient is not None and patient.is_test else ""
    return texts.Clinic(hub.site.clinic_name, hub.site.zone, hub.site.public_url, label)


def open_and_page(uow: UnitOfWork, hub: Hub, alert: Alert, patient: Patient | None, now: datetime) -> Alert | None:
    """Write a new alert whose chain was chosen just now, with its first page if that is due; None: it may not be open.

    The row is written once, as the page leaves it.
    """
    changes, restore = [Change("OPEN-1", alert, {}, alert.sentence)], None
    paged = apply(alert, PageDue(), now)
    if isinstance(paged, Change):
        restore = restored.last(uow)
        changes += [] if restored.pages_wait(uow, restore, alert, now) else [paged]
    after = changes[-1].after
    alert_id = uow.alerts.add(after)
    if alert_id is None:
        return None
    record(uow, alert_id, changes, HUB, now)
    after = replace(after, id=alert_id)
    if after.step > alert.step:
        _write_page(uow, hub, alert, after, patient, restore, now)
    return after


def page_if_due(uow: UnitOfWork, hub: Hub, alert: Alert, now: datetime) -> Alert:
    """Take the step of the chain whose time has come, and write its page in the same transaction."""
    if not _is_due(alert, now):
        return alert
    restore = restored.last(uow)
    if restored.pages_wait(uow, restore, alert, now):
        return alert
    if not alert.chain.steps or _somebody_left(uow, alert.chain):
        alert = _new_chain(uow, hub, alert, now)
    outcome = change(uow, alert, PageDue(), HUB, now)
    if not isinstance(outcome, Changed):
        return alert
    if outcome.after.step > outcome.before.step:
        patient = None if alert.patient_id is None else uow.patients.get(alert.patient_id)
        _write_page(uow, hub, outcome.before, outcome.after, patient, restore, now)
    return outcome.after


def _is_due(alert: Alert, now: datetime) -> bool:
    return alert.next_page_at is not None and alert.next_page_at <= now


def _somebody_left(uow: UnitOfWork, chain: Chain) -> bool:
    """Whether a person of the chain works here no longer."""
    ids = [step.staff_id for step in chain.steps if step.staff_id is not None]
    return any(uow.staff.get(staff_id).disabled_at is not None for staff_id in ids)


def _new_chain(uow: UnitOfWork, hub: Hub, alert: Alert, now: datetime) -> Alert:
    """Nobody could be paged when the chain was frozen, or somebody on it has left: look again who there is."""
    patient = None if alert.patient_id is None else uow.patients.get(alert.patient_id)
    found = chain_for(uow, hub, patient, alert.kind, alert.severity)
    fields = {"chain": found, "step": 0, "version": alert.version + 1}
    if found.steps == alert.chain.steps or not uow.alerts.save(alert.id, alert.version, fields):
        return alert
    uow.alerts.note(alert.id, AlertEvent(now, "ESC-0", HUB.name, "somebody can be paged now"))
    return uow.alerts.get(alert.id)


def _write_page(
    uow: UnitOfWork,
    hub: Hub,
    before: Alert,
    alert: Alert,
    patient: Patient | None,
    restore: Restored | None,
    now: datetime,
) -> None:
    """The message to the person of the step that the alert took. ``before``: not written yet, if it is new."""
    step = before.step
    person = alert.chain.at(step)
    about = texts.Page(
        severity=alert.severity,
        ref=alert.ref,
        digit=_reply_digit(uow, person.phone, alert.id, restore, now, new=before.id == 0),
        at=alert.worse_at or alert.opened_at,
        age=_age(alert),
        technical=alert.technical,
        next_at=alert.next_page_at,
        repeats=alert.chain.at(step + 1) == person,
    )
    message = NewMessage(
        dedupe=f"alert:{alert.id}:round:{alert.round}:step:{step}:page",
        kind="page",
        to=person.phone,
        body=texts.page(clinic(hub, patient), about),
        send_after=now,
        valid_until=now + PAGE_VALID,
        alert_id=alert.id,
        patient_id=alert.patient_id,
        staff_id=person.staff_id,
        round=alert.round,
        step=step,
        urgent=alert.red,
    )
    uow.outbox.add(message, now)


def _age(alert: Alert) -> timedelta:
    """How old the newest reading behind it was when the alert was raised (SF2)."""
    if alert.kind != CLINICAL:
        return timedelta(0)
    return max((alert.worse_at or alert.opened_at) - alert.last_finding_at, timedelta(0))


def _reply_digit(
    uow: UnitOfWork, phone: str, alert_id: int, restore: Restored | None, now: datetime, *, new: bool
) -> int:
    """The number this phone answers this alert with: as it was told before, else the lowest that is free (SF14)."""
    uow.outbox.lock_phone(phone)
    digit = None if new else uow.outbox.code_told(phone, alert_id, now - NOT_REUSED)
    if digit is None:
        lost = restored.may_be_on_a_phone(uow, restore, phone, now)
        digit = next_digit([*uow.outbox.codes_taken(phone, now - NOT_REUSED), *lost])
    uow.outbox.issue_code(ReplyCode(phone, digit, alert_id, now))
    return digit


def tell_others(uow: UnitOfWork, alert: Alert, but: str | None, body: str, now: datetime) -> None:
    """Cancel pages not yet sent, and tell everybody else who may have one that they need do nothing (E14)."""
    uow.outbox.cancel_of_alert(alert.id)
    last: dict[str, Message] = {}
    for message in uow.outbox.of_alert(alert.id):
        if message.state in LEFT and message.kind in {"page", "taken", "stand_down"}:
            last[message.to] = message
    for phone, message in last.items():
        if message.kind == "page" and phone != but:
            news(uow, alert, phone, message.staff_id, "stand_down", body, now)


def stand_everybody_down(
    uow: UnitOfWork, hub: Hub, alert: Alert, how: str, now: datetime, but: str | None = None
) -> None:
    """Nobody needs to answer for it any more: tell whoever was paged, ``but`` the phone of whoever ended it."""
    tell_others(uow, alert, but, texts.over(clinic(hub), alert.ref, how), now)


def news(uow: UnitOfWork, alert: Alert, phone: str, staff_id: int | None, kind: str, body: str, now: datetime) -> None:
    """A message about an alert that pages nobody."""
    message = NewMessage(
        dedupe=f"alert:{alert.id}:version:{alert.version}:{kind}:{phone}",
        kind=kind,
        to=phone,
        body=body,
        send_after=now,
        valid_until=now + NEWS_VALID,
        alert_id=alert.id,
        patient_id=alert.patient_id,
        staff_id=staff_id,
    )
    uow.outbox.add(message, now)


def not_reached(uow: UnitOfWork, hub: Hub, message: Message, now: datetime) -> bool:
    """A page failed, or may have: page the next person now (E10). False: nobody was reached at all."""
    if message.kind != "page" or message.alert_id is None or message.round is None or message.step is None:
        return True
    alert = uow.alerts.get(message.alert_id)
    outcome = change(uow, alert, NotReached(message.round, message.step), HUB, now)
    if isinstance(outcome, Changed):
        page_if_due(uow, hub, outcome.after, now)
        return True
    return not alert.live or _somebody_may_know(uow, alert)


def _somebody_may_know(uow: UnitOfWork, alert: Alert) -> bool:
    """Whether any page of this round has arrived with the provider, or still may."""
    waiting = [message for message in uow.outbox.of_alert(alert.id) if message.kind == "page"]
    return any(
        message.round == alert.round and (message.state in ARRIVING or message.state in {"pending", "sending"})
        for message in waiting
    )


def nobody_reached(uow: UnitOfWork, alert_id: int, now: datetime) -> None:
    """Mark it on the alert; it goes on paging."""
    change(uow, uow.alerts.get(alert_id), NobodyReached(), HUB, now)
