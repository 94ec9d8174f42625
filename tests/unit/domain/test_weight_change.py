"""SF6: two references, exact arithmetic, the same person and scale."""

from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal
from random import Random  # noqa: TID251 - a seeded simulation
from statistics import median
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.domain.findings import Finding, InRange, Verdict
from hub.domain.patients import Patient
from hub.domain.rules.weight_change import reference
from hub.domain.samples import Sample
from hub.domain.severity import Severity
from tests.unit.domain.builders import DAY, DRY_78, HOUR, NOW, PATIENT, found, history_of, rule, weight

GAIN, LOSS = rule("heart-failure", "weight-gain"), rule("heart-failure", "weight-loss")
WEEK = 7 * DAY


def gain(now: str | Decimal, past: Sequence[Sample], patient: Patient = PATIENT, **more: Any) -> Verdict:
    return GAIN.evaluate(weight(now, **more), history_of(past), patient)


@pytest.mark.parametrize(
    ("ago", "before", "now", "amber"),
    [
        (DAY, "80.00", "81.36", True),
        (DAY, "80.00", "81.35", False),
        (3 * DAY, "80.00", "82.01", True),
        (3 * DAY, "80.00", "82.00", False),  # more than 2.0, not 2.0 itself (ESC)
        (3 * DAY, "79.0", "81.4", True),
        (WEEK, "80.00", "82.27", True),
        (WEEK, "80.00", "82.26", False),
        (36 * HOUR, "80.00", "81.36", True),  # edges of the 24 h window: 36 h and 12 h
        (12 * HOUR, "80.00", "81.36", True),
        (6 * HOUR, "80.00", "81.36", True),  # the fallback reaches to 6 h
        (5 * HOUR, "80.00", "81.36", False),  # nearer is the same day's noise
        (108 * HOUR, "80.00", "82.01", True),  # the 72 h fallback: 1.5 windows
        (109 * HOUR, "80.00", "82.01", False),
        (252 * HOUR, "80.00", "82.27", True),
        (253 * HOUR, "80.00", "82.27", False),
    ],
)
def test_gain_edges(ago: timedelta, before: str, now: str, *, amber: bool) -> None:
    verdict = gain(now, [weight(before, NOW - ago)])
    assert isinstance(verdict, Finding) is amber
    if amber:
        assert found(verdict).severity is Severity.AMBER


def test_81_4_minus_79_is_exactly_2_4() -> None:
    finding = found(gain("81.4", [weight("79.0", NOW - 3 * DAY)]))
    assert finding.inputs["gain over 3 days"] == "2.4 kg from 79 kg, weighed 2026-11-19T07:00:00Z"


@given(st.decimals("40", "150", places=2))
def test_a_gain_of_exactly_the_limit_is_one_at_every_weight(kg: Decimal) -> None:
    """Binary floating point would lose some of these."""
    assert isinstance(gain(kg + Decimal("1.36"), [weight(kg, NOW - DAY)]), Finding)
    assert not isinstance(gain(kg + Decimal("1.35"), [weight(kg, NOW - DAY)]), Finding)


def test_the_reference_is_the_lowest_and_never_a_median() -> None:
    past = [weight(kg, NOW - 24 * HOUR + index * HOUR) for index, kg in enumerate(["80.0", "81.2", "81.3", "81.4"])]
    assert reference(past, NOW, DAY, gain=True) == past[0]
    assert isinstance(gain("81.4", past), Finding)


def test_the_fallback_is_used_only_if_the_window_is_empty() -> None:
    near, inside = weight("79.0", NOW - 8 * HOUR), weight("80.5", NOW - 20 * HOUR)
    assert reference([inside, near], NOW, DAY, gain=True) == inside
    assert reference([near], NOW, DAY, gain=True) == near


@pytest.mark.parametrize(("now", "amber"), [("79.99", False), ("80.00", True)])
def test_dry_weight_catches_a_slow_gain(now: str, *, amber: bool) -> None:
    slow = [weight(Decimal(now) - day * Decimal("0.1"), NOW - day * DAY) for day in range(1, 12)]
    verdict = gain(now, slow, DRY_78)
    assert isinstance(verdict, Finding) is amber
    if amber:
        assert found(verdict).sentence == "Weight +2.0 kg above dry weight (78.0 -> 80.0 kg)"


def test_dry_weight_needs_no_history() -> None:
    assert isinstance(gain("80", [], DRY_78), Finding)


@pytest.mark.parametrize(
    ("ago", "before", "now", "low"),
    [
        (2 * DAY, "80.00", "79.09", True),
        (2 * DAY, "80.00", "79.10", False),
        (WEEK, "80.00", "77.73", True),
        (WEEK, "80.00", "77.74", False),
    ],
)
def test_loss_is_for_review(ago: timedelta, before: str, now: str, *, low: bool) -> None:
    verdict = LOSS.evaluate(weight(now), history_of([weight(before, NOW - ago)]), PATIENT)
    assert isinstance(verdict, Finding) is low
    if low:
        assert found(verdict).severity is Severity.LOW


def test_in_range_only_if_every_window_had_something_to_compare_with() -> None:
    """Two days without a weight is no data, never in range."""
    daily = [weight("80", NOW - day * DAY) for day in range(1, 12)]
    assert isinstance(gain("80.2", daily, DRY_78), Finding)  # 2.2 above dry
    assert isinstance(gain("79.2", [weight("79", one.at) for one in daily], DRY_78), InRange)
    assert gain("79.2", [weight("79", one.at) for one in daily], PATIENT) is None  # no dry weight to hold it against
    assert gain("79.2", [weight("79", NOW - 3 * DAY)], DRY_78) is None
    assert gain("79.2", [], DRY_78) is None


def test_a_typed_weight_is_no_reference_for_a_scales() -> None:
    assert gain("82", [weight("79", NOW - DAY, profile="manual")]) is None
    assert isinstance(gain("82", [weight("79", NOW - DAY, profile="body-composition")]), Finding)


@pytest.mark.parametrize("doubt", ["0", "500", "12"])
def test_an_untrusted_weight_is_neither_judged_nor_a_reference(doubt: str) -> None:
    assert gain(doubt, [weight("80", NOW - DAY)], DRY_78) is None
    assert gain("80", [weight(doubt, NOW - DAY)]) is None


def test_the_sentence_speaks_the_scales_unit() -> None:
    past = [weight("79.3", NOW - 3 * DAY)]
    assert found(gain("81.4", past, DRY_78)).sentence == "Weight +2.1 kg in 3 days (79.3 -> 81.4 kg); dry 78.0"
    pounds = [weight("79.29", NOW - 3 * DAY, lb="174.8")]
    sentence = found(gain("81.42", pounds, DRY_78, lb="179.5")).sentence
    assert sentence == "Weight +4.7 lb in 3 days (174.8 -> 179.5 lb); dry 172.0"


def test_the_sentence_says_the_true_span_of_a_fallback() -> None:
    assert "in 22 h (80.0 -> 82.0 kg)" in found(gain("82", [weight("80", NOW - 22 * HOUR)])).sentence


def test_all_windows_that_spoke_stand_in_the_inputs() -> None:
    past = [weight("80", NOW - DAY), weight("79.5", NOW - 3 * DAY), weight("79", NOW - WEEK)]
    inputs = found(gain("82", past, DRY_78)).inputs
    assert {"gain over 24 h", "gain over 3 days", "gain over 7 days", "gain from dry weight", "dry_weight"} <= set(
        inputs
    )
    assert inputs["limit over 24 h"] == ">= 1.36 kg"


def _home(seed: Random) -> list[Sample]:
    """Three weeks of mornings, one in five missed, then 2.6 kg of fluid within three days."""
    series = []
    for day in range(21):
        fluid = max(0.0, (day - 17) * 2.6 / 3)
        if day < 20 and seed.random() < 0.2:
            continue
        at = NOW - (20 - day) * DAY + timedelta(minutes=seed.gauss(0, 45))
        series.append(weight(f"{80 + seed.gauss(0, 0.25) + fluid:.2f}", at))
    return series


def test_the_lowest_reference_misses_fewer_real_gains_than_a_median() -> None:
    seed, missed, missed_by_median, homes = Random(20261122), 0, 0, 300  # noqa: S311
    for _ in range(homes):
        series = _home(seed)
        verdicts = [GAIN.evaluate(one, history_of(series[:index]), PATIENT) for index, one in enumerate(series)]
        missed += not any(isinstance(verdict, Finding) for verdict in verdicts[-3:])
        last = [one for one in series[:-1] if one.at >= series[-1].at - 3 * DAY - 12 * HOUR]
        middle = median([one.value for one in last] or [series[0].value])
        missed_by_median += series[-1].value - middle <= 2
    assert missed / homes <= 0.12
    assert missed < missed_by_median / 2
