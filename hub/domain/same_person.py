"""Whose weight is it? A jump of more than 5 kg is held as "someone else?" until weights agree (SF6).

The release, all of it:

1. A weight is *held* if it differs by more than 5 kg from the latest trusted weight before it.
2. It is *released*, and trusted from then on, by a weight within 1 kg of it at least 1 min apart, with nothing but
   such weights between: the two agree, so the jump is the person's own. The later one is never held; the earlier one
   was held when it was judged, and counts as a reference for whatever is judged after the release.
3. A weight back within 5 kg of the latest trusted one is trusted; the held one stays out for good.
4. Nothing of either kind for 24 h: the deadline of the held weight raises amber "no re-weigh".

Nothing is saved: who is trusted is read from the raw weights of the last 28 days each time, so it does not depend on
the order of arrival, and the flag that is stored with a weight is only what was true when it came.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from hub.domain.samples import SOMEONE_ELSE, History, Sample

WEIGHT = "body_weight"
JUMP_KG = Decimal(5)
AGREE_KG = Decimal(1)
APART = timedelta(minutes=1)
REWEIGH_WITHIN = timedelta(hours=24)
LOOKBACK = timedelta(days=28)
"""The first weight after so long a silence has nothing to be compared with, and is trusted."""


@dataclass(frozen=True, slots=True)
class Own:
    """A weight judged by the weights before it."""

    before: tuple[Sample, ...]
    """Trusted weights before it, as known once it is there, oldest first."""
    held_against: Sample | None
    """The latest trusted weight it jumps away from; None if it is not held."""


def someone_else(sample: Sample, history: History) -> bool:
    """Whether this weight is held: the caller then stores it with the flag ``SOMEONE_ELSE``."""
    return weighed(sample) and judge(sample, history).held_against is not None


def weighed(sample: Sample) -> bool:
    """A weight by everything but the flag this module itself causes."""
    if sample.metric != WEIGHT or SOMEONE_ELSE not in sample.flags:  # nearly always, and asked very often
        return sample.metric == WEIGHT and sample.trusted
    return sample.flagged(sample.flags - {SOMEONE_ELSE}).trusted


def judge(sample: Sample, history: History) -> Own:
    """Whose weight ``sample`` is, and which weights before it are the patient's own.

    Several ask it of one sample: a history that has ``kept`` remembers the answer for as long as it is good itself.
    """
    kept: dict[Sample, Own] | None = getattr(history, "kept", None)
    if kept is None:
        return _judged(sample, history)
    if sample not in kept:
        kept[sample] = _judged(sample, history)
    return kept[sample]


def _judged(sample: Sample, history: History) -> Own:
    past = [weight for weight in history(WEIGHT, sample.at - LOOKBACK, sample.at) if weighed(weight)]
    # Of several at one instant the order is by value: which of them came first must not matter.
    weights = [*sorted(past, key=lambda weight: (weight.at, weight.value)), sample]
    trusted: set[int] = set()
    anchor = against = None
    for index, weight in enumerate(weights):
        jumps = anchor is not None and abs(weight.value - anchor.value) > JUMP_KG
        own = _agreeing(weights, index) if jumps else (index,)
        against = None if own else anchor
        if own:
            trusted.update(own)
            anchor = weight
    return Own(tuple(weights[place] for place in sorted(trusted) if place < len(past)), against)


def _agreeing(weights: Sequence[Sample], index: int) -> Sequence[int]:
    """Places of the unbroken run of weights that agree with the one at ``index``; empty if none is far enough apart."""
    last = weights[index]
    first = index
    while first > 0 and abs(weights[first - 1].value - last.value) <= AGREE_KG:
        first -= 1
    if last.at - weights[first].at < APART:
        return ()
    return range(first, index + 1)
