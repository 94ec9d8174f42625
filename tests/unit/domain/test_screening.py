"""Doubt is a flag; nothing is rejected (SF1)."""

from decimal import Decimal
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.domain.metrics import METRICS, quantise
from hub.domain.samples import DEVICE_FAULTS
from hub.domain.screening import Value, screen
from tests.unit.domain.builders import sample

SYS, DIA = "systolic_blood_pressure", "diastolic_blood_pressure"


def flags(metric: str, value: str, comparator: Literal["<", ">"] | None = None) -> frozenset[str]:
    return screen([Value(metric, Decimal(value), comparator)], frozenset())[0]


@pytest.mark.parametrize(
    ("metric", "value", "expected"),
    [
        ("oxygen_saturation", "0", {"zero_is_no_signal"}),
        ("oxygen_saturation", "0.04", {"zero_is_no_signal"}),  # 0 at the resolution of the metric
        ("pulse_rate", "0", {"zero_is_no_signal"}),
        ("step_count", "0", set()),
        ("perfusion_index", "0", set()),
        ("oxygen_saturation", "34.9", {"implausible"}),
        ("oxygen_saturation", "35", {"suspect"}),
        ("oxygen_saturation", "69.9", {"suspect"}),
        ("oxygen_saturation", "70", set()),
        ("oxygen_saturation", "100", set()),
        ("oxygen_saturation", "100.1", {"implausible"}),
        ("respiratory_rate", "45", set()),
        ("respiratory_rate", "45.1", {"suspect"}),
        ("body_temperature", "33.99", {"suspect"}),
        ("body_temperature", "34", set()),
        ("body_temperature", "42.01", {"suspect"}),
        ("body_temperature", "101.3", {"implausible"}),  # a Fahrenheit number is never guessed at
        ("systolic_blood_pressure", "2047", {"implausible"}),
        ("pulse_rate", "277", {"implausible"}),
        ("blood_glucose", "-1", {"implausible"}),
        ("blood_glucose", "NaN", {"invalid_value"}),
        ("blood_glucose", "Infinity", {"invalid_value"}),
    ],
)
def test_one_value(metric: str, value: str, expected: set[str]) -> None:
    assert flags(metric, value) == expected


def test_a_bound_is_neither_zero_nor_beyond_belief() -> None:
    """Some meters send LO as a bound at 0: it must page, not vanish (SF3)."""
    assert flags("blood_glucose", "0", "<") == set()
    assert flags("blood_glucose", "1200", ">") == set()


@pytest.mark.parametrize(
    ("systolic", "diastolic", "expected"),
    [
        ("120", "80", set()),
        ("80", "80", {"systolic_not_above_diastolic"}),
        ("70", "120", {"systolic_not_above_diastolic"}),
        ("94", "80", {"pulse_pressure_suspect"}),
        ("95", "80", set()),
        ("210", "80", set()),
        ("211", "80", {"pulse_pressure_suspect"}),
    ],
)
def test_two_pressures(systolic: str, diastolic: str, expected: set[str]) -> None:
    values = [Value(SYS, Decimal(systolic)), Value("pulse_rate", Decimal(70)), Value(DIA, Decimal(diastolic))]
    assert screen(values, frozenset()) == [expected, set(), expected]


def test_a_fault_of_one_pressure_says_nothing_of_the_other() -> None:
    values = [Value(SYS, Decimal(0)), Value(DIA, Decimal(80))]
    assert screen(values, frozenset()) == [{"zero_is_no_signal"}, set()]


def test_the_readings_own_flags_go_to_every_value() -> None:
    values = [Value(SYS, Decimal(120)), Value(DIA, Decimal(80))]
    declared = frozenset({"body_movement", "irregular_pulse"})
    assert screen(values, declared) == [declared, declared]


@given(
    st.sampled_from(sorted(METRICS)),
    st.decimals(-1000, 3000, places=2),
    st.frozensets(st.sampled_from([*sorted(DEVICE_FAULTS), "irregular_pulse", "time_suspect"]), max_size=3),
)
def test_whatever_comes_is_kept_and_doubt_is_consistent(metric: str, value: Decimal, declared: frozenset[str]) -> None:
    one = sample(metric, value, flags=declared)
    assert declared <= one.flags
    assert one.value == value
    assert not (one.artefact and one.trusted)
    assert not (one.doubtful and (one.artefact or one.trusted))
    assert one.artefact or one.doubtful or one.trusted


def test_inverted_pressures_are_kept_but_stay_out_of_averages_and_in_range() -> None:
    inverted = screen([Value(SYS, Decimal(85)), Value(DIA, Decimal(85))], frozenset())[0]
    one = sample(SYS, "85").flagged(inverted)
    assert (one.trusted, one.credible, one.doubtful, one.artefact) == (False, False, True, False)


@pytest.mark.parametrize("zero", [-0.0, -0.001, Decimal("-0.0")])
def test_zero_has_no_sign(zero: float | Decimal) -> None:
    quantise.cache_clear()
    assert str(quantise("body_temperature", zero)) == str(quantise("body_temperature", 0.0))
