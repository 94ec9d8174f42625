"""Somebody else on the scale (SF6), and tries that give no value (SF1)."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from tests.unit.ingest.home import CUFF, OXIMETER, Home, homes, kg, pressure, spo2

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    yield from homes(tmp_path)


def held(home: Home) -> list[float]:
    return [centi / 100 for centi, words in home.rows("reading", "centi", "words") if "someone_else" in words]


def problems(home: Home) -> list[str]:
    return [line for line in home.alerts() if line.startswith("weight")]


def test_a_jump_of_more_than_five_kilograms_is_held_and_says_nothing_yet(home: Home) -> None:
    home.measures(kg(78), old=DAY)
    home.measures(kg(84))
    assert held(home) == [84.0]
    assert problems(home) == []


def test_two_weights_that_agree_release_it(home: Home) -> None:
    home.measures(kg(78), old=DAY)
    home.measures(kg(84))
    home.clinic.clock.forward(2 * MINUTE)
    home.measures(kg(84.4))
    assert held(home) == [84.0]
    assert problems(home) == ["weight-gain open"]
    assert "+6.4 kg" in home.sentences()[0]
    home.forward(25 * HOUR, every=HOUR)
    assert problems(home) == ["weight-gain open"]


def test_without_a_reweigh_it_is_amber_after_a_day(home: Home) -> None:
    home.measures(kg(78), old=DAY)
    home.measures(kg(84))
    home.forward(23 * HOUR, every=HOUR)
    assert problems(home) == []
    home.forward(HOUR + MINUTE, every=HOUR)
    assert sorted(problems(home)) == ["weight-gain open", "weight-loss open"]
    sentence = next(one for one in home.sentences() if one.startswith("Weight"))
    assert sentence == "Weight 84 kg, 78 kg before: someone else? No re-weigh within 24 h"


def test_a_weight_of_ones_own_ends_the_question(home: Home) -> None:
    home.measures(kg(78), old=DAY)
    home.measures(kg(84))
    home.clinic.clock.forward(HOUR)
    home.measures(kg(78.2))
    home.forward(30 * HOUR, every=HOUR)
    assert problems(home) == []
    assert home.rows("deadline", "state") == ["cancelled", "cancelled"]


def test_the_agreeing_weight_may_come_late(home: Home) -> None:
    """In whatever order the two came, nobody is asked for a third."""
    home.measures(kg(78), old=DAY)
    home.measures(kg(84))
    home.measures(kg(84.2), old=5 * MINUTE)
    assert "waiting" not in home.rows("deadline", "state")
    assert problems(home) == ["weight-gain open"]


def test_a_paused_patient_is_not_asked_to_weigh_again(home: Home) -> None:
    from hub.services import enrolment
    from tests.unit.ingest.home import ADMIN

    home.measures(kg(78), old=DAY)
    home.measures(kg(84))
    enrolment.pause(home.hub, ADMIN, home.patient_id, "in hospital", home.now + 9 * DAY)
    home.forward(25 * HOUR, every=HOUR)
    assert problems(home) == []


# SF1 -------------------------------------------------------------------------------------------------------------


def test_two_failed_tries_without_a_valid_one_are_red_after_a_quarter_of_an_hour(home: Home) -> None:
    home.measures([], CUFF, flags=["measurement_failed"])
    home.clinic.clock.forward(2 * MINUTE)
    home.measures([], CUFF, flags=["cuff_loose"])
    assert home.forward(14 * MINUTE, every=MINUTE) == []
    pages = home.forward(2 * MINUTE, every=MINUTE)
    assert len(pages) == 1
    assert home.alerts() == ["no-valid-reading open"]
    assert "Cannot obtain a reading" in home.sentences()[0]
    assert home.rows("alert", "severity") == [3]


def test_a_valid_repeat_cancels(home: Home) -> None:
    home.measures([], CUFF, flags=["measurement_failed"])
    home.clinic.clock.forward(2 * MINUTE)
    home.measures([], CUFF, flags=["cuff_loose"])
    home.clinic.clock.forward(10 * MINUTE)
    home.measures(pressure(130, 80), CUFF)
    assert home.forward(HOUR) == []
    assert home.alerts() == []


def test_one_failed_try_is_nothing(home: Home) -> None:
    home.measures([], CUFF, flags=["measurement_failed"])
    home.forward(HOUR)
    assert home.alerts() == []


def test_a_zero_and_a_missing_value_are_two_failed_tries_whichever_comes_first(home: Home) -> None:
    home.measures(spo2(0), OXIMETER)
    home.measures([], OXIMETER, old=5 * MINUTE, flags=["no_signal"])
    home.forward(20 * MINUTE)
    assert home.alerts() == ["no-valid-reading open"]


def test_failed_tries_that_arrive_out_of_order_are_two_all_the_same(home: Home) -> None:
    home.measures([], CUFF, flags=["cuff_loose"])
    home.measures([], CUFF, old=5 * MINUTE, flags=["measurement_failed"])
    home.forward(20 * MINUTE)
    assert home.alerts() == ["no-valid-reading open"]


def test_a_valid_value_between_two_failed_tries_that_comes_late_takes_the_duty_back(home: Home) -> None:
    home.measures([], CUFF, old=10 * MINUTE, flags=["cuff_loose"])
    home.measures([], CUFF, flags=["cuff_loose"])
    assert set(home.rows("deadline", "state")) == {"waiting"}
    home.measures(pressure(130, 80), CUFF, old=5 * MINUTE)
    assert "waiting" not in home.rows("deadline", "state")
    home.forward(HOUR)
    assert home.alerts() == []


def test_a_duty_that_was_taken_back_does_not_stand_in_for_the_next(home: Home) -> None:
    """Failures at 0, 3 and 4 min of the quarter hour, then a valid one of the first minute comes late."""
    for minutes in (6, 3, 2):
        home.measures([], CUFF, old=minutes * MINUTE, flags=["cuff_loose"])
    home.measures(pressure(130, 80), CUFF, old=5 * MINUTE)
    home.forward(20 * MINUTE)
    assert home.alerts() == ["no-valid-reading open"]


def test_an_extreme_value_without_a_declared_fault_pages_at_once(home: Home) -> None:
    home.measures(spo2(20), OXIMETER)
    assert "unconfirmed, may be artefact" in home.sentences()[0]
    assert len(home.tick()) == 1
    assert "implausible" in home.rows("reading", "words")[0]


def test_a_declared_fault_is_no_measurement(home: Home) -> None:
    home.measures(spo2(70), OXIMETER, flags=["poor_signal"])
    assert home.alerts() == []
    assert home.count("reading") == 1
