"""Whom a check-in is asked of next by the clock: one row a patient and check-in, in the patient's own zone."""

from datetime import datetime
from zoneinfo import ZoneInfo

from hub.domain.checkins import CheckIn, next_time
from hub.domain.patients import Monitoring, Patient
from hub.services.checkins.asking import Cause, ask
from hub.services.hub import Hub
from hub.services.ports.checkins import SCHEDULE, CheckInDue
from hub.services.ports.storage import UnitOfWork
from hub.services.texting import TEXTED


def plan_checkins(uow: UnitOfWork, patient: Patient, now: datetime) -> None:
    """Plan what this patient is to be asked by schedule and is not planned yet."""
    if patient.state not in TEXTED:
        return
    planned = {row.checkin for row in uow.checkins.planned(patient.id)}
    for one in uow.checkins.all_current():
        if one.checkin.id not in planned and _applies(uow, patient, one.checkin, now):
            _plan_next(uow, patient, one.checkin, now)


def plan_everybody(uow: UnitOfWork, checkin_id: str, now: datetime) -> None:
    """Plan a check-in that was just signed anew: the copy before may have asked at another hour."""
    uow.checkins.forget_checkin(checkin_id)
    for patient in uow.patients.in_state(Monitoring.ACTIVE, Monitoring.INVITED):
        plan_checkins(uow, patient, now)


def ask_planned(uow: UnitOfWork, hub: Hub, due: CheckInDue, now: datetime) -> None:
    """Ask what is due and plan the next; what no longer applies is planned no more."""
    patient = uow.patients.get(due.patient_id)
    in_force = uow.checkins.current(due.checkin)
    if in_force is None or patient.state not in TEXTED or not _applies(uow, patient, in_force.checkin, now):
        uow.checkins.forget(due.patient_id, due.checkin)
        return
    key = f"{SCHEDULE}:{patient.id}:{due.checkin}:{due.due_at.isoformat()}"
    ask(uow, hub, patient, in_force, Cause(SCHEDULE, key, due.due_at), now)
    _plan_next(uow, patient, in_force.checkin, now)


def _applies(uow: UnitOfWork, patient: Patient, checkin: CheckIn, now: datetime) -> bool:
    on = {enrolment.in_force.protocol.id for enrolment in uow.protocols.of_patient(patient.id, now)}
    return checkin.schedule is not None and bool(on.intersection(checkin.for_protocols))


def _plan_next(uow: UnitOfWork, patient: Patient, checkin: CheckIn, now: datetime) -> None:
    if checkin.schedule is not None:
        uow.checkins.plan(CheckInDue(patient.id, checkin.id, next_time(checkin.schedule, ZoneInfo(patient.zone), now)))
