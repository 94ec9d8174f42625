"""What the patient typed may raise, and calms nothing (SF11): each use of a value, decided."""

from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.domain.at_once import at_once
from hub.domain.findings import Deadline, Finding, InRange
from hub.domain.samples import PATIENT_REPORTED, WITHDRAWN, Sample, attempt_of
from hub.domain.severity import Severity
from tests.unit.domain.builders import (
    DAY,
    DRY_78,
    HOUR,
    MIN,
    NOW,
    PATIENT,
    found,
    history_of,
    rule,
    sample,
    weight,
    worst,
)

TYPED = frozenset({PATIENT_REPORTED})
HIGH = rule("heart-failure", "systolic-high")
GAIN = rule("heart-failure", "weight-gain")


def systolic(
    value: str, ago: timedelta = timedelta(0), *, typed: bool = False, profile: str = "blood-pressure"
) -> Sample:
    flags = TYPED if typed else frozenset()
    return sample("systolic_blood_pressure", value, NOW - ago, flags=flags, profile="manual" if typed else profile)


def typed_weight(kg: str, ago: timedelta = timedelta(0)) -> Sample:
    return weight(kg, NOW - ago, profile="manual").flagged(TYPED)


def test_it_is_credible_and_stays_out_of_averages_and_references() -> None:
    one = systolic("120", typed=True)
    assert one.credible
    assert one.dated
    assert one.timely
    assert not one.trusted
    assert not one.answers


def test_a_withdrawn_value_is_believed_no_more() -> None:
    one = systolic("120", typed=True).flagged(TYPED | {WITHDRAWN})
    assert not one.credible
    assert not one.artefact


def test_it_raises_what_a_device_would_raise() -> None:
    assert worst("heart-failure", systolic("182", typed=True)) is Severity.RED
    assert worst("heart-failure", systolic("165", typed=True)) is Severity.AMBER


@pytest.mark.parametrize("value", ["230", "79"])
def test_the_table_of_values_that_page_at_once_knows_no_difference(value: str) -> None:
    assert at_once(systolic(value, typed=True))


def test_it_is_never_in_range() -> None:
    assert isinstance(HIGH.evaluate(systolic("120"), history_of([]), PATIENT), InRange)
    assert HIGH.evaluate(systolic("120", typed=True), history_of([]), PATIENT) is None


def test_inside_a_gap_it_is_remembered_as_high_and_never_as_normal() -> None:
    now = systolic("157")
    device, calm = systolic("165", 3 * HOUR), systolic("120", HOUR, typed=True)
    assert found(HIGH.evaluate(now, history_of([device, calm]), PATIENT)).severity is Severity.AMBER
    assert (
        found(HIGH.evaluate(now, history_of([systolic("165", HOUR, typed=True)]), PATIENT)).severity is Severity.AMBER
    )


def test_it_counts_where_it_is_beyond_the_limit_and_thins_out_nothing() -> None:
    highs = [systolic("145", 30 * HOUR), systolic("146", 20 * HOUR)]
    calm = [systolic("120", n * HOUR, typed=True) for n in range(1, 8)]
    assert found(HIGH.evaluate(systolic("147"), history_of([*highs, *calm]), PATIENT)).severity is Severity.AMBER
    typed = [systolic("145", 30 * HOUR, typed=True), systolic("146", 20 * HOUR, typed=True)]
    assert found(HIGH.evaluate(systolic("147"), history_of(typed), PATIENT)).severity is Severity.AMBER


@given(
    past=st.lists(st.tuples(st.integers(80, 220), st.integers(1, 160)), max_size=8),
    typed=st.lists(st.tuples(st.integers(80, 220), st.integers(1, 160)), max_size=8),
    now=st.integers(80, 220),
)
def test_whatever_was_typed_no_alert_is_lost_for_it(
    past: list[tuple[int, int]], typed: list[tuple[int, int]], now: int
) -> None:
    devices = [systolic(str(value), ago * HOUR) for value, ago in past]
    also = [systolic(str(value), ago * HOUR + MIN, typed=True) for value, ago in typed]
    alone = worst("heart-failure", systolic(str(now)), past=devices)
    assert (worst("heart-failure", systolic(str(now)), past=[*devices, *also]) or 0) >= (alone or 0)


def test_it_is_no_repeat_that_a_duty_waits_for() -> None:
    finding = Finding("no-valid-reading", "no-valid-reading", Severity.RED, NOW - HOUR, "Cannot obtain a reading")
    duty = Deadline("no_valid_repeat", "k", NOW, finding, "systolic_blood_pressure")
    assert duty.cancelled_by(systolic("120"))
    assert not duty.cancelled_by(systolic("120", typed=True))


def test_as_an_attempt_it_neither_failed_nor_obtained_a_value() -> None:
    attempt = attempt_of(systolic("120", typed=True))
    assert (attempt.failed, attempt.obtained) == (False, False)


def test_a_typed_weight_shows_a_gain() -> None:
    past = [weight("80.00", NOW - DAY)]
    said = found(GAIN.evaluate(typed_weight("82.0"), history_of(past), DRY_78))
    assert said.severity is Severity.AMBER


def test_a_typed_weight_is_no_reference_for_another() -> None:
    past = [typed_weight("80.00", DAY)]
    assert not isinstance(GAIN.evaluate(weight("82.00", NOW), history_of(past), PATIENT), Finding)


def test_a_typed_weight_in_range_closes_nothing() -> None:
    past = [weight("78.00", NOW - n * DAY) for n in (1, 3, 7)]
    assert isinstance(GAIN.evaluate(weight("78.00", NOW), history_of(past), DRY_78), InRange)
    assert GAIN.evaluate(typed_weight("78.00"), history_of(past), DRY_78) is None


def test_a_typed_jump_is_somebody_elses_until_the_scale_says_so() -> None:
    past = [weight("80.00", NOW - DAY)]
    one = typed_weight("180")
    assert GAIN.evaluate(one, history_of(past), PATIENT) is None
    (duty,) = GAIN.deadlines(one, history_of(past), PATIENT)
    assert duty.kind == "no_reweigh"
    assert not duty.cancelled_by(typed_weight("180", -HOUR))
    assert duty.cancelled_by(weight(Decimal("80.5"), NOW + HOUR))
