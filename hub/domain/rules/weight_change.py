"""Kind ``weight_change``: gain and loss over windows, and gain above dry weight (SF6).

The reference for window w at time t is the lowest trusted weight in [t-w-12 h, t-w+12 h], else the lowest in
[t-1.5w, t-6 h]; never a median, whose fallback misses far more real gains. For a loss it is the highest, by the same
windows. Only weights of the same person (``same_person``) and the same kind of scale are compared.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from operator import ge, gt

from hub.domain.calm import Before, Calm
from hub.domain.documents import Fields, broken
from hub.domain.findings import Deadline, Finding, InRange, Verdict
from hub.domain.metrics import METRICS, quantise, unit_word
from hub.domain.patients import DryWeight, Patient
from hub.domain.ruling import Band
from hub.domain.same_person import JUMP_KG, LOOKBACK, REWEIGH_WITHIN, WEIGHT, judge, weighed
from hub.domain.samples import History, Sample
from hub.domain.severity import Severity
from hub.domain.wording import in_unit, inputs_of, instant, measured, plain, rounded, span_words

KIND = "weight_change"
_AROUND = timedelta(hours=12)
_NEAREST = timedelta(hours=6)
_SCALES = frozenset({"weight-scale", "body-composition"})
_LIMIT = re.compile(r"^(>=|>) ([0-9]{1,2}(?:\.[0-9]{1,2})?)$")
_COMPARE: dict[str, Callable[[Decimal, Decimal], bool]] = {">": gt, ">=": ge}


@dataclass(frozen=True, slots=True)
class Change:
    """``severity`` if the weight changed by this much over ``window``, or from dry weight where that is None."""

    severity: Severity
    gain: bool
    op: str
    kg: Decimal
    window: timedelta | None

    def met(self, difference: Decimal) -> bool:
        """``difference`` is now minus reference."""
        return _COMPARE[self.op](difference if self.gain else -difference, self.kg)


def reference(weights: Sequence[Sample], at: datetime, window: timedelta, *, gain: bool) -> Sample | None:
    """What a change over ``window`` is measured from (SF6); None if nothing was weighed then."""
    pick = min if gain else max
    for start, end in ((window + _AROUND, window - _AROUND), (window * 1.5, _NEAREST)):
        found = [weight for weight in weights if at - start <= weight.at <= at - end]
        if found:
            return pick(found, key=lambda weight: weight.value)
    return None


@dataclass(frozen=True, slots=True)
class WeightChange:
    """One weight rule in force."""

    id: str
    problem: str
    changes: tuple[Change, ...]
    kind: str = KIND
    metrics: frozenset[str] = frozenset({WEIGHT})
    lookback: timedelta = LOOKBACK

    def evaluate(self, sample: Sample, history: History, patient: Patient) -> Verdict:
        """The worst change the weight has made. In range only if every window had something to compare with."""
        if not weighed(sample) and not _typed(sample):
            return None
        judged = judge(sample, history)
        if judged.held_against:
            return None
        own = [weight for weight in judged.before if _scale(weight) == _scale(sample)]
        found: list[tuple[Change, Decimal, Sample | None]] = []
        complete = True
        for change, base, kg in self._bases(sample, own, patient):
            if kg is None:
                complete = False
            elif change.met(quantise(WEIGHT, sample.value - kg)):
                found.append((change, kg, base))
        if found:
            return self._finding(sample, found, patient)
        return InRange(self.id, self.problem, sample.at, sample.reading_id) if complete and sample.trusted else None

    def deadlines(self, sample: Sample, history: History, patient: Patient) -> Sequence[Deadline]:  # noqa: ARG002
        """A held weight must be followed by another within 24 h, or a person asks."""
        against = judge(sample, history).held_against if weighed(sample) or _typed(sample) else None
        if against is None:
            return ()
        sentence = (
            f"Weight {measured(sample)}, {measured(against)} before: someone else? "
            f"No re-weigh within {span_words(REWEIGH_WITHIN)}"
        )
        inputs = inputs_of(sample) | {"before": inputs_of(against)[WEIGHT]}
        finding = Finding(self.id, self.problem, Severity.AMBER, sample.at, sentence, sample.reading_id, inputs)
        key = f"{self.id}:{WEIGHT}:{instant(sample.at)}"
        return (Deadline("no_reweigh", key, sample.at + REWEIGH_WITHIN, finding, WEIGHT),)

    def calm_after(self, past: Before, patient: Patient) -> Calm | None:
        """Whatever it is compared with lies between the lowest and the highest before it. In doubt it is asked.

        A step of the scale away from each limit: a difference is rounded before it is compared, and a dry weight may
        be known to the gram.
        """
        if past.doubt:
            return None
        span = None if past.low is None or past.high is None else (past.low, past.high)
        dry = (patient.dry_weight.kg, patient.dry_weight.kg) if patient.dry_weight else None
        lows = [span[1] - JUMP_KG] if span else []
        highs = [span[0] + JUMP_KG] if span else []
        for change in self.changes:
            between = dry if change.window is None else span
            room = change.kg - METRICS[WEIGHT].resolution
            if between and change.gain:
                highs.append(between[0] + room)
            elif between:
                lows.append(between[1] - room)
        return Calm(max(lows, default=None), min(highs, default=None))

    def bands(self, patient: Patient) -> Sequence[Band]:
        """Dry weight plus its limit; a change over time is no line on a chart."""
        dry = patient.dry_weight
        return [
            Band(WEIGHT, change.severity, "above", dry.kg + change.kg)
            for change in self.changes
            if change.window is None and dry is not None
        ]

    def _bases(
        self, sample: Sample, own: Sequence[Sample], patient: Patient
    ) -> Iterator[tuple[Change, Sample | None, Decimal | None]]:
        for change in self.changes:
            if change.window is None:
                yield change, None, patient.dry_weight.kg if patient.dry_weight else None
            else:
                base = reference(own, sample.at, change.window, gain=change.gain)
                yield change, base, base.value if base else None

    def _finding(
        self, sample: Sample, found: Sequence[tuple[Change, Decimal, Sample | None]], patient: Patient
    ) -> Finding:
        change, kg, base = max(found, key=lambda one: one[0].severity)
        inputs = inputs_of(sample)
        for one, against, past in found:
            where = f"weighed {instant(past.at)}" if past else "dry weight"
            way = "gain" if one.gain else "loss"
            inputs[f"{way} {_window_words(one)}"] = (
                f"{plain(sample.value - against)} kg from {plain(against)} kg, {where}"
            )
            inputs[f"limit {_window_words(one)}"] = f"{one.op} {plain(one.kg)} kg"
        dry = patient.dry_weight
        if dry:
            inputs["dry_weight"] = f"{plain(dry.kg)} kg, set by {dry.set_by} at {instant(dry.set_at)}"
        sentence = _sentence(sample, change, kg, base, dry)
        return Finding(self.id, self.problem, change.severity, sample.at, sentence, sample.reading_id, inputs)


def _scale(sample: Sample) -> str:
    """Scales are compared with scales, words with words. What the patient typed was read from a scale."""
    return "scale" if sample.profile in _SCALES or sample.reported else sample.profile


def _typed(sample: Sample) -> bool:
    """A weight the patient typed: it may show a change, and is no reference for another (SF11)."""
    return sample.metric == WEIGHT and sample.reported and sample.credible


def _window_words(change: Change) -> str:
    return f"over {span_words(change.window)}" if change.window else "from dry weight"


def _scale_unit(sample: Sample) -> str:
    """The unit on the patient's scale."""
    shown = sample.shown.unit if sample.shown else "kg"
    return shown if in_unit(WEIGHT, sample.value, shown) is not None else "kg"


def _in(unit: str, kg: Decimal, limit: Decimal | None = None) -> str:
    """``kg`` in ``unit``, not rounded across ``limit``."""
    own = in_unit(WEIGHT, kg, unit) or kg
    beside = in_unit(WEIGHT, limit, unit) if limit is not None else None
    return rounded(own, () if beside is None else (beside,), 1)


def _weight_in(unit: str, sample: Sample) -> str:
    """A weight as the scale showed it, if it showed it in ``unit``."""
    if sample.shown and sample.shown.unit == unit:
        return plain(sample.shown.value)
    return _in(unit, sample.value)


def _sentence(sample: Sample, change: Change, kg: Decimal, base: Sample | None, dry: DryWeight | None) -> str:
    """``Weight +2.1 kg in 3 days (79.3 -> 81.4 kg); dry 78.0``."""
    unit = _scale_unit(sample)
    word, now = unit_word(unit), _weight_in(unit, sample)
    limit = change.kg if change.gain else -change.kg
    moved = f"Weight {'+' if change.gain else ''}{_in(unit, sample.value - kg, limit)} {word}"
    if base is None:
        return f"{moved} above dry weight ({_in(unit, kg)} -> {now} {word})"
    span = span_words(sample.at - base.at)
    beside = f"; dry {_in(unit, dry.kg)}" if dry else ""
    return f"{moved} in {span} ({_weight_in(unit, base)} -> {now} {word}){beside}"


def parse(fields: Fields, rule_id: str, problem: str) -> WeightChange:
    """The rule a document describes."""
    if fields.text("unit") != METRICS[WEIGHT].unit:
        broken(fields.where("unit"), "weights are kept in kg")
    return WeightChange(rule_id, problem, tuple(_change(Fields(item, path)) for path, item in fields.items("changes")))


def _change(fields: Fields) -> Change:
    severity = fields.severity("severity")
    gain = fields.has("gain")
    if gain == fields.has("loss"):
        broken(fields.path, "needs either gain or loss")
    side = "gain" if gain else "loss"
    compared = _LIMIT.match(fields.text(side))
    if not compared or not (kg := Decimal(compared[2])):
        broken(fields.where(side), 'must be a comparison in kg such as ">= 1.36"')
    window = None
    if fields.has("from") and fields.one_of("from", ("dry_weight",)):
        if not gain:
            broken(fields.where("from"), "only a gain is measured from dry weight")
    else:
        window = fields.duration("over")
        if window < timedelta(hours=24):
            broken(fields.where("over"), "must be at least 24 h: weights of one day are noise")
    fields.close()
    return Change(severity, gain, compared[1], kg, window)
