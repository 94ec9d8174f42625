"""When an amber alert closes by itself (SF11): a pure function of what is stored, never of what a process remembers."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from hub.domain.alerts import CLINICAL, Alert, BackInRange
from hub.domain.findings import InRange
from hub.domain.patients import Patient
from hub.domain.ruling import Rule
from hub.domain.samples import History, Sample
from hub.services.hub import HUB, Hub
from hub.services.ingest.history import Past
from hub.services.paging import stand_everybody_down
from hub.services.ports.storage import UnitOfWork
from hub.services.transitions import Changed, change

APART = timedelta(minutes=30)
LONGEST_LOOK = timedelta(days=14)
"""Readings further back than this close nothing: a scale that is stepped on weekly still closes its amber."""
_AFTER = timedelta(milliseconds=1)


def note_in_range(uow: UnitOfWork, hub: Hub, patient: Patient, in_range: Sequence[InRange], now: datetime) -> None:
    """Close ambers whose problem is back in range: two valid readings of one kind of device at least 30 min apart."""
    problems = sorted({one.problem for one in in_range})
    found = [uow.alerts.open_of(f"patient:{patient.id}", problem) for problem in problems]
    for alert in sorted(filter(None, found), key=lambda alert: alert.id):
        if alert.kind == CLINICAL and not alert.red and _is_over(uow, patient, alert, now):
            _close(uow, hub, alert, now)


def _close(uow: UnitOfWork, hub: Hub, alert: Alert, now: datetime) -> None:
    outcome = change(uow, alert, BackInRange(), HUB, now)
    if isinstance(outcome, Changed):
        stand_everybody_down(uow, hub, outcome.after, "closed by itself, back in range", now)


def _is_over(uow: UnitOfWork, patient: Patient, alert: Alert, now: datetime) -> bool:
    rules = [
        rule
        for enrolment in uow.protocols.of_patient(patient.id, now)
        for rule in enrolment.in_force.protocol.rules
        if rule.problem == alert.problem
    ]
    spoke = [rule for rule in rules if rule.id in alert.rules]
    if not spoke or len({rule.id for rule in spoke}) < len(alert.rules):
        return False  # a rule that spoke is no longer in force: a person decides

    history = Past(uow.series, patient.id, now + _AFTER)
    since = max(alert.last_finding_at + _AFTER, now - LONGEST_LOOK)
    # Protocols name their rules alike: each rule in force is asked, and the strictest decides.
    judged = [(rule, *_in_range(rule, history, since, now, patient)) for rule in rules]
    # Two glucose meters of one kind or one oximeter twice: the pair must be of one kind, for each rule that spoke.
    paired = all(_has_pair(fine) for rule, fine, _ in judged if rule.id in alert.rules)
    return paired and all(newest for _, _, newest in judged)


def _in_range(
    rule: Rule,
    history: History,
    since: datetime,
    now: datetime,
    patient: Patient,
) -> tuple[list[Sample], bool]:
    """Trusted samples the rule calls in range, and whether the newest one it was asked about is among them."""
    seen = sorted(
        (
            sample
            for metric in rule.metrics
            for sample in history(metric, since, now + _AFTER)
            if sample.trusted and sample.timely
        ),
        key=lambda sample: (sample.at, sample.reading_id),
    )
    fine = [sample for sample in seen if isinstance(rule.evaluate(sample, history, patient), InRange)]
    return fine, not seen or (bool(fine) and fine[-1] == seen[-1])


def _has_pair(samples: Sequence[Sample]) -> bool:
    spans: dict[str, list[datetime]] = {}
    for sample in samples:
        spans.setdefault(sample.profile, []).append(sample.at)
    return any(max(times) - min(times) >= APART for times in spans.values())
