"""One patient's new readings: into the series, before the rules, and whatever a late one changes is judged again."""

import logging
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from hub.domain.patients import Patient
from hub.domain.same_person import LOOKBACK, WEIGHT, someone_else
from hub.domain.samples import SOMEONE_ELSE, Sample
from hub.domain.severity import Severity
from hub.errors import Transient
from hub.services.alerting import technical
from hub.services.hub import Hub
from hub.services.ingest.judge import Judge, Judged
from hub.services.ingest.samples import Screened
from hub.services.ports.storage import UnitOfWork

log = logging.getLogger(__name__)


def evaluate(uow: UnitOfWork, hub: Hub, patient: Patient, readings: Sequence[Screened], now: datetime) -> bool:
    """Append this patient's samples and judge them; whether a rule spoke.

    The judging has a savepoint of its own: what fails there undoes the judging alone.
    """
    samples = [sample for reading in readings for sample in reading.samples]
    late = _first_late(uow, patient.id, readings)
    uow.series.append(patient.id, samples)
    uow.duties.note_failed(patient.id, [attempt for reading in readings for attempt in reading.failed])
    for metric in {sample.metric for sample in samples}:
        uow.duties.met(patient.id, metric, now)
    try:
        with uow.savepoint():
            held = mark_held(uow, patient.id, samples, now)
            judge = Judge(uow, hub, patient, now)
            new = [
                Judged(held.get(sample.reading_id, sample), reading.age)
                for reading in readings
                for sample in reading.samples
            ]
            judge.judge(new + _again(uow, patient.id, late, new, judge.lookback, now))
            judge.attempts(attempt for reading in readings for attempt in reading.failed)
            return judge.spoke
    except Transient:
        raise
    except Exception as error:  # the readings stay stored; that nobody judged them is an operator's alarm (SF10)
        log.exception("readings could not be judged")
        sentence = f"Readings of this patient were stored and not judged ({type(error).__name__})"
        technical(uow, hub, f"patient:{patient.id}", "judging-failed", Severity.RED, sentence, now)
        return False


def mark_held(uow: UnitOfWork, patient_id: int, new: Sequence[Sample], now: datetime) -> dict[int, Sample]:
    """Weights that look like somebody else's, flagged in the series (SF6); the new ones among them by id.

    Weights after the earliest new one are looked at again: it may hold them, or release them.
    """
    weights = [sample.at for sample in new if sample.metric == WEIGHT]
    if not weights:
        return {}

    def history(metric: str, since: datetime, until: datetime) -> Sequence[Sample]:
        return uow.series.range(patient_id, metric, since, until)

    changed: dict[int, Sample] = {}
    for sample in history(WEIGHT, min(weights), min(max(weights) + LOOKBACK, now + timedelta(minutes=5))):
        flags = sample.flags - {SOMEONE_ELSE}
        if someone_else(sample, history):
            flags |= {SOMEONE_ELSE}
        if flags != sample.flags:
            changed[sample.reading_id] = replace(sample, flags=flags)
            uow.series.mark(patient_id, changed[sample.reading_id])
    return changed


def _first_late(uow: UnitOfWork, patient_id: int, readings: Sequence[Screened]) -> dict[str, datetime]:
    """Per metric, the earliest new sample that came after one measured later."""
    earliest: dict[str, datetime] = {}
    for reading in readings:
        for sample in reading.samples:
            earliest[sample.metric] = min(sample.at, earliest.get(sample.metric, sample.at))
    newest = {metric: uow.series.newest_at(patient_id, metric) for metric in earliest}
    return {metric: at for metric, at in earliest.items() if (there := newest[metric]) is not None and there > at}


def _again(
    uow: UnitOfWork,
    patient_id: int,
    late: dict[str, datetime],
    new: Sequence[Judged],
    lookback: timedelta,
    now: datetime,
) -> list[Judged]:
    """Samples stored before whose past a late one changed."""
    fresh = {judged.sample.reading_id for judged in new}
    until = now + timedelta(minutes=5)
    return [
        Judged(sample, None)
        for metric, at in late.items()
        for sample in uow.series.range(patient_id, metric, at, min(until, at + lookback + timedelta(seconds=1)))
        if sample.reading_id not in fresh
    ]
