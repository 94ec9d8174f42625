"""Findings are the same whatever the order of arrival.

The caller is modelled as it is: a sample that arrives is stored, judged by what was measured before it, and later ones
within each rule's lookback are judged again.
"""

from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from hub.domain.findings import Finding, Verdict
from hub.domain.same_person import LOOKBACK, someone_else
from hub.domain.samples import SOMEONE_ELSE, Sample
from tests.unit.domain.builders import DRY_78, HOUR, NOW, PROTOCOLS, history_of, sample

RANGES = {
    "systolic_blood_pressure": ("85", "190"),
    "oxygen_saturation": ("80", "99"),
    "blood_glucose": ("40", "380"),
    "body_weight": ("70", "88"),
}


@st.composite
def windows(draw: st.DrawFn) -> tuple[list[Sample], list[Sample]]:
    """Some hours of one metric: values about the limits, now and then an artefact, a bound, two at one instant."""
    metric = draw(st.sampled_from(sorted(RANGES)))
    low, high = RANGES[metric]
    hours = draw(st.lists(st.integers(0, 6) | st.integers(0, 24 * 9), min_size=2, max_size=8))
    found = []
    for number, hour in enumerate(hours):
        value = draw(st.decimals(low, high, places=0) | st.just(Decimal(0)))
        fault = draw(st.sampled_from([frozenset(), frozenset(), frozenset(), frozenset({"poor_signal"})]))
        found.append(sample(metric, value, NOW - hour * HOUR, reading_id=number, flags=fault, profile="weight-scale"))
    return found, draw(st.permutations(found))


def arrive(protocol: str, series: Sequence[Sample]) -> dict[Any, Any]:
    """What stands after all have arrived, by sample and rule; ids are those of arrival, as a database gives them."""
    stored, verdicts = [], {}
    for number, one in enumerate(series):
        new = one._replace(reading_id=number)
        stored.append(new)
        for rule in PROTOCOLS[protocol].rules:
            for other in stored:
                if other.at == new.at or new.at < other.at <= new.at + rule.lookback + timedelta(seconds=1):
                    verdicts[one_key(other), rule.id] = rule.evaluate(other, history_of(stored), DRY_78)
    return {key: said(verdict) for key, verdict in verdicts.items()}


def one_key(one: Sample) -> Any:
    return (one.at, one.value, one.flags)


def said(verdict: Verdict) -> Any:
    if isinstance(verdict, Finding):
        return (verdict.severity, verdict.sentence, dict(verdict.inputs))
    return type(verdict).__name__


@settings(max_examples=60, deadline=None)
@given(windows(), st.sampled_from(["heart-failure", "hypertension", "diabetes"]))
def test_every_order_of_arrival_gives_the_same_findings(
    window: tuple[list[Sample], list[Sample]], protocol: str
) -> None:
    in_order, shuffled = window
    assert arrive(protocol, sorted(in_order, key=lambda one: one.at)) == arrive(protocol, shuffled)


@settings(max_examples=60, deadline=None)
@given(windows())
def test_who_is_held_does_not_depend_on_the_order_or_on_stored_flags(window: tuple[list[Sample], list[Sample]]) -> None:
    series, shuffled = window
    flagged = [one.flagged(one.flags | {SOMEONE_ELSE}) for one in shuffled]
    for one in series:
        assert someone_else(one, history_of(series)) == someone_else(one, history_of(flagged))
        assert max(rule.lookback for rule in PROTOCOLS["heart-failure"].rules) == LOOKBACK
