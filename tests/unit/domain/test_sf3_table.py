"""SF3: what pages at once is red for every patient on every shipped protocol."""

from dataclasses import replace
from decimal import Decimal
from itertools import product
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.domain.findings import Finding
from hub.domain.patients import OxygenState, OxygenTarget, Patient
from hub.domain.samples import Sample
from hub.domain.severity import Severity
from tests.unit.domain.builders import PATIENT, PROTOCOLS, sample, unread

KINDS: list[Patient] = [
    replace(PATIENT, oxygen_target=target, oxygen_floor=floor, oxygen_state=state, insulin_or_su=insulin)
    for (target, floor), state, insulin in product(
        [
            (None, None),
            (OxygenTarget.GENERAL, None),
            (OxygenTarget.HYPERCAPNIC, None),
            (OxygenTarget.PERSONAL, None),
            (OxygenTarget.PERSONAL, 80),
            (OxygenTarget.PERSONAL, 88),
            (OxygenTarget.PERSONAL, 93),
        ],
        OxygenState,
        [True, False],
    )
]
# metric, side, the limit itself (met), the least extreme value that is drawn
TABLE = [
    ("blood_glucose", "<", Decimal(54)),
    ("systolic_blood_pressure", "<=", Decimal(80)),
    ("systolic_blood_pressure", ">=", Decimal(180)),
    ("systolic_blood_pressure", ">=", Decimal(220)),
    ("diastolic_blood_pressure", ">=", Decimal(120)),
    ("diastolic_blood_pressure", ">=", Decimal(130)),
    ("pulse_rate", "<=", Decimal(35)),
    ("pulse_rate", ">=", Decimal(150)),
    ("heart_rate", "<=", Decimal(35)),
    ("heart_rate", ">=", Decimal(150)),
    ("respiratory_rate", "<=", Decimal(8)),
    ("respiratory_rate", ">=", Decimal(25)),
    ("body_temperature", "<=", Decimal(34)),
    ("body_temperature", ">=", Decimal(40)),
]


def reds(protocol: str, one: Sample, patient: Patient) -> list[Finding]:
    verdicts = [rule.evaluate(one, unread, patient) for rule in PROTOCOLS[protocol].rules if one.metric in rule.metrics]
    return [verdict for verdict in verdicts if isinstance(verdict, Finding) and verdict.severity is Severity.RED]


def oxygen_limit(patient: Patient) -> Decimal:
    return Decimal(83) if patient.oxygen_target is OxygenTarget.HYPERCAPNIC else Decimal(88)


def test_all_five_protocols_are_shipped() -> None:
    assert set(PROTOCOLS) == {"heart-failure", "copd", "diabetes", "hypertension", "general-adult"}


@pytest.mark.parametrize("protocol", sorted(PROTOCOLS))
@pytest.mark.parametrize(("metric", "op", "limit"), TABLE)
def test_the_table_itself_is_red_without_reading_history(protocol: str, metric: str, op: str, limit: Decimal) -> None:
    value = limit - Decimal("0.01") if op == "<" else limit
    for patient in KINDS:
        assert reds(protocol, sample(metric, value), patient), (value, patient)


@pytest.mark.parametrize("protocol", sorted(PROTOCOLS))
@pytest.mark.parametrize("comparator", ["<", ">"])
def test_a_meters_lo_and_hi_are_red(protocol: str, comparator: Literal["<", ">"]) -> None:
    bound = sample("blood_glucose", "20" if comparator == "<" else "600", comparator=comparator)
    for patient in KINDS:
        assert reds(protocol, bound, patient)


@pytest.mark.parametrize("protocol", sorted(PROTOCOLS))
def test_oxygen_is_red_at_88_and_on_scale_2_at_83(protocol: str) -> None:
    for patient in KINDS:
        assert reds(protocol, sample("oxygen_saturation", oxygen_limit(patient)), patient), patient


@given(st.data())
def test_nothing_beyond_the_table_is_ever_missed(data: st.DataObject) -> None:
    """Also beyond belief: 20 % SpO2 without a declared fault pages, marked (SF1)."""
    protocol = data.draw(st.sampled_from(sorted(PROTOCOLS)))
    patient = data.draw(st.sampled_from(KINDS))
    rows = [*TABLE, ("oxygen_saturation", "<=", oxygen_limit(patient))]
    metric, op, limit = data.draw(st.sampled_from(rows))
    low, high = (Decimal("0.1"), limit) if op in {"<", "<="} else (limit, Decimal(1000))
    value = data.draw(st.decimals(low, high, places=1, allow_nan=False))
    if op == "<" and value == limit:
        value -= Decimal("0.01")
    found = reds(protocol, sample(metric, value), patient)
    assert found
    for finding in found:
        assert finding.confirmed is (not finding.sentence.endswith("unconfirmed, may be artefact"))
