import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device_gateway.decoders.mqtt_cuff_json import decode
from device_gateway.errors import SettingsError
from device_gateway.frames import Measurement
from device_gateway.simulator import Home, World, draw, load
from tests.unit.gateway.parts import frame

START = datetime(2026, 11, 22, 13, 0, tzinfo=UTC)
CHICAGO = ZoneInfo("America/Chicago")


def world(*homes: Home, seed: int = 1) -> World:
    return World(homes, seed, START, CHICAGO)


def measured(world: World, home: Home, number: int) -> Measurement:
    payload = world.record(home, number)
    assert payload is not None
    made = decode(frame(payload, route=f"devices/{home.serial}/blood-pressure"), CHICAGO)
    assert isinstance(made, Measurement)
    return made


def pressures(world: World, home: Home, after_s: float) -> tuple[float, float]:
    values = {
        value.metric: float(value.value)
        for value in measured(world, home, world.newest(home, START + timedelta(seconds=after_s))).values
    }
    return values["systolic_blood_pressure"], values["diastolic_blood_pressure"]


def test_the_same_seed_draws_the_same_homes_whatever_their_number() -> None:
    assert draw(12, seed=3) == draw(12, seed=3)
    assert draw(5, seed=3) == draw(12, seed=3)[:5]
    assert draw(12, seed=3) != draw(12, seed=4)
    assert len({home.serial for home in draw(200, seed=3)}) == 200


def test_the_first_homes_have_the_stories() -> None:
    assert [home.story for home in draw(7, seed=1)] == [
        "crisis",
        "stable",
        "rising",
        "stable",
        "faulty",
        "stable",
        "stable",
    ]
    assert {home.unit for home in draw(6, seed=1)} == {"mmHg", "kPa"}


@given(seed=st.integers(), number=st.integers(0, 10**9), unit=st.sampled_from(["mmHg", "kPa"]))
def test_what_a_cuff_holds_is_a_function_of_seed_device_and_time(seed: int, number: int, unit: str) -> None:
    home = Home(serial="SIM-1", unit=unit)  # type: ignore[arg-type]

    assert world(home, seed=seed).record(home, number) == world(home, seed=seed).record(home, number)
    assert decode(frame(world(home, seed=seed).record(home, number), route="x/SIM-1/blood-pressure"), CHICAGO)


def test_a_restart_restarts_no_sequence() -> None:
    home = Home(serial="SIM-1", interval_s=5)
    later = World((home,), 1, START + timedelta(hours=1), CHICAGO)
    at = START + timedelta(hours=2)

    assert world(home).newest(home, at) == later.newest(home, at)
    assert world(home).record(home, world(home).newest(home, at)) == later.record(home, later.newest(home, at))


def test_numbers_follow_the_clock_one_by_one() -> None:
    home = Home(serial="SIM-1", interval_s=5)
    numbers = [world(home).newest(home, START + timedelta(seconds=second)) for second in range(0, 60, 5)]

    assert numbers == list(range(numbers[0], numbers[0] + 12))
    assert START - timedelta(seconds=5) < world(home).taken_at(home, numbers[0]) <= START


def test_the_cuffs_clock_shows_the_zones_local_time() -> None:
    home = Home(serial="SIM-1", interval_s=1)

    assert measured(world(home), home, world(home).newest(home, START)).device_time in {
        "2026-11-22T06:59:59",
        "2026-11-22T07:00:00",
    }


@pytest.mark.parametrize("serial", ["SIM-1", "SIM-2", "SIM-3"])
def test_the_crisis_is_at_190_over_125_after_20_seconds(serial: str) -> None:
    home = Home(serial=serial, story="crisis", interval_s=1)

    calm, worst = pressures(world(home), home, -1), pressures(world(home), home, 22)

    assert calm[0] < 150
    assert worst == pytest.approx((190, 125), abs=4)


def test_the_rising_home_gets_to_165_over_102_in_three_minutes() -> None:
    home = Home(serial="SIM-1", story="rising", interval_s=1)

    assert pressures(world(home), home, 200) == pytest.approx((165, 102), abs=4)


def test_a_stable_home_stays_in_range_for_a_week() -> None:
    for home in draw(6, seed=1, interval_s=600)[5:]:
        found = [pressures(world(home), home, 600 * number) for number in range(1008)]
        assert max(systolic for systolic, _ in found) < 145
        assert min(systolic for systolic, _ in found) > 90
        assert max(diastolic for _, diastolic in found) < 95


def test_a_faulty_cuff_fails_every_fourth_time_without_a_number() -> None:
    home = Home(serial="SIM-1", story="faulty")
    made = [measured(world(home), home, number) for number in range(8)]

    assert [bool(each.values) for each in made] == [False, True, True, True] * 2
    assert made[0].flags == ("device_error", "cuff_loose")


def test_a_silent_home_stops_after_a_minute() -> None:
    home = Home(serial="SIM-1", story="silent", interval_s=5)
    here = world(home)

    assert here.record(home, here.newest(home, START + timedelta(seconds=55))) is not None
    assert here.record(home, here.newest(home, START + timedelta(seconds=70))) is None


def test_missed_days_are_whole_days() -> None:
    home = Home(serial="SIM-1", interval_s=3600, missed_days=0.5)
    first = world(home).newest(home, datetime(2026, 7, 1, 6, tzinfo=UTC))
    taken = [world(home).record(home, first + hour) is not None for hour in range(24 * 60)]
    days = {tuple(taken[24 * day + 1 : 24 * day + 23]) for day in range(60)}

    assert days == {(True,) * 22, (False,) * 22}


def test_homes_can_come_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "homes.json"
    file.write_text(json.dumps([{"serial": "SIM-9", "systolic": 150, "story": "silent"}]))

    assert load(file) == (Home(serial="SIM-9", systolic=150, story="silent"),)


@pytest.mark.parametrize(
    "text", ["{}", '[{"serial": "A/B"}]', '[{"serial": "A", "age": 3}]', '[{"serial": "A"}, {"serial": "A"}]']
)
def test_a_wrong_file_of_homes_is_one_sentence(tmp_path: Path, text: str) -> None:
    (tmp_path / "homes.json").write_text(text)
    with pytest.raises(SettingsError, match=r"homes\.json"):
        load(tmp_path / "homes.json")


def test_a_cuffs_memory_is_the_same_whenever_it_is_asked_and_before_the_start() -> None:
    world = World(draw(3, seed=1), 1, START, UTC, stored_days=14)
    for home in world.homes:
        numbers = world.stored(home)
        taken = [world.taken_at(home, number) for number in numbers]
        assert numbers == sorted(set(numbers)) == world.stored(home)
        assert len(numbers) >= 28
        assert START - timedelta(days=15) < taken[0] < taken[-1] < START
        assert {at.hour for at in taken} <= {6, 7, 8, 18, 19, 20}
    assert World(draw(3, seed=1), 1, START, UTC).stored(world.homes[0]) == []
