"""Values that need not be judged: what a rule would say of them is known beforehand, and it is "in range".

Nearly all readings are like that. A rule kind that cannot tell beforehand, since it looks back or at other values, is
asked about each sample.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol as Interface

from hub.domain.metrics import METRICS
from hub.domain.patients import Patient
from hub.domain.ruling import Rule
from hub.domain.samples import FROM_MEMORY, LATE, Sample

_SAY_NOTHING = frozenset({FROM_MEMORY, LATE})
"""Flags that change nothing of what a rule says: a backlog is as calm as what comes live."""


@dataclass(frozen=True, slots=True)
class Calm:
    """Values strictly between ``low`` and ``high``, without a doubt or a comparator. None: no end on that side.

    Of them a rule says nothing but "in range" and sets no duty, whatever was measured before.
    """

    low: Decimal | None = None
    high: Decimal | None = None

    def holds(self, sample: Sample) -> bool:
        """Whether ``sample`` is such a value."""
        if not sample.flags <= _SAY_NOTHING or sample.comparator is not None:
            return False
        value = sample.value
        return (self.low is None or self.low < value) and (self.high is None or value < self.high)

    def within(self, other: "Calm") -> "Calm":
        """What is calm to both."""
        lows = [low for low in (self.low, other.low) if low is not None]
        highs = [high for high in (self.high, other.high) if high is not None]
        return Calm(max(lows, default=None), min(highs, default=None))


class KnowsCalm(Interface):
    """A rule that can tell beforehand."""

    def calm(self, patient: Patient) -> Calm:
        """For every metric of the rule."""
        ...


class KnowsCalmAmong(Interface):
    """A rule that can tell beforehand once it knows the past it would look back at."""

    def calm_among(self, past: Sequence[Sample], patient: Patient) -> Calm | None:
        """Of the metric that ``past`` is all samples of; None: it must be asked."""
        ...


def calm_among(rules: Iterable[Rule], metric: str, past: Sequence[Sample], patient: Patient) -> Calm | None:
    """The values of this metric that none of these rules speaks about, after this past; None: at least one is asked."""
    found = Calm()
    for rule in rules:
        if metric not in rule.metrics:
            continue
        knows, among = getattr(rule, "calm", None), getattr(rule, "calm_among", None)
        theirs = knows(patient) if knows else among(past, patient) if among else None
        if theirs is None:
            return None
        found = found.within(theirs)
    return found


def calm_of(rules: Iterable[Rule], patient: Patient) -> dict[str, Calm]:
    """By metric the values that none of these rules speaks about; a metric that is never calm is absent."""
    found = {metric: Calm() for metric in METRICS}
    for rule in rules:
        knows = getattr(rule, "calm", None)
        for metric in rule.metrics:
            if knows is None:
                found.pop(metric, None)
            elif metric in found:
                found[metric] = found[metric].within(knows(patient))
    return found
