"""One patient's new readings: into the series, before the rules, and whatever a late one changes is judged again."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from hub.domain.effective import AHEAD
from hub.domain.patients import Patient
from hub.domain.same_person import LOOKBACK, WEIGHT, someone_else
from hub.domain.samples import SOMEONE_ELSE, Sample
from hub.domain.severity import Severity
from hub.errors import Transient
from hub.services.alerting import technical
from hub.services.hub import Hub
from hub.services.ingest.history import Past
from hub.services.ingest.judge import Judge, Judged, Known, known_of
from hub.services.ingest.samples import Screened
from hub.services.ports.measuring import TimeLine
from hub.services.ports.storage import UnitOfWork

log = logging.getLogger(__name__)

_AHEAD = AHEAD + timedelta(seconds=1)
"""No sample lies further in the future."""


@dataclass(frozen=True, slots=True)
class Came:
    """What came of one patient in a group."""

    patient: Patient
    readings: Sequence[Screened]


def evaluate(uow: UnitOfWork, hub: Hub, came: Sequence[Came], now: datetime) -> set[int]:
    """Append these patients' samples and judge them; the ids of patients about whom a rule spoke."""
    ids = [one.patient.id for one in came]
    newest = uow.series.latest(ids)
    known = known_of(uow, ids, now)
    samples = {one.patient.id: [sample for reading in one.readings for sample in reading.samples] for one in came}
    uow.series.append(samples)
    uow.duties.note_failed({one.patient.id: [a for reading in one.readings for a in reading.failed] for one in came})
    uow.duties.met({patient_id: {sample.metric for sample in theirs} for patient_id, theirs in samples.items()}, now)
    spoke = set()
    for one in came:
        late = _first_late(newest.get(one.patient.id, {}), one.readings)
        new = frozenset(sample.reading_id for reading in one.readings for sample in reading.samples)
        if _judge(uow, hub, one, known[one.patient.id], late, new, now):
            spoke.add(one.patient.id)
    return spoke


def _judge(
    uow: UnitOfWork,
    hub: Hub,
    came: Came,
    known: Known,
    late: Mapping[str, datetime],
    new: frozenset[int],
    now: datetime,
) -> bool:
    """Judge in a savepoint, so that what fails undoes the judging alone; of several readings only the one that fails.

    That the reading is stored and nobody judged it is an operator's alarm (SF10).
    """
    patient, readings = came.patient, came.readings
    try:
        with uow.savepoint():
            past = Past(uow.series, patient.id, now + _AHEAD)
            held = mark_held(uow.series, past, patient.id, [s for reading in readings for s in reading.samples], now)
            judge = Judge(uow, hub, patient, known, past, now)
            judged = [Judged(held.get(s.reading_id, s), reading.age) for reading in readings for s in reading.samples]
            judge.judge(judged + _again(past, late, new, judge.lookback, now))
            judge.attempts(readings)
            return judge.spoke
    except Transient:
        raise
    except Exception as error:
        log.exception("readings could not be judged", extra={"readings": len(readings)})
        if len(readings) > 1:
            spoke = [_judge_anew(uow, hub, Came(patient, [one]), late, new, now) for one in readings]
            return any(spoke)
        sentence = f"A reading of this patient was stored and not judged ({type(error).__name__})"
        technical(uow, hub, f"patient:{patient.id}", "judging-failed", Severity.RED, sentence, now)
        return False


def _judge_anew(
    uow: UnitOfWork, hub: Hub, came: Came, late: Mapping[str, datetime], new: frozenset[int], now: datetime
) -> bool:
    known = known_of(uow, [came.patient.id], now)[came.patient.id]
    return _judge(uow, hub, came, known, late, new, now)


def mark_held(line: TimeLine, past: Past, patient_id: int, new: Sequence[Sample], now: datetime) -> dict[int, Sample]:
    """Weights that look like somebody else's, flagged in the series (SF6); the new ones among them by id.

    Weights after the earliest new one are looked at again: it may hold them, or release them.
    """
    weights = [sample.at for sample in new if sample.metric == WEIGHT]
    if not weights:
        return {}
    changed: dict[int, Sample] = {}
    for sample in past(WEIGHT, min(weights), min(max(weights) + LOOKBACK, now + _AHEAD)):
        flags = sample.flags - {SOMEONE_ELSE}
        if someone_else(sample, past):
            flags |= {SOMEONE_ELSE}
        if flags != sample.flags:
            changed[sample.reading_id] = replace(sample, flags=flags)
            line.mark(patient_id, changed[sample.reading_id])
    if changed:
        past.forget(WEIGHT)
    return changed


def _first_late(newest: Mapping[str, Sample], readings: Sequence[Screened]) -> dict[str, datetime]:
    """Per metric, when the earliest new try was made that came after one made later."""
    earliest: dict[str, datetime] = {}
    for reading in readings:
        tries = [(one.metric, one.at) for one in reading.samples]
        for metric, at in tries + [(one.metric, one.at) for one in reading.failed]:
            earliest[metric] = min(at, earliest.get(metric, at))
    return {metric: at for metric, at in earliest.items() if metric in newest and newest[metric].at > at}


def _again(
    past: Past, late: Mapping[str, datetime], new: frozenset[int], lookback: timedelta, now: datetime
) -> list[Judged]:
    """Samples stored before whose past a late one changed."""
    until = now + _AHEAD
    return [
        Judged(sample, None)
        for metric, at in late.items()
        for sample in past(metric, at, min(until, at + lookback + timedelta(seconds=1)))
        if sample.reading_id not in new
    ]
