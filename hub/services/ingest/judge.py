"""Stored readings against the patient's rules: findings, alerts and duties, in ingest's own transaction."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import msgspec

from hub.domain.at_once import at_once
from hub.domain.effective import AHEAD
from hub.domain.findings import Deadline, Finding, InRange, Verdict
from hub.domain.liveness import LIVE, Route, count_in_range, verdict
from hub.domain.patients import Monitoring, Patient
from hub.domain.protocols import after_attempt
from hub.domain.ruling import Rule, WatchesAttempts
from hub.domain.samples import TIME_SUSPECT, Attempt, Sample, attempt_of
from hub.domain.severity import Severity
from hub.domain.slots import missing_problem
from hub.domain.worsening import AT_ONCE
from hub.errors import Transient
from hub.services.alerting import Raised, data_returned, note_in_range, raise_alert, technical
from hub.services.hub import Hub
from hub.services.ingest.history import Past
from hub.services.ingest.registry import Registry
from hub.services.ingest.samples import Screened
from hub.services.ports.care import Enrolment, Situation
from hub.services.ports.storage import UnitOfWork

log = logging.getLogger(__name__)

AMBER_LIVE = timedelta(hours=24)
"""An amber or low finding up to this old opens an alert: this morning's weight, sent at noon, still matters today."""

_AHEAD = AHEAD + timedelta(milliseconds=1)
"""No sample lies further in the future."""


@dataclass(frozen=True, slots=True)
class Judged:
    """A sample to judge. ``age`` is how old it was at receipt, by the hub's reckoning; None: it was stored before."""

    sample: Sample
    age: timedelta | None


class Known(msgspec.Struct, frozen=True):
    """What is known of a patient before the judging, read once for a whole group."""

    enrolments: Sequence[Enrolment]
    situation: Situation


def known_of(
    uow: UnitOfWork,
    patient_ids: Sequence[int],
    now: datetime,
    registry: Registry,
    situations: Mapping[int, Situation] | None = None,
) -> dict[int, Known]:
    """What is known of each of these patients. ``situations``: of them all, if they were asked for."""
    enrolments = registry.enrolments(uow, patient_ids, now)
    found = situations or uow.patients.situations(patient_ids)
    return {one: Known(enrolments[one], found[one]) for one in patient_ids}


class Judge:
    """One patient's rules before all that came of this patient in a group."""

    def __init__(self, uow: UnitOfWork, hub: Hub, patient: Patient, known: Known, past: Past, now: datetime) -> None:
        self._uow = uow
        self._hub = hub
        self._patient = patient
        self._history = past
        self._now = now
        self.spoke = False
        """Whether any rule raised a finding."""
        self._enrolments = known.enrolments
        self._rules = [rule for enrolment in self._enrolments for rule in enrolment.in_force.protocol.rules]
        self._open = set(known.situation.open)
        self._may_close = {problem for problem, worst in known.situation.open.items() if worst < Severity.RED}
        self._waiting = set(known.situation.waiting)
        self._before: dict[int, Mapping[int, list[tuple[int, Finding]]]] = {}

    @property
    def lookback(self) -> timedelta:
        """The longest that any rule of this patient looks back."""
        return max((rule.lookback for rule in self._rules), default=timedelta())

    def judge(self, judged: Sequence[Judged]) -> None:
        """Judge samples in the order they were measured, then what they mean for alerts that are open."""
        in_range: list[InRange] = []
        self._look_up(judged)
        for one in sorted(judged, key=lambda j: (j.sample.at, j.sample.reading_id)):
            duties: list[Deadline] = []
            for enrolment in self._enrolments:
                in_range += self._by_protocol(enrolment, one, duties)
            self._set_deadlines(one.sample.metric, one.sample.at, duties, again=one.age is None)
            if one.sample.answers and one.sample.metric in self._waiting:
                self._uow.duties.cancel_deadlines(self._patient.id, one.sample)
        if self._open:
            self._close_what_is_over(judged, in_range)

    def _look_up(self, judged: Sequence[Judged]) -> None:
        """What was said before of those that are judged again."""
        again = [one.sample.reading_id for one in judged if one.age is None]
        self._before = {
            version_id: self._uow.findings.of_readings(self._patient.id, again, version_id)
            for version_id in {enrolment.in_force.version_id for enrolment in self._enrolments if again}
        }

    def attempts(self, readings: Sequence[Screened]) -> None:
        """Judge tries that gave no value: new ones, and those of which something before came to be known."""
        times: dict[str, list[datetime]] = {}
        for reading in readings:
            for tried in (*map(attempt_of, reading.samples), *reading.failed):
                if tried.failed or tried.metric in self._waiting:
                    times.setdefault(tried.metric, []).append(tried.at)
        if not times:
            return
        reach = max((rule.lookback for rule in self._rules if isinstance(rule, WatchesAttempts)), default=timedelta())
        for metric, ats in times.items():
            until = max(ats) + reach + timedelta(seconds=1)
            for attempt in self._uow.duties.failed(self._patient.id, metric, min(ats), until):
                self._set_deadlines(metric, attempt.at, self._after(attempt), again=True)

    def _after(self, attempt: Attempt) -> list[Deadline]:
        return [
            duty
            for enrolment in self._enrolments
            for _rule, duty in after_attempt(enrolment.in_force.protocol, attempt, self._attempts, self._patient)
        ]

    def _by_protocol(self, enrolment: Enrolment, one: Judged, duties: list[Deadline]) -> list[InRange]:
        in_range: list[InRange] = []
        spoken: list[tuple[Rule, Finding]] = []
        for rule in enrolment.in_force.protocol.rules:
            if one.sample.metric in rule.metrics:
                said = self._ask(rule, one.sample, duties)
                if isinstance(said, InRange):
                    in_range.append(said)
                elif said is not None:
                    spoken.append((rule, said))
        self._keep(enrolment, one, spoken)
        return in_range

    def _ask(self, rule: Rule, sample: Sample, duties: list[Deadline]) -> Verdict:
        """What the rule says. A rule that fails is an operator's alarm, and the other rules still speak (SF10)."""
        try:
            said = rule.evaluate(sample, self._history, self._patient)
            if sample.artefact and isinstance(rule, WatchesAttempts):  # it must see the tries that gave no value, too
                duties += rule.after_attempt(attempt_of(sample), self._attempts, self._patient)
            else:
                duties += rule.deadlines(sample, self._history, self._patient)
        except Transient:
            raise
        except Exception as error:  # whatever it is, it must not be silence
            log.exception("a rule failed", extra={"rule": rule.id})
            technical(
                self._uow,
                self._hub,
                subject=f"patient:{self._patient.id}",
                problem=f"rule-failed:{rule.id}",
                severity=Severity.RED,
                sentence=f"Rule {rule.id} failed ({type(error).__name__}): it does not watch this patient's readings",
                now=self._now,
            )
            return None
        return said

    def _keep(self, enrolment: Enrolment, one: Judged, spoken: Sequence[tuple[Rule, Finding]]) -> None:
        """Write what is new; where a sample is judged again, take back what no longer holds."""
        before: list[tuple[int, Finding]] = []
        if one.age is None:
            before = self._before[enrolment.in_force.version_id].get(one.sample.reading_id, [])
        now_said = {_said(finding) for _, finding in spoken}
        self._uow.findings.supersede([row_id for row_id, old in before if _said(old) not in now_said], self._now)
        known = {_said(old) for _, old in before}
        for rule, finding in spoken:
            if _said(finding) not in known:
                self._raise(enrolment, rule, finding, one)

    def _raise(self, enrolment: Enrolment, rule: Rule, finding: Finding, one: Judged) -> None:
        self.spoke = True
        if at_once(one.sample, self._patient.oxygen_target):
            finding = replace(finding, inputs={**finding.inputs, AT_ONCE: "in the table of values that page at once"})
        page, words = self._route(rule, finding, one)
        if words:
            finding = replace(finding, sentence=f"{finding.sentence}; {words}")
        signed = enrolment.in_force.protocol.signed_by is not None
        version_id = enrolment.in_force.version_id
        paused = self._patient.state is Monitoring.PAUSED
        if finding.severity < Severity.RED and (paused or not page):
            self._uow.findings.add(
                self._patient.id,
                finding,
                found_at=self._now,
                protocol_version_id=version_id,
                retrospective=True,
                alert_id=None,
            )
            return
        new = finding.problem not in self._open
        raised = Raised(finding, "clinical", signed, version_id, page, new=new)
        raise_alert(self._uow, self._hub, self._patient, raised, f"patient:{self._patient.id}", self._now)
        self._open.add(finding.problem)
        if finding.severity < Severity.RED:
            self._may_close.add(finding.problem)

    def _route(self, rule: Rule, finding: Finding, one: Judged) -> tuple[bool, str]:
        sample = one.sample
        suspect = TIME_SUSPECT in sample.flags
        measured_at = self._now - one.age if one.age is not None else sample.at
        if finding.severity < Severity.RED:
            return suspect or self._now - measured_at <= AMBER_LIVE, ""
        newer = 0
        if not suspect and self._now - measured_at <= LIVE:
            later = self._history(sample.metric, sample.at + timedelta(milliseconds=1), self._now + _AHEAD)
            newer = count_in_range(rule, [s for s in later if s.trusted and s.dated], self._history, self._patient)
        said = verdict(measured_at, self._now, metric=sample.metric, time_suspect=suspect, newer_in_range=newer)
        return said.route is Route.PAGE, said.words

    def _set_deadlines(self, metric: str, at: datetime, duties: Sequence[Deadline], *, again: bool) -> None:
        """Set what a try at ``at`` asks for. Judged ``again``, what it no longer asks for is withdrawn."""
        if again and metric in self._waiting:
            self._uow.duties.withdraw(self._patient.id, metric, at, [duty.key for duty in duties])
        for duty in duties:
            later = self._history(duty.metric, duty.finding.at, self._now + _AHEAD)
            if not any(duty.cancelled_by(sample) for sample in later):
                self._uow.duties.set_deadline(self._patient.id, duty)
                self._waiting.add(duty.metric)

    def _close_what_is_over(self, judged: Sequence[Judged], in_range: Sequence[InRange]) -> None:
        fresh = {j.sample.reading_id for j in judged if j.age is not None and j.sample.timely}
        live = [one for one in in_range if one.reading_id in fresh and one.problem in self._may_close]
        note_in_range(self._uow, self._hub, self._patient, live, self._now)
        for metric in {j.sample.metric for j in judged if j.sample.reading_id in fresh and j.sample.credible}:
            if missing_problem(metric) in self._open:
                data_returned(self._uow, self._hub, self._patient.id, metric, self._now)

    def _attempts(self, metric: str, since: datetime, until: datetime) -> Sequence[Attempt]:
        tried = [attempt_of(sample) for sample in self._history(metric, since, until)]
        tried += self._uow.duties.failed(self._patient.id, metric, since, until)
        return sorted(tried, key=lambda attempt: attempt.at)


def _said(finding: Finding) -> tuple[str, int, bool]:
    """What makes two findings of one sample the same statement; the words may tell its age and so differ."""
    return finding.rule, int(finding.severity), finding.confirmed
