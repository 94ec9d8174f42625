"""Late readings and clocks (SF2), and what the hub's own clock makes of them."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from tests.unit.ingest.home import CUFF, OXIMETER, Home, homes, pressure, pulse, spo2

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    yield from homes(tmp_path)


def test_a_red_three_hours_old_pages_and_says_how_old_it_is(home: Home) -> None:
    home.measures(pressure(185, 80), CUFF, old=3 * HOUR)
    assert home.alerts() == ["blood-pressure-high open"]
    assert home.sentences()[0].endswith("; measured 3 h ago")
    ((who, text),) = home.tick()
    assert who == "Ana"
    assert "RED" in text


def test_a_red_five_hours_old_is_for_review_and_pages_nobody(home: Home) -> None:
    home.measures(pressure(185, 80), CUFF, old=5 * HOUR)
    assert home.alerts() == []
    assert home.tick() == []
    ((kind, title),) = home.tasks()
    assert kind == "review"
    assert "185" in title
    assert "measured 5 h ago" in title
    assert home.rows("finding", "retrospective") == [1]


@pytest.mark.parametrize(("age", "pages"), [(239, 1), (241, 0)])
def test_four_hours_are_the_limit(home: Home, age: int, pages: int) -> None:
    home.measures(pressure(185, 80), CUFF, old=age * MINUTE)
    assert len(home.tick()) == pages


def test_a_newer_value_in_range_makes_a_late_red_a_review(home: Home) -> None:
    home.measures(pressure(130, 80), CUFF)
    home.measures(pressure(185, 80), CUFF, old=HOUR)
    assert home.alerts() == []
    assert home.tasks()[0][0] == "review"
    assert "in range since" in home.tasks()[0][1]


def test_a_newer_value_that_is_no_better_does_not(home: Home) -> None:
    home.measures(pressure(186, 80), CUFF)
    home.measures(pressure(185, 80), CUFF, old=HOUR)
    assert home.alerts() == ["blood-pressure-high open"]
    assert home.tasks() == []


def test_oxygen_needs_two_newer_values_in_range(home: Home) -> None:
    home.measures(spo2(98), OXIMETER)
    home.measures(spo2(85), OXIMETER, old=HOUR)
    assert home.alerts() == ["oxygen-low open"]


def test_with_two_it_is_a_review(home: Home) -> None:
    home.measures(spo2(98), OXIMETER)
    home.measures(spo2(97), OXIMETER, old=10 * MINUTE)
    home.measures(spo2(85), OXIMETER, old=HOUR)
    assert home.alerts() == []
    assert [kind for kind, _ in home.tasks()] == ["review"]


def test_a_suspect_clock_counts_as_live(home: Home) -> None:
    home.measures(spo2(85), OXIMETER, measured_at="1970-01-01T00:00:00Z")
    assert home.alerts() == ["oxygen-low open"]
    assert "device clock wrong, time of measurement unknown" in home.sentences()[0]
    assert len(home.tick()) == 1


def test_the_lane_decides_nothing(home: Home) -> None:
    from tests.unit.ingest.home import batch, reading

    home.arrives(batch(home.now, reading(1, home.now, spo2(85), OXIMETER)), lane="backfill")
    assert len(home.tick()) == 1


def test_an_amber_of_this_morning_still_matters_and_one_of_yesterday_is_history(home: Home) -> None:
    home.measures(pulse(115), OXIMETER, old=25 * HOUR)
    assert home.alerts() == []
    assert home.rows("finding", "retrospective") == [1]
    home.measures(pulse(116), OXIMETER, old=10 * HOUR)
    assert home.alerts() == ["pulse-high open"]


def test_late_readings_close_nothing(home: Home) -> None:
    home.measures(pulse(115), OXIMETER, old=5 * HOUR)
    home.measures(pulse(80), OXIMETER, old=4 * HOUR)
    home.measures(pulse(80), OXIMETER, old=2 * HOUR)
    assert home.alerts() == ["pulse-high open"]


def test_the_wait_in_the_hub_makes_a_reading_older(home: Home) -> None:
    """The database was full for five hours: what was fresh when it came is for review now."""
    from tests.unit.ingest.home import batch, reading

    message = home.message(batch(home.now, reading(1, home.now, spo2(85), OXIMETER)))
    home.clinic.clock.forward(5 * HOUR)
    home.process(message)
    assert home.alerts() == []
    assert [kind for kind, _ in home.tasks()] == ["review"]


def test_an_old_held_red_is_for_review_and_a_fresh_one_pages(home: Home) -> None:
    home.measures(spo2(70), "NOBODY", old=5 * HOUR)
    assert home.alerts() == []
    assert [kind for kind, _ in home.tasks()] == ["review"]
    home.measures(spo2(70), "NOBODY", old=HOUR)
    assert home.alerts() == ["held-reading:unknown_device open"]
    assert "measured 60 min ago" in home.sentences()[0]


def test_readings_from_memory_without_a_pulse_are_no_pulse_that_could_not_be_obtained(home: Home) -> None:
    for minutes in (100, 90, 80):
        home.measures(spo2(97), OXIMETER, old=timedelta(minutes=minutes), flags=["from_memory"])
    home.forward(timedelta(hours=1))
    assert (home.count("failed_attempt"), home.count("deadline"), home.alerts()) == (0, 0, [])
