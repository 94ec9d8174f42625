"""Values that need not be judged: what a rule would say of them is known beforehand, and it is "in range".

Nearly all readings are like that. A rule kind that cannot tell beforehand, since it looks back or at other values, is
asked about each sample.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol as Interface
from typing import cast

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
        low, high = self.low, self.high
        if low is None or (other.low is not None and other.low > low):
            low = other.low
        if high is None or (other.high is not None and other.high < high):
            high = other.high
        return Calm(low, high)


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


@dataclass(frozen=True, slots=True)
class Foreseen:
    """What is known beforehand of one metric: what is calm to rules that look at the value alone, and those others
    that can tell once they know the past.
    """

    calm: Calm = Calm()
    others: tuple[KnowsCalmAmong, ...] = ()

    def after(self, past: Sequence[Sample], patient: Patient) -> Calm | None:
        """The values that no rule speaks about after this past, all of this metric; None: a rule must be asked."""
        found = self.calm
        for rule in self.others:
            theirs = rule.calm_among(past, patient)
            if theirs is None:
                return None
            found = found.within(theirs)
        return found


def foresee(rules: Iterable[Rule], patient: Patient) -> dict[str, Foreseen]:
    """By metric; one of which some rule can tell nothing beforehand is absent."""
    found = {metric: Foreseen() for metric in METRICS}
    for rule in rules:
        knows, among = getattr(rule, "calm", None), getattr(rule, "calm_among", None)
        for metric in rule.metrics & found.keys():
            before = found[metric]
            if knows is not None:
                found[metric] = Foreseen(before.calm.within(knows(patient)), before.others)
            elif among is not None:
                found[metric] = Foreseen(before.calm, (*before.others, cast("KnowsCalmAmong", rule)))
            else:
                del found[metric]
    return found
