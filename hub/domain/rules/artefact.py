"""Kind ``artefact``: tries that gave no value, and values beyond belief (SF1).

Only a fault the device declared, a 0, or an absent value is an artefact by itself. One is nothing: a probe slipped. Two
within ``repeated_within`` and no valid repeat within ``valid_within`` is red, for the sickest are the hardest to
measure. A value beyond belief without a declared fault is not an artefact: ``threshold`` pages it where it lies beyond
a limit, and this kind pages it for the metrics in ``page_implausible``, which have no limit on that side.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from hub.domain.calm import Calm
from hub.domain.documents import Fields
from hub.domain.findings import Deadline, Finding, Verdict
from hub.domain.metrics import METRICS, unit_word
from hub.domain.patients import Patient
from hub.domain.ruling import Band
from hub.domain.samples import IMPLAUSIBLE, Attempt, Attempts, History, Sample, attempt_of
from hub.domain.severity import Severity
from hub.domain.wording import DOUBT, inputs_of, instant, measured, plain, span_words

KIND = "artefact"


@dataclass(frozen=True, slots=True)
class Artefact:
    """One artefact rule in force."""

    id: str
    problem: str
    metrics: frozenset[str]
    repeated_within: timedelta
    valid_within: timedelta
    page_implausible: frozenset[str] = frozenset()
    kind: str = KIND

    @property
    def lookback(self) -> timedelta:
        return self.repeated_within

    def evaluate(self, sample: Sample, history: History, patient: Patient) -> Verdict:  # noqa: ARG002
        """Red for a value beyond belief that nothing else would page; else nothing, for an artefact says nothing."""
        watched = sample.metric in self.page_implausible and IMPLAUSIBLE in sample.flags
        if not watched or sample.artefact:
            return None
        known = METRICS[sample.metric]
        bounds = f"{plain(known.low)} to {plain(known.high)} {unit_word(known.unit)}"
        sentence = f"{known.label} {measured(sample, (known.low, known.high))}, outside {bounds}, {DOUBT}"
        inputs = inputs_of(sample) | {"limit": f"outside {bounds}"}
        return Finding(
            self.id, self.problem, Severity.RED, sample.at, sentence, sample.reading_id, inputs, confirmed=False
        )

    def deadlines(self, sample: Sample, history: History, patient: Patient) -> Sequence[Deadline]:
        """The duties of a 0 or a declared fault, as far as samples show: ``after_attempt`` sees more."""
        if not sample.artefact:
            return ()

        def earlier(metric: str, since: datetime, until: datetime) -> list[Attempt]:
            return [attempt_of(past) for past in history(metric, since, until)]

        return self.after_attempt(attempt_of(sample), earlier, patient)

    def after_attempt(self, attempt: Attempt, earlier: Attempts, patient: Patient) -> Sequence[Deadline]:  # noqa: ARG002
        """A second failed attempt asks for a valid one within ``valid_within``.

        Keys go by quarter hours (or whatever ``valid_within`` is), so an oximeter that fails every second sets one duty
        each, and a run of failures that goes on after its alert was closed raises the next. A value obtained within the
        quarter hour begins a new key: the duty it cancelled must not stand in for that of the failures after it.
        """
        if not attempt.failed or attempt.metric not in self.metrics:
            return ()
        past = earlier(attempt.metric, attempt.at - self.repeated_within, attempt.at)
        obtained = max((one.at for one in past if one.obtained), default=None)
        failed = [one for one in past if one.failed and (obtained is None or one.at > obtained)]
        if not failed:
            return ()
        first = max(failed, key=lambda one: one.at)
        spans = f"{span_words(attempt.at - first.at)} apart"
        faults = ", ".join(sorted(attempt.flags)) or "no value"
        label = METRICS[attempt.metric].label
        sentence = (
            f"Cannot obtain a reading: {label} failed twice, {spans}, none valid within {span_words(self.valid_within)}"
        )
        inputs = {"attempt": f"{instant(attempt.at)}: {faults}", "before": instant(first.at), "metric": attempt.metric}
        finding = Finding(self.id, self.problem, Severity.RED, attempt.at, sentence, attempt.reading_id, inputs)
        start = _start(attempt.at, self.valid_within)
        since = obtained if obtained and obtained > start else start
        key = f"{self.id}:{attempt.metric}:{instant(since)}"
        return (Deadline("no_valid_repeat", key, attempt.at + self.valid_within, finding, attempt.metric),)

    def calm(self, patient: Patient) -> Calm:  # noqa: ARG002
        """Every value without a flag."""
        return Calm()

    def bands(self, patient: Patient) -> Sequence[Band]:  # noqa: ARG002
        return ()


def _start(at: datetime, step: timedelta) -> datetime:
    epoch = datetime(2000, 1, 1, tzinfo=UTC)
    return epoch + (at - epoch) // step * step


def parse(fields: Fields, rule_id: str, problem: str) -> Artefact:
    """The rule a document describes."""
    metrics = fields.names("metrics", sorted(METRICS))
    paged = fields.names("page_implausible", metrics) if fields.has("page_implausible") else ()
    repeated, valid = fields.duration("repeated_within"), fields.duration("valid_within")
    return Artefact(rule_id, problem, frozenset(metrics), repeated, valid, frozenset(paged))
