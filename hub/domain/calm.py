"""Values that need not be judged: what a rule would say of them is known beforehand, and it is "in range".

Nearly all readings are like that. A rule kind that cannot tell beforehand, since it looks back or at other values, is
asked about each sample.
"""

from collections.abc import Iterable
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
        return self if low is self.low and high is self.high else Calm(low, high)


@dataclass(frozen=True, slots=True)
class Before:
    """What samples of one metric were, as far as it takes to tell what is calm after them.

    ``low`` and ``high``: None if there were none. ``doubt``: one was not to be trusted. Where more samples are in it
    than a rule looks back at, less is calm.
    """

    low: Decimal | None = None
    high: Decimal | None = None
    doubt: bool = False

    def then(self, sample: Sample) -> "Before":
        """With one more."""
        value = sample.value
        low = value if self.low is None or value < self.low else self.low
        high = value if self.high is None or value > self.high else self.high
        doubt = self.doubt or not sample.trusted
        same = low is self.low and high is self.high and doubt is self.doubt
        return self if same else Before(low, high, doubt)


def before(samples: Iterable[Sample]) -> Before:
    """What these samples were."""
    found = Before()
    for sample in samples:
        found = found.then(sample)
    return found


class KnowsCalm(Interface):
    """A rule that can tell beforehand."""

    def calm(self, patient: Patient) -> Calm:
        """For every metric of the rule."""
        ...


class KnowsCalmAfter(Interface):
    """A rule that can tell beforehand once it knows the past it would look back at."""

    def calm_after(self, past: Before, patient: Patient) -> Calm | None:
        """Of the rule's metric, after at least all of it that the rule looks back at; None: it must be asked."""
        ...


@dataclass(frozen=True, slots=True)
class Foreseen:
    """What is known beforehand of one metric: what is calm to rules that look at the value alone, and those others
    that can tell once they know the past.
    """

    calm: Calm = Calm()
    others: tuple[KnowsCalmAfter, ...] = ()

    def after(self, past: Before, patient: Patient) -> Calm | None:
        """The values that no rule speaks about after this past; None: a rule must be asked."""
        found = self.calm
        for rule in self.others:
            theirs = rule.calm_after(past, patient)
            if theirs is None:
                return None
            found = found.within(theirs)
        return found


def foresee(rules: Iterable[Rule], patient: Patient) -> dict[str, Foreseen]:
    """By metric; one of which some rule can tell nothing beforehand is absent."""
    found = {metric: Foreseen() for metric in METRICS}
    for rule in rules:
        knows, after = getattr(rule, "calm", None), getattr(rule, "calm_after", None)
        for metric in rule.metrics & found.keys():
            before = found[metric]
            if knows is not None:
                found[metric] = Foreseen(before.calm.within(knows(patient)), before.others)
            elif after is not None:
                found[metric] = Foreseen(before.calm, (*before.others, cast("KnowsCalmAfter", rule)))
            else:
                del found[metric]
    return found
