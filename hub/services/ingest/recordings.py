"""Readings of a recording: judged on a time line of their own, by the rules that watch the patient, for looking back.

Nothing here opens an alert, sets a duty or meets one, and nothing a patient's own devices measured is looked at (SF20).
"""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from hub.domain.at_once import at_once
from hub.domain.effective import AHEAD
from hub.domain.findings import Finding
from hub.domain.patients import Patient
from hub.domain.ruling import Rule
from hub.domain.samples import Sample
from hub.domain.severity import Severity
from hub.domain.worsening import AT_ONCE
from hub.errors import Transient
from hub.services.ingest.evaluate import Came, mark_held
from hub.services.ingest.history import Past
from hub.services.ports.care import Enrolment
from hub.services.ports.storage import UnitOfWork

log = logging.getLogger(__name__)

_WORDS = "from a recording"
_AHEAD = AHEAD + timedelta(seconds=1)


def judge_recordings(uow: UnitOfWork, came: Sequence[Came], now: datetime) -> None:
    """Keep these patients' samples, and what each rule says of them as a finding that nobody is paged for.

    A recording comes in the order in which it was measured: what is stored is not judged again.
    """
    enrolments = uow.protocols.of_patients([one.patient.id for one in came], now)
    for one in came:
        samples = sorted((s for reading in one.readings for s in reading.samples), key=lambda s: (s.at, s.reading_id))
        uow.replayed.append({one.patient.id: samples})
        try:
            with uow.savepoint():
                _judge(uow, one.patient, enrolments.get(one.patient.id, ()), samples, now)
        except Transient:
            raise
        except Exception as error:  # a recording must not hold up what patients' own devices measured
            log.exception("a recording could not be judged", extra={"samples": len(samples)})
            sentence = f"{len(samples)} values of a recording were stored and not judged ({type(error).__name__})"
            failed = Finding("recording", "judging-failed", Severity.RED, samples[0].at, sentence)
            _keep(uow, one.patient, None, failed, now)


def _judge(
    uow: UnitOfWork, patient: Patient, enrolments: Sequence[Enrolment], samples: Sequence[Sample], now: datetime
) -> None:
    past = Past(uow.replayed, patient.id, now + _AHEAD)
    held = mark_held(uow.replayed, past, patient.id, samples, now)
    for sample in samples:
        for enrolment in enrolments:
            for finding in _said(enrolment, held.get(sample.reading_id, sample), past, patient):
                _keep(uow, patient, enrolment, finding, now)


def _said(enrolment: Enrolment, sample: Sample, past: Past, patient: Patient) -> Iterator[Finding]:
    for rule in enrolment.in_force.protocol.rules:
        if sample.metric in rule.metrics:
            said = _ask(rule, sample, past, patient)
            if said is not None:
                urgent = at_once(sample, patient.oxygen_target)
                inputs = {**said.inputs, AT_ONCE: "in the table of values that page at once"} if urgent else said.inputs
                yield replace(said, sentence=f"{said.sentence}; {_WORDS}", inputs=inputs)


def _ask(rule: Rule, sample: Sample, past: Past, patient: Patient) -> Finding | None:
    """What the rule says. That it failed stands among the findings: whoever replays must see it (SF10)."""
    try:
        said = rule.evaluate(sample, past, patient)
    except Transient:
        raise
    except Exception as error:  # whatever it is, it must not be silence
        log.exception("a rule failed", extra={"rule": rule.id})
        sentence = f"Rule {rule.id} failed ({type(error).__name__}): it said nothing of this reading"
        problem = f"rule-failed:{rule.id}"[:64]
        return Finding(rule.id, problem, Severity.RED, sample.at, sentence, reading_id=sample.reading_id)
    return said if isinstance(said, Finding) else None


def _keep(uow: UnitOfWork, patient: Patient, enrolment: Enrolment | None, finding: Finding, now: datetime) -> None:
    uow.findings.add(
        patient.id,
        finding,
        found_at=now,
        protocol_version_id=None if enrolment is None else enrolment.in_force.version_id,
        retrospective=True,
        alert_id=None,
        replayed=True,
    )
