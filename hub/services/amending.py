"""A reading that was none of the patient's, or no measurement: left out of everything, and never changed or deleted."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from hub.domain.metrics import METRICS
from hub.domain.patients import Patient
from hub.domain.samples import Sample
from hub.errors import Conflict, Invalid, NotFound
from hub.services.hub import CLINICAL, Actor, Hub, require
from hub.services.ingest.evaluate import judge_after
from hub.services.ingest.samples import VALUES_PER_READING
from hub.services.ports.alerting import AlertEvent
from hub.services.ports.series import Amendment
from hub.services.ports.storage import UnitOfWork
from hub.services.waiting import wait_without

LONGEST_REASON = 400
_INSTANT = timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True)
class Voided:
    """What was left out: of whom, and which metrics of the reading."""

    patient_id: int
    metrics: tuple[str, ...]


def void_reading(hub: Hub, actor: Actor, journal_id: int, reason: str, by: str = "", of: int | None = None) -> Voided:
    """Leave every value of this reading out of charts, rules and copies.

    ``by``: who says so, if not the actor. ``of``: the patient whose it must be.

    What rules said of it counts no more, what came after is judged again without it, and what it was the only answer to
    is waited for again. An alert that it raised stays for a person to close, and says so.
    """
    require(actor, CLINICAL)
    if not 0 < len(reason.strip()) <= LONGEST_REASON:
        raise Invalid({"reason": f"say why, in at most {LONGEST_REASON} characters, for whoever reads this next"})
    now = hub.clock.now()
    with hub.unit_of_work() as uow:
        owned = uow.journal.owned(journal_id)
        if owned is None or of not in {None, owned.patient_id}:
            raise NotFound("no reading of a patient has this number")
        versions = uow.patients.evaluation_versions([owned.patient_id])
        patient = uow.patients.get(owned.patient_id)
        why = Amendment(reason.strip(), by.strip() or actor.name, now)
        voided = _void(uow, patient, _values(uow, patient, journal_id, owned.effective_at), why)
        if not voided:
            raise Conflict("this reading has no value that still holds: it was left out before, or never had one")
        _take_back(uow, patient, voided, why)
        wait_without(uow, patient, voided, now)
        judge_after(uow, hub, patient, voided, now)
        if not uow.patients.judged(versions):
            raise Conflict("readings of this patient came in at this moment; try again")
        detail = {"patient": patient.id, "metrics": [s.metric for s in voided], "reason": why.reason, "by": why.made_by}
        uow.audit.write(now, actor.name, "reading.void", f"journal:{journal_id}", detail)
        uow.commit()
    return Voided(patient.id, tuple(sample.metric for sample in voided))


def _values(uow: UnitOfWork, patient: Patient, journal_id: int, at: datetime) -> list[Sample]:
    """The reading's samples that still hold."""
    first = journal_id * VALUES_PER_READING
    found = [sample for metric in METRICS for sample in uow.series.range(patient.id, metric, at, at + _INSTANT)]
    return [sample for sample in found if first <= sample.reading_id < first + VALUES_PER_READING]


def _void(uow: UnitOfWork, patient: Patient, samples: Sequence[Sample], why: Amendment) -> list[Sample]:
    return [sample for sample in samples if uow.series.void(patient.id, sample, why)]


def _take_back(uow: UnitOfWork, patient: Patient, voided: Sequence[Sample], why: Amendment) -> None:
    """Its findings count no more, and no repeat of it is waited for; the alerts they stand behind say so."""
    alerts = uow.findings.supersede_all(patient.id, [sample.reading_id for sample in voided], why.made_at)
    for sample in voided:
        same_time = uow.series.range(patient.id, sample.metric, sample.at, sample.at + _INSTANT)
        if not same_time:
            uow.duties.withdraw(patient.id, sample.metric, sample.at, [])
    words = f"a reading behind it was left out ({why.reason}); the alert stays for a person to close"
    for alert_id in sorted(alerts):
        if uow.alerts.get(alert_id).live:
            uow.alerts.note(alert_id, AlertEvent(why.made_at, "VOID-1", why.made_by, words))
