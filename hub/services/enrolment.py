"""Patients: enrolling, putting on protocols, pausing, ending (SF6, SF7, SF9, SF17)."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from hub.domain.patients import EndReason, Monitoring, Patient, check_assignable
from hub.errors import Conflict, Invalid, NotFound, Unsafe
from hub.services.alerting import end_patient
from hub.services.checkins.ending import end_conversations
from hub.services.checkins.schedule import plan_checkins
from hub.services.hub import CLINICAL, Actor, Hub, require
from hub.services.ports.alerting import FARTHEST
from hub.services.ports.care import NewPatient
from hub.services.ports.checkins import CANCELLED
from hub.services.ports.storage import UnitOfWork
from hub.services.waiting import expect_readings


@dataclass(frozen=True, slots=True)
class Consent:
    """Consent as worded, and how it was given."""

    scope: str
    wording: str
    source: str


def add_patient(
    hub: Hub, actor: Actor, new: NewPatient, *, consents: tuple[Consent, ...] = (), protocols: tuple[str, ...] = ()
) -> int:
    """Enrol a patient and put them on ``protocols``; the new id. Raises ``Invalid``, ``Unsafe``."""
    require(actor, CLINICAL)
    now = hub.clock.now()
    _check(new)
    with hub.unit_of_work() as uow:
        if uow.patients.by_mrn(new.mrn) is not None:
            raise Invalid({"mrn": "another patient has this record number"})
        patient_id = uow.patients.add(new, now)
        for consent in consents:
            phone = new.phone if consent.scope == "sms" else None
            uow.consents.give(patient_id, consent.scope, consent.wording, consent.source, actor.name, now, phone)
        uow.audit.write(now, actor.name, "patient.add", f"patient:{patient_id}", {"test": new.is_test})
        for protocol_id in protocols:
            _assign(uow, hub, actor, uow.patients.get(patient_id), protocol_id, now)
        uow.commit()
    return patient_id


def assign_protocol(hub: Hub, actor: Actor, patient_id: int, protocol_id: str) -> None:
    """Put a patient on the copy in force of a protocol. Raises ``Unsafe`` where a safety rule forbids it."""
    require(actor, CLINICAL)
    now = hub.clock.now()
    with hub.unit_of_work() as uow:
        _assign(uow, hub, actor, uow.patients.get(patient_id), protocol_id, now)
        uow.commit()


def set_care_manager(hub: Hub, actor: Actor, patient_id: int, staff_id: int | None) -> None:
    """Name who leads this patient's team."""
    require(actor, CLINICAL)
    now = hub.clock.now()
    with hub.unit_of_work() as uow:
        uow.patients.get(patient_id)
        if staff_id is not None:
            uow.staff.get(staff_id)
        uow.patients.set_care_manager(patient_id, staff_id)
        uow.audit.write(now, actor.name, "patient.care_manager", f"patient:{patient_id}", {"staff": staff_id})
        uow.commit()


def set_dry_weight(hub: Hub, actor: Actor, patient_id: int, kg: Decimal) -> None:
    """Set the dry weight; author and time are kept with it."""
    require(actor, CLINICAL)
    if not Decimal(20) <= kg <= Decimal(350):
        raise Invalid({"dry_weight": "must be between 20 and 350 kg"})
    now = hub.clock.now()
    with hub.unit_of_work() as uow:
        uow.patients.get(patient_id)
        uow.patients.set_dry_weight(patient_id, kg, actor.name, now)
        uow.audit.write(now, actor.name, "patient.dry_weight", f"patient:{patient_id}", {"kg": str(kg)})
        uow.commit()


def add_goal(hub: Hub, actor: Actor, patient_id: int, words: str) -> int:
    """Keep a goal in the patient's own words; its id."""
    require(actor, CLINICAL)
    if not 1 <= len(words.strip()) <= 500:
        raise Invalid({"words": "write the goal in the patient's own words, at most 500 characters"})
    now = hub.clock.now()
    with hub.unit_of_work() as uow:
        uow.patients.get(patient_id)
        goal_id = uow.patients.add_goal(patient_id, words.strip(), actor.staff_id, now)
        uow.audit.write(now, actor.name, "patient.goal", f"patient:{patient_id}", {"goal": goal_id})
        uow.commit()
    return goal_id


def pause(hub: Hub, actor: Actor, patient_id: int, reason: str, until: datetime) -> None:
    """Pause monitoring until an instant, when a task asks "home again?": a pause never ends silently."""
    require(actor, CLINICAL)
    now = hub.clock.now()
    if not reason.strip():
        raise Invalid({"reason": "say why, for whoever reads this next"})
    if until <= now:
        raise Invalid({"until": "must lie in the future"})
    if until > now + FARTHEST:
        raise Invalid({"until": "must be within a year; a pause can be made longer then"})
    _change(hub, actor, patient_id, Monitoring.ACTIVE, Monitoring.PAUSED, reason.strip(), until)


def resume(hub: Hub, actor: Actor, patient_id: int) -> None:
    """Watch again. What was not measured during the pause is not asked for."""
    require(actor, CLINICAL)
    _change(hub, actor, patient_id, Monitoring.PAUSED, Monitoring.ACTIVE, None, None)


def end(hub: Hub, actor: Actor, patient_id: int, reason: EndReason) -> None:
    """End monitoring: nothing more is sent, alerts close as ended, devices are free again (SF17)."""
    require(actor, CLINICAL)
    now = hub.clock.now()
    with hub.unit_of_work() as uow:
        patient = uow.patients.get(patient_id)
        if patient.state is Monitoring.ENDED:
            raise Conflict("monitoring of this patient has ended before")
        if not uow.patients.change_state(patient_id, patient.state, Monitoring.ENDED, reason.value, None, now):
            raise Conflict("the state of this patient changed meanwhile")
        end_patient(uow, hub, patient_id, now)
        uow.devices.unassign_patient(patient_id, now)
        uow.protocols.end_all(patient_id, now)
        end_conversations(uow, patient_id, CANCELLED, now)
        uow.checkins.forget_patient(patient_id)
        uow.duties.forget_expectations(patient_id)
        uow.duties.cancel_all_deadlines(patient_id)
        uow.audit.write(now, actor.name, "patient.end", f"patient:{patient_id}", {"reason": reason.value})
        uow.commit()


def _change(
    hub: Hub,
    actor: Actor,
    patient_id: int,
    seen: Monitoring,
    to: Monitoring,
    reason: str | None,
    until: datetime | None,
) -> None:
    now = hub.clock.now()
    with hub.unit_of_work() as uow:
        if not uow.patients.change_state(patient_id, seen, to, reason, until, now):
            raise Conflict(f"this patient is not {seen.value}")
        end_conversations(uow, patient_id, CANCELLED, now)
        uow.checkins.forget_patient(patient_id)
        uow.duties.forget_expectations(patient_id)
        if to is Monitoring.ACTIVE:
            expect_readings(uow, uow.patients.get(patient_id), now)
            plan_checkins(uow, uow.patients.get(patient_id), now)
        uow.audit.write(now, actor.name, f"patient.{to.value}", f"patient:{patient_id}", {})
        uow.commit()


def _check(new: NewPatient) -> None:
    wrong: dict[str, str] = {}
    if not new.mrn.strip():
        wrong["mrn"] = "is needed"
    if not new.name.strip():
        wrong["name"] = "is needed"
    try:
        ZoneInfo(new.zone)
    except (KeyError, OSError, ValueError):
        wrong["zone"] = "is no IANA time zone, such as America/Chicago"
    if (new.dry_weight_kg is None) != (new.dry_weight_by is None):
        wrong["dry_weight"] = "needs its author"
    if wrong:
        raise Invalid(wrong)


def _assign(uow: UnitOfWork, hub: Hub, actor: Actor, patient: Patient, protocol_id: str, now: datetime) -> None:
    in_force = uow.protocols.current(protocol_id)
    if in_force is None:
        raise NotFound(f"no protocol {protocol_id} is in force: sign it first (rpmhub protocol sign {protocol_id})")
    protocol = in_force.protocol
    if protocol.signed_by is None and not hub.site.demo:
        raise Unsafe("SF21", f"{protocol_id} is not signed off")
    today = now.astimezone(ZoneInfo(patient.zone)).date()
    check_assignable(patient, protocol_id, adult=protocol.adult, requires=protocol.requires, today=today)
    uow.protocols.end_protocol(patient.id, protocol_id, now)  # a newer copy takes the place of the one before
    uow.protocols.assign(patient.id, in_force.version_id, actor.name, now)
    uow.audit.write(
        now,
        actor.name,
        "protocol.assign",
        f"patient:{patient.id}",
        {"protocol": protocol_id, "sha256": in_force.sha256},
    )
    expect_readings(uow, patient, now)
    plan_checkins(uow, patient, now)
