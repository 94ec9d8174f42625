"""Kind ``threshold``: a value beyond a limit, with hysteresis and N of the last M.

The level inside a gap is not saved anywhere: it is that of the latest credible sample outside the gap within
``remember``, so it is the same in whatever order samples came, and a late one can change it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from hub.domain.calm import Calm
from hub.domain.documents import Fields, broken
from hub.domain.facts import FACTS, fact_words, facts_of
from hub.domain.findings import Deadline, Finding, InRange, Verdict
from hub.domain.limits import Count, Level, Limit, parse_limits
from hub.domain.metrics import METRICS, unit_word
from hub.domain.patients import Patient
from hub.domain.ruling import Band
from hub.domain.samples import SOMEONE_ELSE, History, Sample, backwards
from hub.domain.severity import Severity
from hub.domain.wording import DOUBT, OP_WORDS, inputs_of, limit_words, measured, plain, span_words

KIND = "threshold"
REMEMBER = timedelta(days=3)
"""How long the past decides inside a gap if the protocol does not say [E]."""


@dataclass(frozen=True, slots=True)
class Standing:
    """A limit as it stands for one patient."""

    limit: Limit
    severity: Severity
    number: Decimal


@dataclass(frozen=True, slots=True)
class Threshold:
    """One threshold rule in force."""

    id: str
    problem: str
    metrics: frozenset[str]
    limits: tuple[Limit, ...]
    remember: timedelta = REMEMBER
    shows: tuple[str, ...] = ()
    kind: str = KIND

    @property
    def lookback(self) -> timedelta:
        spans = [limit.count.within for limit in self.limits if limit.count]
        if any(limit.clear for limit in self.limits):
            spans.append(self.remember)
        return max(spans, default=timedelta(0))

    def evaluate(self, sample: Sample, history: History, patient: Patient) -> Verdict:
        """The worst limit the sample stands beyond. History is read only in a gap or to count."""
        if sample.metric not in self.metrics or sample.artefact or SOMEONE_ELSE in sample.flags:
            return None
        undecided = False
        for one, level in self._beyond(sample, patient):
            if level is Level.GAP:
                kept = self._remembered(one, sample, history, patient)
                why = _kept_words(one, sample) if kept else None
                undecided = undecided or kept is None
            else:
                why = self._met_words(one, sample, history, patient)
                undecided = undecided or why is None
            if why:
                return self._finding(one, sample, patient, why)
        if undecided or not sample.trusted:
            return None
        return InRange(self.id, self.problem, sample.at, sample.reading_id)

    def deadlines(self, sample: Sample, history: History, patient: Patient) -> Sequence[Deadline]:  # noqa: ARG002
        return ()

    def bands(self, patient: Patient) -> Sequence[Band]:
        return [
            Band(metric, standing.severity, standing.limit.side, standing.number)
            for standing in self._standing(patient)
            for metric in sorted(self.metrics)
        ]

    def calm(self, patient: Patient) -> Calm:
        """Clear of every limit that stands for this patient."""
        found = Calm()
        for standing in self._standing(patient):
            clear = standing.limit.clear
            edges = [standing.number, *([] if clear is None else [clear.of(patient.oxygen_floor)])]
            above = standing.limit.side == "above"
            found = found.within(Calm(high=min(edges)) if above else Calm(low=max(edges)))
        return found

    def _standing(self, patient: Patient) -> Iterator[Standing]:
        facts = facts_of(patient)
        for limit in self.limits:
            severity = limit.severity_for(facts)
            if severity is not None:
                yield Standing(limit, severity, limit.number.of(patient.oxygen_floor))

    def _beyond(self, sample: Sample, patient: Patient) -> list[tuple[Standing, Level]]:
        """Limits not clear, worst first; of one severity a limit met goes before a gap."""
        found = [(one, one.limit.level(sample, patient.oxygen_floor)) for one in self._standing(patient)]
        beyond = [(one, level) for one, level in found if level is not Level.CLEAR]
        return sorted(beyond, key=lambda pair: (-pair[0].severity, pair[1] is Level.GAP))

    def _remembered(self, one: Standing, sample: Sample, history: History, patient: Patient) -> bool | None:
        """Whether the latest credible sample outside the gap met the limit; None if there is none.

        Of several at one instant the worst counts: which of them came first must not matter.
        """
        latest = None
        met = False
        for past in backwards(history, sample.metric, sample.at - self.remember, sample.at):
            if latest is not None and past.at < latest:
                break
            level = one.limit.level(past, patient.oxygen_floor) if past.credible else Level.GAP
            if past.reported and level is Level.CLEAR:
                continue  # what the patient typed may raise, and clears nothing (SF11)
            if level is not Level.GAP:
                latest = past.at
                met = met or level is Level.MET
        return None if latest is None else met

    def _met_words(self, one: Standing, sample: Sample, history: History, patient: Patient) -> str | None:
        """Why a met limit speaks; None if it counts readings and there are not enough yet."""
        beyond = f"{OP_WORDS[one.limit.op]} {limit_words(sample, one.number)}"
        count = one.limit.count
        if count is None:
            return f"{one.severity.word} {beyond}"
        latest = [*self._last_counted(one.limit, sample, history, count, patient), sample]
        met = sum(one.limit.level(other, patient.oxygen_floor) is Level.MET for other in latest)
        if met < count.n:
            return None
        return f"{one.severity.word}: {met} of the last {len(latest)} in {span_words(count.within)} {beyond}"

    def _last_counted(
        self, limit: Limit, sample: Sample, history: History, count: Count, patient: Patient
    ) -> list[Sample]:
        """As many before ``sample`` as are counted, oldest first. Of one instant the higher values count as the later.

        What the patient typed counts where it is beyond the limit; in range it would thin out what devices measured.
        """
        past: list[Sample] = []
        for other in backwards(history, sample.metric, sample.at - count.within, sample.at):
            if len(past) >= count.of - 1 and other.at < past[-1].at:
                break
            calms = other.reported and limit.level(other, patient.oxygen_floor) is not Level.MET
            if other.credible and not calms:
                past.append(other)
        return sorted(past, key=lambda other: (other.at, other.value))[-(count.of - 1) :]

    def _finding(self, one: Standing, sample: Sample, patient: Patient, why: str) -> Finding:
        facts = facts_of(patient)
        named = list(dict.fromkeys([*(one.limit.only_if or {}), *self.shows]))
        context = fact_words([name for name in named if (name, facts[name]) not in _UNSAID], facts)
        if one.limit.number.on_floor:
            context.append(f"floor {patient.oxygen_floor}")
        value = measured(sample, [other.number for other in self._standing(patient)])
        sentence = f"{METRICS[sample.metric].label} {value}, {why}"
        sentence += f" ({', '.join(context)})" if context else ""
        sentence += f", {DOUBT}" if sample.doubtful else ""
        inputs = inputs_of(sample) | {name: facts[name] for name in named}
        inputs["limit"] = f"{one.limit.op} {plain(one.number)} {METRICS[sample.metric].unit}"
        inputs["because"] = why
        return Finding(
            self.id,
            self.problem,
            one.severity,
            sample.at,
            sentence,
            sample.reading_id,
            inputs,
            confirmed=not sample.doubtful,
        )


_UNSAID = {("oxygen_target", "unset")}
"""Answers that stand in the inputs but not in the sentence."""


def _kept_words(one: Standing, sample: Sample) -> str:
    clear = one.number + (one.limit.clear.value - one.limit.number.value if one.limit.clear else 0)
    back = OP_WORDS["<=" if one.limit.side == "above" else ">="]
    was = f"{OP_WORDS[one.limit.op]} {limit_words(sample, one.number)}"
    return f"still {one.severity.word} until {back} {limit_words(sample, clear)} (was {was})"


def parse(fields: Fields, rule_id: str, problem: str) -> Threshold:
    """The rule a document describes."""
    metrics = fields.names("metrics", sorted(METRICS))
    unit = fields.text("unit")
    for metric in metrics:
        if METRICS[metric].unit != unit:
            known = METRICS[metric].unit
            broken(fields.where("unit"), f"{metric} is kept in {known} ({unit_word(known)}), not in {unit}")
    limits = parse_limits(fields.items("limits"), metrics[0], floor_only=("oxygen_saturation",))
    remember = fields.duration("remember") if fields.has("remember") else REMEMBER
    shows = fields.names("shows", sorted(FACTS)) if fields.has("shows") else ()
    return Threshold(rule_id, problem, frozenset(metrics), limits, remember, shows)
