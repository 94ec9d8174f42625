"""A value that is calm makes no rule speak and sets no duty, whatever came before and whoever the patient is."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.domain.calm import Calm, before, foresee
from hub.domain.findings import InRange
from hub.domain.limits import Limit
from hub.domain.metrics import METRICS, quantise
from hub.domain.patients import DryWeight, OxygenState, OxygenTarget, Patient
from hub.domain.rules.threshold import Threshold
from hub.domain.ruling import Rule
from hub.domain.same_person import WEIGHT, someone_else
from hub.domain.samples import DEVICE_FAULTS, FROM_MEMORY, LATE, PATIENT_REPORTED, SOMEONE_ELSE, Sample
from tests.unit.domain.builders import NOW, TEMPLATES, history_of, sample

PROTOCOLS = sorted(TEMPLATES)


def patients() -> st.SearchStrategy[Patient]:
    return st.builds(
        Patient,
        id=st.just(1),
        mrn=st.just("A1"),
        name=st.just("Pat Invented"),
        born=st.none(),
        zone=st.just("UTC"),
        oxygen_state=st.sampled_from(OxygenState),
        oxygen_target=st.none() | st.sampled_from(OxygenTarget),
        oxygen_floor=st.none() | st.integers(80, 92),
        insulin_or_su=st.booleans(),
    )


def values(metric: str, rules: Sequence[Rule], patient: Patient) -> st.SearchStrategy[Decimal]:
    """Anywhere, and close to the limits, where the difference is."""
    known = METRICS[metric]
    limits = {band.limit for rule in rules for band in rule.bands(patient) if band.metric == metric}
    apart = [Decimal(step) / 2 for step in range(-12, 13)]
    near = sorted({limit + step for limit in limits for step in apart if known.low <= limit + step <= known.high})
    anywhere = st.decimals(known.low, known.high, places=1)
    return st.sampled_from(near) | anywhere if near else anywhere


@given(st.data(), st.sampled_from(PROTOCOLS), patients())
@settings(max_examples=400, deadline=None)
def test_what_is_calm_is_in_range_and_sets_no_duty(data: st.DataObject, name: str, patient: Patient) -> None:
    rules = TEMPLATES[name].protocol.rules
    calm = {metric: known.calm for metric, known in foresee(rules, patient).items() if not known.others}
    metric = data.draw(st.sampled_from(sorted(calm)))
    drawn = values(metric, rules, patient)
    came = st.sampled_from([frozenset(), frozenset({LATE}), frozenset({LATE, FROM_MEMORY})])
    one = sample(metric, str(data.draw(drawn)), flags=data.draw(came))
    flagged = st.sampled_from([frozenset(), frozenset({PATIENT_REPORTED}), frozenset({"body_movement"})])
    past = [
        sample(metric, str(value), NOW - timedelta(hours=hours), flags=flags)
        for value, hours, flags in data.draw(st.lists(st.tuples(drawn, st.integers(1, 200), flagged), max_size=6))
    ]
    history = history_of(sorted(past, key=lambda other: other.at))
    spoken = [
        rule.id
        for rule in rules
        if metric in rule.metrics
        and (
            not isinstance(rule.evaluate(one, history, patient), InRange | None)
            or rule.deadlines(one, history, patient)
        )
    ]
    if calm[metric].holds(one):
        assert spoken == []


@given(st.data(), st.none() | st.integers(77_000, 80_000))
@settings(max_examples=400, deadline=None)
def test_a_weight_that_is_calm_after_those_before_it_is_in_range_and_nobody_elses(
    data: st.DataObject, dry: int | None
) -> None:
    rules = [rule for rule in TEMPLATES["heart-failure"].protocol.rules if WEIGHT in rule.metrics]
    known = None if dry is None else DryWeight(Decimal(dry) / 1000, "Dr Imaginary", NOW)
    patient = replace(Patient(1, "A1", "Pat Invented", None, "UTC"), dry_weight=known)
    drawn = st.tuples(st.integers(-40, 40), st.integers(1, 27 * 24), st.sampled_from(["weight-scale", "manual"]))
    spread = data.draw(st.sampled_from([1, 3, 20]))
    past = sorted(
        (
            sample(WEIGHT, str(Decimal(780 + step // spread) / 10), NOW - timedelta(hours=old))._replace(
                profile=profile
            )
            for step, old, profile in data.draw(st.lists(drawn, max_size=8))
        ),
        key=lambda other: other.at,
    )
    drawn_kg = Decimal(780 + data.draw(st.integers(-60, 60))) / 10
    if known is not None and data.draw(st.booleans()):  # where rounding decides
        drawn_kg = quantise(WEIGHT, known.kg + 2) + Decimal(data.draw(st.integers(-2, 2))) / 100
    one = sample(WEIGHT, str(drawn_kg))
    older = [sample(WEIGHT, str(kg), NOW - timedelta(days=90)) for kg in data.draw(st.lists(st.integers(70, 90)))]
    calm = foresee(rules, patient)[WEIGHT].after(before([*older, *past]), patient)
    assert calm is not None
    if calm.holds(one):
        history = history_of(past)
        assert not someone_else(one, history)
        for rule in rules:
            assert isinstance(rule.evaluate(one, history, patient), InRange | None)
            assert not rule.deadlines(one, history, patient)


def test_after_a_weight_in_doubt_or_before_a_rule_that_cannot_tell_each_is_asked() -> None:
    rules = TEMPLATES["heart-failure"].protocol.rules
    patient = Patient(1, "A1", "Pat Invented", None, "UTC")
    doubtful = sample(WEIGHT, "78", NOW - timedelta(days=1), flags=frozenset({SOMEONE_ELSE}))
    weight = foresee(rules, patient)[WEIGHT]
    assert weight.after(before([doubtful]), patient) is None
    usual = weight.after(before([doubtful.flagged(frozenset())]), patient)
    assert usual is not None
    assert usual.holds(sample(WEIGHT, "78.3"))
    assert not usual.holds(sample(WEIGHT, "83.1"))


@pytest.mark.parametrize("name", PROTOCOLS)
def test_most_readings_of_the_well_are_calm(name: str) -> None:
    patient = Patient(1, "A1", "Pat Invented", None, "UTC")
    foreseen = foresee(TEMPLATES[name].protocol.rules, patient)
    well = {"systolic_blood_pressure": "118", "pulse_rate": "70", "oxygen_saturation": "97", "body_temperature": "36.8"}
    assert [metric for metric, value in well.items() if not foreseen[metric].calm.holds(sample(metric, value))] == []


def test_of_a_rule_that_looks_back_the_value_alone_tells_nothing() -> None:
    patient = Patient(1, "A1", "Pat Invented", None, "UTC")
    rules = TEMPLATES["heart-failure"].protocol.rules
    assert [rule.id for rule in foresee(rules, patient)[WEIGHT].others] == [
        rule.id for rule in rules if rule.kind == "weight_change"
    ]


def test_a_rule_that_can_tell_nothing_beforehand_is_always_asked() -> None:
    @dataclass(frozen=True)
    class Odd:
        metrics: frozenset[str] = frozenset({WEIGHT})

    patient = Patient(1, "A1", "Pat Invented", None, "UTC")
    rules: list[Any] = [*TEMPLATES["heart-failure"].protocol.rules, Odd()]
    assert WEIGHT not in foresee(rules, patient)


@pytest.mark.parametrize("flag", [*sorted(DEVICE_FAULTS), "time_suspect", PATIENT_REPORTED, "someone_else"])
def test_no_value_in_doubt_and_no_bound_is_calm(flag: str) -> None:
    one = Sample(1, "oxygen_saturation", Decimal(97), NOW)
    assert Calm().holds(one)
    assert not Calm().holds(sample("oxygen_saturation", "97", flags=frozenset({flag})))
    assert not Calm().holds(Sample(1, "oxygen_saturation", Decimal(97), NOW, comparator=">"))


def test_the_edges_are_not_calm() -> None:
    calm = Calm(Decimal(90), Decimal(100)).within(Calm(high=Decimal(99)))
    held = [value for value in ("90", "90.1", "98.9", "99") if calm.holds(sample("oxygen_saturation", value))]
    assert held == ["90.1", "98.9"]


GAPS = [
    (rule, limit)
    for name in PROTOCOLS
    for rule in TEMPLATES[name].protocol.rules
    if isinstance(rule, Threshold)
    for limit in rule.limits
    if limit.clear is not None and not limit.number.on_floor
]


@pytest.mark.parametrize(
    ("rule", "limit"), GAPS, ids=[f"{rule.id} {limit.op} {limit.number.value}" for rule, limit in GAPS]
)
def test_what_lies_in_a_gap_is_not_calm(rule: Threshold, limit: Limit) -> None:
    """Between a limit and where it lets go the past decides."""
    assert limit.clear is not None
    alone = replace(rule, limits=(replace(limit, only_if=None),))
    (metric, *_) = sorted(rule.metrics)
    between = (limit.number.value + limit.clear.value) / 2
    calm = alone.calm(Patient(1, "A1", "Pat Invented", None, "UTC"))
    assert [calm.holds(sample(metric, value)) for value in (limit.number.value, between, limit.clear.value)] == [
        False
    ] * 3
    beyond = limit.clear.value + (limit.clear.value - limit.number.value)
    assert calm.holds(sample(metric, beyond))
