"""SF6: a jump of more than 5 kg is held, and how it is released."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from hub.domain.findings import Finding, InRange
from hub.domain.same_person import judge, someone_else
from hub.domain.samples import SOMEONE_ELSE, Sample
from hub.domain.severity import Severity
from tests.unit.domain.builders import DAY, DRY_78, HOUR, MIN, NOW, PATIENT, found, history_of, rule, weight

GAIN = rule("heart-failure", "weight-gain")
ADA = [weight("80", NOW - 2 * DAY), weight("80.4", NOW - DAY)]


def held(one: Sample, past: Sequence[Sample]) -> bool:
    return someone_else(one, history_of(past))


@pytest.mark.parametrize(
    ("kg", "expected"), [("85.40", False), ("85.41", True), ("75.40", False), ("75.39", True), ("65", True)]
)
def test_more_than_5_kg_is_held(kg: str, *, expected: bool) -> None:
    assert held(weight(kg), ADA) is expected


def test_a_first_weight_has_nothing_to_be_held_against() -> None:
    assert not held(weight("65"), [])
    assert not held(weight("65"), [weight("80", NOW - 29 * DAY)])


@pytest.mark.parametrize(
    ("second", "after", "released"),
    [
        ("87.00", MIN, True),
        ("87.00", MIN - timedelta(seconds=1), False),
        ("87.50", 10 * HOUR, True),
        ("88.00", 2 * MIN, True),
        ("88.01", 2 * MIN, False),
        ("86.00", 2 * MIN, True),
    ],
)
def test_two_that_agree_a_minute_apart_release(second: str, after: timedelta, *, released: bool) -> None:
    past = [*ADA, weight("87", NOW)]
    assert held(weight(second, NOW + after), past) is not released


def test_a_release_trusts_both_and_the_gain_is_found() -> None:
    past = [*ADA, weight("87", NOW)]
    again = weight("87.1", NOW + 2 * MIN)
    assert [one.value for one in judge(again, history_of(past)).before] == [one.value for one in past]
    assert found(GAIN.evaluate(again, history_of(past), PATIENT)).severity is Severity.AMBER


def test_a_spouse_on_the_same_scale_every_morning_stays_out() -> None:
    """Their weights agree with each other, but the patient's stand between."""
    series = []
    for day in range(8, 0, -1):
        series += [weight("80", NOW - day * DAY), weight("62", NOW - day * DAY + 5 * MIN)]
    flags = [held(one, series[:index]) for index, one in enumerate(series)]
    assert flags == [False, True] * 8
    own = judge(weight("80.2"), history_of(series)).before
    assert {one.value for one in own} == {80}
    assert isinstance(GAIN.evaluate(weight("79"), history_of(series), replace(DRY_78)), InRange)


@pytest.mark.parametrize("order", [1, -1])
def test_two_scales_at_one_instant_are_judged_alike_in_either_order(order: int) -> None:
    past = [*ADA, *[weight("84", NOW - HOUR), weight("86", NOW - HOUR)][::order]]
    assert not someone_else(weight("88.9"), lambda *_: past)
    assert [one.value for one in judge(weight("88.9"), lambda *_: past).before][-2:] == [84, 86]


def test_the_stored_flag_is_judged_anew() -> None:
    """It says what was true when the weight came, before a late one arrived."""
    flagged = weight("80.2").flagged(frozenset({SOMEONE_ELSE}))
    assert not someone_else(flagged, history_of(ADA))
    late = weight("87").flagged(frozenset({SOMEONE_ELSE}))
    assert not held(weight("87.2", NOW + DAY), [*ADA, late])


def test_a_held_weight_gives_no_verdict_but_a_deadline() -> None:
    one = weight("87")
    assert GAIN.evaluate(one, history_of(ADA), DRY_78) is None
    (deadline,) = GAIN.deadlines(one, history_of(ADA), DRY_78)
    assert (deadline.kind, deadline.metric, deadline.due_at) == ("no_reweigh", "body_weight", NOW + DAY)
    assert deadline.finding.severity is Severity.AMBER
    sentence = "Weight 87 kg, 80.4 kg before: someone else? No re-weigh within 24 h"
    assert deadline.finding.sentence == sentence
    assert GAIN.deadlines(one, history_of(ADA), DRY_78)[0].key == deadline.key


def test_what_cancels_the_deadline() -> None:
    (deadline,) = GAIN.deadlines(weight("87"), history_of(ADA), DRY_78)
    assert deadline.cancelled_by(weight("80.3", NOW + HOUR))
    assert deadline.cancelled_by(weight("87.2", NOW + HOUR))  # the caller flags it first, and it is not held
    assert not deadline.cancelled_by(weight("60", NOW + HOUR).flagged(frozenset({SOMEONE_ELSE})))
    assert not deadline.cancelled_by(weight("80.3", NOW - HOUR))
    assert not deadline.cancelled_by(weight("0", NOW + HOUR))


def test_a_weight_that_is_not_held_sets_no_deadline() -> None:
    assert not GAIN.deadlines(weight("81"), history_of(ADA), DRY_78)
    assert not isinstance(GAIN.evaluate(weight("81"), history_of(ADA), PATIENT), Finding)
