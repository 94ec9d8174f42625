"""One patient's new readings: into the series, before the rules, and whatever a late one changes is judged again."""

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import msgspec

from hub.domain.effective import AHEAD
from hub.domain.patients import Patient
from hub.domain.same_person import LOOKBACK, WEIGHT, someone_else
from hub.domain.samples import SOMEONE_ELSE, Attempt, Sample
from hub.domain.severity import Severity
from hub.errors import Transient
from hub.services.alerting import technical
from hub.services.hub import Hub
from hub.services.ingest.history import Past
from hub.services.ingest.judge import Judge, Judged, Known, known_of
from hub.services.ingest.registry import Registry, Weighed, later_of, weighed
from hub.services.ingest.samples import Screened
from hub.services.ports.care import Situation
from hub.services.ports.series import TimeLine
from hub.services.ports.storage import UnitOfWork

log = logging.getLogger(__name__)

_AHEAD = AHEAD + timedelta(seconds=1)
"""No sample lies further in the future."""


class Came(msgspec.Struct, frozen=True):
    """What came of one patient in a group."""

    patient: Patient
    readings: Sequence[Screened]

    @property
    def newest(self) -> dict[str, datetime]:
        """By metric when the newest sample was measured."""
        newest: dict[str, datetime] = {}
        for reading in self.readings:
            for sample in reading.samples:
                known = newest.get(sample.metric)
                if known is None or sample.at > known:
                    newest[sample.metric] = sample.at
        return newest

    @property
    def ids(self) -> frozenset[int]:
        """Of its samples."""
        return frozenset(sample.reading_id for reading in self.readings for sample in reading.samples)


@dataclass(frozen=True, slots=True)
class Group:
    """What is known before the judging, by patient: what ingest read of them, all that came, and what of it came late.

    ``before``: by metric when the newest sample was measured until then. ``registry`` with the evaluation ``versions``:
    what is kept from group to group.
    """

    known: Mapping[int, Known]
    before: Mapping[int, Mapping[str, datetime]]
    late: Mapping[int, Mapping[str, datetime]]
    came: Mapping[int, Came]
    registry: Registry
    versions: Mapping[int, int]


def evaluate(
    uow: UnitOfWork,
    hub: Hub,
    came: Sequence[Came],
    now: datetime,
    registry: Registry | None = None,
    situations: Mapping[int, Situation] | None = None,
) -> set[int]:
    """Append these patients' samples and judge them; the ids of patients about whom a rule spoke.

    ``registry``, ``situations``: what the caller keeps and knows already, instead of asking.
    """
    ids = [one.patient.id for one in came]
    registry = registry or Registry()
    known = known_of(uow, ids, now, registry, situations)
    versions = {patient_id: theirs.situation.version for patient_id, theirs in known.items()}
    before = registry.newest(uow, versions)
    samples = {one.patient.id: [sample for reading in one.readings for sample in reading.samples] for one in came}
    uow.series.append(samples)
    uow.duties.note_failed({one.patient.id: [a for reading in one.readings for a in reading.failed] for one in came})
    uow.duties.met({patient_id: {sample.metric for sample in theirs} for patient_id, theirs in samples.items()}, now)
    late = {one.patient.id: _first_late(before[one.patient.id], one.readings) for one in came}
    group = Group(known, before, late, {one.patient.id: one for one in came}, registry, versions)
    speaking = _speaking(uow, came, group, now)
    return _together(uow, hub, speaking, group, now) if speaking else set()


def _speaking(uow: UnitOfWork, came: Sequence[Came], group: Group, now: datetime) -> list[Came]:
    """Those about whom a rule may have something to say, do or take back. Nearly all readings are of nobody such."""
    new: dict[int, list[Sample]] = {}
    speaking: set[int] = set()
    for one in came:
        weights = _weights_if_calm(one, group)
        if weights is None:
            speaking.add(one.patient.id)
        elif weights:
            new[one.patient.id] = weights
    for patient_id, past in _weighed_before(uow, new, group, now).items():
        patient, weights = group.came[patient_id].patient, _in_order(new[patient_id])
        after = _calm_after(patient, past, weights, group)
        if after is None:
            speaking.add(patient_id)
        else:
            group.registry.weighed(patient_id, after)
    return [one for one in came if one.patient.id in speaking]


def _weights_if_calm(came: Came, group: Group) -> list[Sample] | None:
    """The weights that must be looked at beside those before them, if nothing else is to be said of what came."""
    situation = group.known[came.patient.id].situation
    if situation.open or situation.waiting or group.late[came.patient.id]:
        return None
    foreseen = group.registry.foreseen(came.patient)
    weights: list[Sample] = []
    for reading in came.readings:
        if reading.failed:
            return None
        for sample in reading.samples:
            metric = foreseen.get(sample.metric)
            if metric is None or not metric.calm.holds(sample) or (metric.others and sample.metric != WEIGHT):
                return None
            if metric.others:
                weights.append(sample)
    return weights


def _calm_after(patient: Patient, past: Weighed, weights: Sequence[Sample], group: Group) -> Weighed | None:
    """What was weighed in the end, if no rule speaks about any of these weights, each after those before it."""
    foreseen = group.registry.foreseen(patient)[WEIGHT]
    for weight in weights:
        try:
            calm = foreseen.after(past.before, patient)
        except Exception:  # asked about the weight it fails again, and that is an alarm (SF10)
            log.exception("what is calm after these weights cannot be told")
            return None
        if calm is None or not calm.holds(weight):
            return None
        past = past.then(weight)
    return past


def _weighed_before(
    uow: UnitOfWork, new: Mapping[int, Sequence[Sample]], group: Group, now: datetime
) -> dict[int, Weighed]:
    """By patient what was weighed before the ``new`` weights, since rules look back. What is not known is asked for."""
    known = group.registry.weights(group.versions, _looked_back_from(new))
    asked = {patient_id: weights for patient_id, weights in new.items() if patient_id not in known}
    read = _weights_before(uow, asked, group, now)
    return known | {patient_id: weighed(since, before) for patient_id, (since, before) in read.items()}


def _weights_before(
    uow: UnitOfWork, new: Mapping[int, Sequence[Sample]], group: Group, now: datetime
) -> dict[int, tuple[datetime, list[Sample]]]:
    """By patient from when on rules look back from the ``new`` weights, and what was weighed since then before them."""
    since = _looked_back_from(new)
    found = uow.series.ranges(WEIGHT, since, now + _AHEAD)
    came = {patient_id: group.came[patient_id].ids for patient_id in found}
    return {
        patient_id: (since[patient_id], [weight for weight in stored if weight.reading_id not in came[patient_id]])
        for patient_id, stored in found.items()
    }


def _looked_back_from(new: Mapping[int, Sequence[Sample]]) -> dict[int, datetime]:
    return {patient_id: min(weight.at for weight in weights) - LOOKBACK for patient_id, weights in new.items()}


def _together(uow: UnitOfWork, hub: Hub, came: Sequence[Came], group: Group, now: datetime) -> set[int]:
    """Judge all in one savepoint. Where that fails each is judged in one of its own: two more statements a patient."""
    try:
        with uow.savepoint():
            pasts = _pasts(uow, came, group, now)
            spoke = {one.patient.id for one in came if _judge(uow, hub, one, group, pasts[one.patient.id], now)}
            for patient_id, past in pasts.items():
                remembered = past.remembered(WEIGHT)
                if remembered is not None:
                    group.registry.weighed(patient_id, weighed(*remembered))
            return spoke
    except Transient:
        raise
    except Exception as error:  # noqa: BLE001 - each is tried alone, and told of then
        log.warning("judging one by one", extra={"patients": len(came), "error": type(error).__name__})
    return {one.patient.id for one in came if _alone(uow, hub, one, group, now)}


def _pasts(uow: UnitOfWork, came: Sequence[Came], group: Group, now: datetime) -> dict[int, Past]:
    """Each one's past, in which the weights that rules look back at are known."""
    new: dict[int, list[Sample]] = {}
    for one in came:
        weights = [s for reading in one.readings for s in reading.samples if s.metric == WEIGHT]
        if weights:
            new[one.patient.id] = weights
    pasts = {one.patient.id: _past(uow, one, group, now) for one in came}
    for patient_id, (begin, before) in _weights_before(uow, new, group, now).items():
        pasts[patient_id].remember(WEIGHT, begin, _in_order([*before, *new[patient_id]]))
    return pasts


def _past(uow: UnitOfWork, came: Came, group: Group, now: datetime) -> Past:
    newest = later_of(group.before[came.patient.id], came.newest)
    return Past(uow.series, came.patient.id, now + _AHEAD, newest)


def _judge(uow: UnitOfWork, hub: Hub, came: Came, group: Group, past: Past, now: datetime) -> bool:
    """One patient's readings before the rules: whether any of them spoke."""
    patient, readings, late = came.patient, came.readings, group.late[came.patient.id]
    samples = [sample for reading in readings for sample in reading.samples]
    held = mark_held(uow.series, past, patient.id, samples, now)
    judge = Judge(uow, hub, patient, group.known[patient.id], past, now)
    judged = [Judged(held.get(s.reading_id, s), reading.age) for reading in readings for s in reading.samples]
    if late:
        judged += _again(past, late, group.came[patient.id].ids, judge.lookback, now)
    judge.judge(judged)
    judge.attempts(readings)
    return judge.spoke


def _alone(uow: UnitOfWork, hub: Hub, came: Came, group: Group, now: datetime) -> bool:
    """Judge in a savepoint, so that what fails undoes the judging alone; of several readings only the one that fails.

    That the reading is stored and nobody judged it is an operator's alarm (SF10).
    """
    patient, readings = came.patient, came.readings
    try:
        with uow.savepoint():
            return _judge(uow, hub, came, group, _past(uow, came, group, now), now)
    except Transient:
        raise
    except Exception as error:
        log.exception("readings could not be judged", extra={"readings": len(readings)})
        if len(readings) > 1:
            spoke = [_anew(uow, hub, Came(patient, [one]), group, now) for one in readings]
            return any(spoke)
        sentence = f"A reading of this patient was stored and not judged ({type(error).__name__})"
        technical(uow, hub, f"patient:{patient.id}", "judging-failed", Severity.RED, sentence, now)
        return False


def _anew(uow: UnitOfWork, hub: Hub, came: Came, group: Group, now: datetime) -> bool:
    known = known_of(uow, [came.patient.id], now, Registry())
    return _alone(uow, hub, came, replace(group, known=known), now)


def mark_held(line: TimeLine, past: Past, patient_id: int, new: Sequence[Sample], now: datetime) -> dict[int, Sample]:
    """Weights that look like somebody else's, flagged in the series (SF6); the new ones among them by id.

    Weights after the earliest new one are looked at again: it may hold them, or release them.
    """
    weights = [sample.at for sample in new if sample.metric == WEIGHT]
    if not weights:
        return {}
    changed: dict[int, Sample] = {}
    past(WEIGHT, min(weights) - LOOKBACK, now + _AHEAD)  # what each of them is compared with, in one question
    for sample in past(WEIGHT, min(weights), min(max(weights) + LOOKBACK, now + _AHEAD)):
        flags = sample.flags - {SOMEONE_ELSE}
        if someone_else(sample, past):
            flags |= {SOMEONE_ELSE}
        if flags != sample.flags:
            changed[sample.reading_id] = sample.flagged(flags)
            line.mark(patient_id, changed[sample.reading_id])
    if changed:
        past.forget(WEIGHT)
    return changed


def judge_after(uow: UnitOfWork, hub: Hub, patient: Patient, gone: Sequence[Sample], now: datetime) -> None:
    """Judge again what was measured after samples that hold no more: they may have been what it was compared with."""
    until = now + _AHEAD
    past = Past(uow.series, patient.id, until)
    mark_held(uow.series, past, patient.id, gone, now)
    known = known_of(uow, [patient.id], now, Registry())[patient.id]
    judge = Judge(uow, hub, patient, known, past, now)
    first: dict[str, datetime] = {}
    for sample in gone:
        first[sample.metric] = min(sample.at, first.get(sample.metric, sample.at))
    judge.judge(_again(past, first, frozenset(), judge.lookback, now))


def _in_order(samples: Iterable[Sample]) -> list[Sample]:
    return sorted(samples, key=lambda sample: (sample.at, sample.reading_id))


def _first_late(newest: Mapping[str, datetime], readings: Sequence[Screened]) -> dict[str, datetime]:
    """Per metric, when the earliest new try was made that came after one made later."""
    late: dict[str, datetime] = {}
    for reading in readings:
        tries: list[Sample | Attempt] = [*reading.samples, *reading.failed]
        for one in tries:
            before = newest.get(one.metric)
            if before is not None and one.at < before:
                late[one.metric] = min(one.at, late.get(one.metric, one.at))
    return late


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
