"""Missing data by one clock (SF8): what is waited for is a row, looked at when it is due, late and over.

A row of ``expectation`` holds the one occurrence of a slot that is waited for. The worker looks at it at ``check_at``;
ingest brings that forward when a reading of the metric comes.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from hub.domain.patients import Monitoring, Patient
from hub.domain.samples import Sample
from hub.domain.severity import Severity
from hub.domain.slots import (
    Occurrence,
    Slot,
    SlotState,
    judge,
    missing_finding,
    missing_problem,
    occurrences,
    rule_for_missing,
    silence_severity,
)
from hub.errors import Transient
from hub.services.alerting import Raised, data_returned, raise_alert
from hub.services.checkins.ending import reading_came
from hub.services.checkins.missing import ask_for_reading, key_of
from hub.services.hub import Hub
from hub.services.ports.alerting import NewTask
from hub.services.ports.care import Enrolment
from hub.services.ports.devices import GatewayRow
from hub.services.ports.measuring import Expectation
from hub.services.ports.storage import UnitOfWork

GATEWAY_MUTES = timedelta(hours=12)
"""How long a gateway's outage mutes its patients' missing alerts; then a person phones."""

_CATCHES_UP = timedelta(minutes=15)
"""A gateway that is back has its spool to deliver first."""

_LOOKS_AGAIN = timedelta(minutes=10)
_CALL_WITHIN = timedelta(hours=4)

_HORIZON = timedelta(days=9)
"""Every slot comes at least once a week."""


def expect_readings(uow: UnitOfWork, patient: Patient, now: datetime) -> None:
    """Begin to wait for the slots of this patient's protocols that are not waited for yet."""
    waited = {row.slot_id for row in uow.duties.expectations(patient.id)}
    for enrolment in uow.protocols.of_patient(patient.id, now):
        for slot in enrolment.in_force.protocol.slots:
            key = _key(enrolment, slot)
            if key not in waited:
                _wait_next(uow, patient, slot, key, counted_from=now, after=now)


def look(uow: UnitOfWork, hub: Hub, waited: Expectation, now: datetime) -> None:
    """Judge the occurrence that is waited for, say what is missing, and wait for the next.

    Raises ``Transient`` if a reading was judged meanwhile that did not know of the alert which this opens.
    """
    versions = uow.patients.evaluation_versions([waited.patient_id])
    patient = uow.patients.get(waited.patient_id)
    found = _slot_of(uow, waited, now)
    if found is None or patient.state not in {Monitoring.ACTIVE, Monitoring.INVITED}:
        uow.duties.forget(waited.patient_id, waited.slot_id)
        return
    enrolment, slot = found
    occurrence = _occurrence(slot, waited.due_at)
    samples = uow.series.range(patient.id, slot.metric, occurrence.opens_at, now + timedelta(milliseconds=1))
    state = judge(slot, occurrence, now, [sample.at for sample in samples if sample.credible and sample.dated])
    if state is SlotState.MET:
        reading_came(uow, key_of(waited), now)
        _wait_next(uow, patient, slot, waited.slot_id, waited.counted_from, after=occurrence.due_at)
    elif state is SlotState.NO_DATA:
        down_since = gateways_down_since(uow, patient, now)
        if down_since is not None and max(now - down_since, now - occurrence.no_data_at) < GATEWAY_MUTES:
            _keep(uow, waited, SlotState.LATE, now + _LOOKS_AGAIN)
            return
        _say_missing(uow, hub, patient, enrolment, slot, occurrence, now)
        if any(_ends_silence(sample) and sample.at >= occurrence.no_data_at for sample in samples):
            data_returned(uow, hub, patient.id, slot.metric, now)  # before anybody said that they were missing
        if down_since is not None:
            _have_phoned(uow, patient, down_since, now)
        _wait_next(uow, patient, slot, waited.slot_id, waited.counted_from, after=occurrence.due_at)
        if not uow.patients.judged(versions):
            raise Transient("a reading of this patient was judged meanwhile")
    elif state is SlotState.LATE:
        _late(uow, hub, patient, slot, waited, occurrence, now)
    else:
        _keep(uow, waited, state, occurrence.late_at)


def wait_without(uow: UnitOfWork, patient: Patient, gone: Sequence[Sample], now: datetime) -> None:
    """Look again at the occurrences that these samples may have met last, and that hold no more.

    Whether something else met one of them is found out at the next look; if not, that says so. One whose silence was
    told before is not told again, unless it was one of these that had ended it.
    """
    for row in uow.duties.expectations(patient.id):
        found = _slot_of(uow, row, now)
        if found is None:
            continue
        enrolment, slot = found
        last = _last_before(row, slot, patient)
        if last is None or not any(one.metric == slot.metric and _may_have_met(one, last) for one in gone):
            continue
        told = uow.findings.said(patient.id, enrolment.in_force.version_id, rule_for_missing(slot), last.no_data_at)
        if not told or _goes_on(uow, patient, slot, last, now):
            uow.duties.expect(replace(row, due_at=last.due_at, state=SlotState.DUE.value, check_at=now))


def _goes_on(uow: UnitOfWork, patient: Patient, slot: Slot, occurrence: Occurrence, now: datetime) -> bool:
    """Whether a silence that was told has no alert any more, and nothing that ended it."""
    if uow.alerts.open_of(f"patient:{patient.id}", missing_problem(slot.metric)) is not None:
        return False
    since = uow.series.range(patient.id, slot.metric, occurrence.opens_at, now + timedelta(milliseconds=1))
    return not any(_ends_silence(sample) for sample in since)


def _ends_silence(sample: Sample) -> bool:
    """What is late, of unknown time or not believed closes nothing (SF11)."""
    return sample.credible and sample.timely


def _last_before(row: Expectation, slot: Slot, patient: Patient) -> Occurrence | None:
    zone = ZoneInfo(patient.zone)
    earlier = occurrences(slot, zone, row.due_at - _HORIZON, row.due_at, assigned_at=row.counted_from)
    return max(earlier, key=lambda one: one.due_at, default=None)


def _may_have_met(sample: Sample, occurrence: Occurrence) -> bool:
    """Also one that is not believed now: it may have been when it was looked at, before another weight came late."""
    return sample.dated and occurrence.opens_at <= sample.at < occurrence.no_data_at


def _late(
    uow: UnitOfWork, hub: Hub, patient: Patient, slot: Slot, waited: Expectation, occurrence: Occurrence, now: datetime
) -> None:
    """Ask the patient, unless it is the gateway that is silent, or they are being asked something: then soon again."""
    up = gateways_down_since(uow, patient, now) is None
    settled = up and ask_for_reading(uow, hub, patient, slot, waited, occurrence, now)
    soon = min(now + _LOOKS_AGAIN, occurrence.no_data_at)
    _keep(uow, waited, SlotState.LATE, occurrence.no_data_at if settled else soon)


def _say_missing(
    uow: UnitOfWork,
    hub: Hub,
    patient: Patient,
    enrolment: Enrolment,
    slot: Slot,
    occurrence: Occurrence,
    now: datetime,
) -> None:
    worst = uow.findings.worst_since(patient.id, now - timedelta(hours=48))
    severity = silence_severity(now, [] if worst is None else [(Severity(worst), now)])
    finding = missing_finding(slot, occurrence, severity, ZoneInfo(patient.zone))
    signed = enrolment.in_force.protocol.signed_by is not None
    raised = Raised(finding, "missing", signed, enrolment.in_force.version_id, page=True)
    raise_alert(uow, hub, patient, raised, f"patient:{patient.id}", now)


def gateways_down_since(uow: UnitOfWork, patient: Patient, now: datetime) -> datetime | None:
    """Since when no gateway of this patient's devices is up: then silence is not the patient's. None: one is up."""
    names = {name for device in uow.devices.of_patient(patient.id, now) for name in device.accepted_on}
    known = [row for name in names if (row := uow.gateways.find(name)) is not None]
    rows = [row for row in known if row.retired_at is None and not row.replays]
    changed = [row.online_changed_at for row in rows if row.online_changed_at is not None and _is_away(row, now)]
    return max(changed) if changed and len(changed) == len(rows) else None


def _is_away(row: GatewayRow, now: datetime) -> bool:
    return not row.online or (row.online_changed_at is not None and now - row.online_changed_at < _CATCHES_UP)


def _have_phoned(uow: UnitOfWork, patient: Patient, down_since: datetime, now: datetime) -> None:
    task = NewTask(
        kind="call_patient",
        title="The gateway is down and no reading can come: phone the patient",
        due_at=now + _CALL_WITHIN,
        patient_id=patient.id,
        owner_id=patient.care_manager_id,
        role="nurse",
        key=f"gateway-down:{patient.id}:{down_since.isoformat()}",
    )
    uow.tasks.add(task, now)


def _wait_next(
    uow: UnitOfWork, patient: Patient, slot: Slot, key: str, counted_from: datetime, after: datetime
) -> None:
    zone = ZoneInfo(patient.zone)
    since = after + timedelta(milliseconds=1)
    upcoming = occurrences(slot, zone, since, since + _HORIZON, assigned_at=counted_from)
    following = next(upcoming, None)
    if following is not None:
        row = Expectation(
            patient.id, key, slot.metric, counted_from, following.due_at, SlotState.DUE.value, following.late_at
        )
        uow.duties.expect(row)


def _keep(uow: UnitOfWork, waited: Expectation, state: SlotState, check_at: datetime) -> None:
    row = Expectation(
        waited.patient_id, waited.slot_id, waited.metric, waited.counted_from, waited.due_at, state.value, check_at
    )
    uow.duties.expect(row)


def _slot_of(uow: UnitOfWork, waited: Expectation, now: datetime) -> tuple[Enrolment, Slot] | None:
    for enrolment in uow.protocols.of_patient(waited.patient_id, now):
        for slot in enrolment.in_force.protocol.slots:
            if _key(enrolment, slot) == waited.slot_id:
                return enrolment, slot
    return None


def _occurrence(slot: Slot, due_at: datetime) -> Occurrence:
    return Occurrence(slot.id, due_at - slot.opens, due_at, due_at + slot.grace, due_at + slot.no_data)


def _key(enrolment: Enrolment, slot: Slot) -> str:
    return f"{enrolment.in_force.version_id}:{slot.id}"
