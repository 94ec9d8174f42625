"""SF2: the hub's own clock decides what is live."""

from datetime import timedelta

import pytest

from hub.domain.liveness import Liveness, Route, count_in_range, verdict
from tests.unit.domain.builders import HOUR, MIN, NOW, PATIENT, history_of, rule, sample


def judged(
    age: timedelta, *, metric: str = "systolic_blood_pressure", suspect: bool = False, newer: int = 0
) -> Liveness:
    return verdict(NOW - age, NOW, metric=metric, time_suspect=suspect, newer_in_range=newer)


@pytest.mark.parametrize(
    ("age", "expected"),
    [
        (0 * MIN, Liveness(Route.PAGE, "")),
        (-2 * MIN, Liveness(Route.PAGE, "")),
        (5 * MIN, Liveness(Route.PAGE, "")),
        (6 * MIN, Liveness(Route.PAGE, "measured 6 min ago")),
        (3 * HOUR, Liveness(Route.PAGE, "measured 3 h ago")),
        (4 * HOUR, Liveness(Route.PAGE, "measured 4 h ago")),
        (4 * HOUR + MIN, Liveness(Route.REVIEW, "measured 4 h ago")),
        (72 * HOUR, Liveness(Route.REVIEW, "measured 3 days ago")),
    ],
)
def test_up_to_four_hours_pages_and_says_how_old(age: timedelta, expected: Liveness) -> None:
    assert judged(age) == expected


@pytest.mark.parametrize(
    ("metric", "newer", "route"),
    [
        ("systolic_blood_pressure", 0, Route.PAGE),
        ("systolic_blood_pressure", 1, Route.REVIEW),
        ("oxygen_saturation", 1, Route.PAGE),
        ("oxygen_saturation", 2, Route.REVIEW),
    ],
)
def test_a_newer_value_in_range_makes_it_a_review_and_spo2_needs_two(metric: str, newer: int, route: Route) -> None:
    assert judged(2 * HOUR, metric=metric, newer=newer).route is route


def test_a_suspect_clock_counts_as_live() -> None:
    assert judged(0 * MIN, suspect=True, newer=3) == Liveness(
        Route.PAGE, "device clock wrong, time of measurement unknown"
    )


def test_only_what_the_same_rule_calls_in_range_counts_as_newer() -> None:
    red = sample("oxygen_saturation", "86", NOW - 2 * HOUR)
    newer = [
        sample("oxygen_saturation", "97", NOW - 90 * MIN),
        sample("oxygen_saturation", "93", NOW - 80 * MIN),  # amber
        sample("oxygen_saturation", "0", NOW - 70 * MIN),
        sample("oxygen_saturation", "98", NOW - 60 * MIN, flags=frozenset({"poor_signal"})),
        sample("oxygen_saturation", "96", NOW - 50 * MIN),
    ]
    assert count_in_range(rule("copd", "oxygen-low"), newer, history_of([red, *newer]), PATIENT) == 2
