"""Homes, and what their devices hold: a function of seed, device and time."""

import json
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device_gateway.errors import SettingsError
from device_gateway.frames import Measurement
from device_gateway.simulator import Device, Home, Person, World, draw, load
from device_gateway.simulator.beginning import beginning
from device_gateway.simulator.listing import lines, rows
from tests.unit.gateway.simulated import CHICAGO, DAY, HOUR, START, demo, device, live, read, readings, remembered

README = Path(__file__).parents[3] / "device_gateway" / "simulator" / "README.md"
DEVICES = [(home.home, device.device) for home in draw(12, seed=1) for device in home.devices]


def test_the_same_seed_draws_the_same_homes_whatever_their_number() -> None:
    assert draw(12, seed=3) == draw(12, seed=3)
    assert draw(5, seed=3) == draw(14, seed=3)[:5]
    assert draw(12, seed=3) != draw(12, seed=4)


def test_many_homes_have_a_person_and_a_device_each_of_their_own() -> None:
    homes = draw(300, seed=3)

    assert [home.home for home in homes] == list(range(1, 301))
    assert [person.person for home in homes for person in home.people] == list(range(1, 302))
    assert len({device.device for home in homes for device in home.devices}) == 307


def test_twelve_homes_hold_thirteen_people_with_every_story_and_kind_of_device() -> None:
    homes = draw(12, seed=1)
    people = [person for home in homes for person in home.people]
    devices = [device for home in homes for device in home.devices]

    assert (len(homes), len(people)) == (12, 13)
    assert {person.condition for person in people} == {"heart-failure", "copd", "diabetes", "hypertension"}
    assert {"gaining", "desaturating", "night-lows", "silent", "rising", "stable"} <= {each.story for each in people}
    assert {device.shows for device in devices} == {"kg", "lb", "mg/dL", "mmol/L", "mmHg", "kPa", "%"}
    assert [device.people for device in devices if len(device.people) > 1] == [(5, 6), (5, 6)]


@pytest.mark.parametrize(("home", "address"), DEVICES)
@given(seed=st.integers(0, 2**32), at=st.datetimes(datetime(2024, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001
def test_what_a_device_holds_is_a_function_of_seed_device_and_time(
    home: int, address: str, seed: int, at: datetime
) -> None:
    first, again = demo(seed, at), demo(seed, at)
    here = next(each for each in first.homes[home - 1].devices if each.device == address)
    number = first.newest(here, at)

    assert first.record(here, number) == again.record(here, number)
    assert at - timedelta(seconds=here.interval_s) < first.taken_at(here, number) <= at


@pytest.mark.parametrize("person", [5, 10, 11, 12])
def test_a_restart_restarts_no_sequence_and_rewrites_no_record(person: int) -> None:
    """Not even a start that forgot when the stories began."""
    first, later = demo(), demo(start=START + 26 * HOUR)
    for mine in (each for home in first.homes for each in home.devices if person in each.people):
        past = set(first.stored(mine, START)) & set(later.stored(mine, later.start))
        numbers = [*sorted(past), *range(first.newest(mine, START), first.newest(mine, later.start), 7)]
        pairs = [(first.record(mine, number), later.record(mine, number)) for number in numbers]
        both = [pair for pair in pairs if None not in pair]  # which days were missed is counted from the start
        assert len(both) > 15
        assert [one for one, _ in both] == [other for _, other in both]


@pytest.mark.parametrize("person", [3, 11, 13])
@pytest.mark.parametrize("start", [START, datetime(2027, 1, 1, 6, 1, tzinfo=UTC), datetime(2028, 2, 29, tzinfo=UTC)])
def test_a_meters_numbers_only_grow_in_its_memory_and_for_weeks_after(person: int, start: datetime) -> None:
    world = demo(start=start)
    meter = device(world, "glucose-meter", person)
    coming = range(world.newest(meter, start) + 1, world.newest(meter, start + 40 * DAY), 50)
    records = [world.record(meter, number) for number in [*world.stored(meter, start), *coming]]
    numbers = [record.sequence for record in records if record is not None]

    assert numbers == sorted(set(numbers))
    assert numbers[0] > 0
    assert numbers[-1] < 65_536


def test_a_later_run_of_the_same_story_goes_on_with_it() -> None:
    world = demo()
    oximeter = device(world, "pulse-oximeter", 2)
    tomorrow = START + DAY

    assert [each.values[0].value < 86 for each in live(world, oximeter, 0.1 * HOUR, tomorrow)] == [True] * 72
    assert [each.values[0].value < 86 for each in remembered(world, oximeter, tomorrow)][-2:] == [True, True]


def test_numbers_follow_the_clock_one_by_one() -> None:
    world = demo()
    cuff = device(world, "blood-pressure", 9)
    numbers = [world.newest(cuff, START + timedelta(seconds=second)) for second in range(0, 60, 5)]

    assert numbers == list(range(numbers[0], numbers[0] + 12))


def test_the_devices_clocks_show_the_zones_local_time() -> None:
    world = demo()
    for mine in (device(world, "blood-pressure", 9), device(world, "weight-scale", 1)):
        made = read(world, mine, world.newest(mine, START))
        assert isinstance(made, Measurement)
        assert made.device_time is not None
        assert "2026-11-22T06:59:00" < made.device_time <= "2026-11-22T07:00:00"


@pytest.mark.parametrize("no_days", [0, 14])
def test_a_memory_lies_before_the_moment_it_is_asked_and_holds_two_readings_a_day(no_days: int) -> None:
    world = demo(stored_days=no_days)
    for mine in (each for home in world.homes for each in home.devices if each.profile != "cgm"):
        times = [world.taken_at(mine, number) for number in world.stored(mine, START)]
        assert times == sorted(set(times))
        assert all(START - no_days * DAY < at <= START for at in times)
        a_day = (4 if mine.profile == "glucose-meter" else 2) * len(mine.people)
        assert 0.75 * a_day * no_days <= len(times) <= a_day * no_days + 1


def test_people_measure_in_the_morning_and_in_the_evening() -> None:
    world = demo()
    hours = {each.measured_at.hour for each in remembered(world, device(world, "pulse-oximeter", 10))}

    assert hours <= {6, 7, 8, 18, 19, 20}  # the slot of a number may begin some seconds earlier


def test_missed_days_are_whole_days_of_a_person_and_none_lies_near_the_start() -> None:
    people = (Person(person=1, condition="heart-failure", missed_days=0.4),)
    scale = Device(device="C1:00:00:00:00:01", profile="weight-scale", people=(1,), interval_s=3600)
    cuff = Device(device="CUFF", profile="blood-pressure", people=(1,), interval_s=3600)
    world = World((Home(home=1, people=people, devices=(scale, cuff)),), 1, START, CHICAGO)

    def measured(mine: Device) -> dict[str, int]:
        first = world.newest(mine, START - 60 * DAY)
        days = [each.measured_at.date().isoformat() for each in readings(world, mine, range(first, first + 24 * 60))]
        return {day: days.count(day) for day in days}

    days = measured(scale)
    assert set(days) == set(measured(cuff))
    assert 25 < len(days) < 50
    assert set(list(days.values())[1:-1]) <= {23, 24, 25}
    assert {f"2026-11-{day}" for day in (18, 19, 20, 21)} <= set(days)


def test_people_who_share_a_device_take_turns_at_their_slots() -> None:
    world = demo()
    for profile in ("weight-scale", "blood-pressure"):
        users = [each.user_index for each in live(world, device(world, profile, 5), 0.1 * HOUR)]
        assert set(users) == {1, 2}
        assert all(one != other for one, other in pairwise(users))
        past = [each.user_index for each in remembered(world, device(world, profile, 5))]
        assert 50 < past.count(1) <= 60 >= past.count(2) > 50


def test_the_list_names_each_device_its_people_their_slots_and_what_a_plan_must_know() -> None:
    listed = rows(draw(12, seed=1))
    by_device = {row["device"]: row for row in listed}

    assert len(listed) == len(by_device) == 19
    assert {person["person"] for row in listed for person in row["people"]} == set(range(1, 14))
    assert [(each["person"], each["slot"]) for each in by_device["C1:52:50:4D:00:05"]["people"]] == [(5, 1), (6, 2)]
    assert by_device["C3:52:50:4D:00:02"]["people"] == [
        {
            "person": 2,
            "slot": None,
            "condition": "copd",
            "story": "desaturating",
            "facts": {"oxygen_target": "88-92"},
        }
    ]
    assert by_device["C2:52:50:4D:00:03"]["passkey"] == 314_159
    assert by_device["C2:52:50:4D:00:03"]["people"][0]["facts"] == {"insulin_or_su": True}
    assert by_device["SIM-CGM-0003"]["link"] == "mqtt"
    assert json.dumps(listed)
    assert any("persons 5, 6" in line for line in lines(draw(12, seed=1)))


HOME: dict[str, Any] = {
    "home": 1,
    "people": [{"person": 1, "condition": "copd", "story": "silent"}],
    "devices": [{"device": "C1:00:00:00:00:01", "profile": "pulse-oximeter", "people": [1]}],
}


def test_homes_can_come_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "homes.json").write_text(json.dumps([HOME]))

    assert load(tmp_path / "homes.json") == (
        Home(
            home=1,
            people=(Person(person=1, condition="copd", story="silent"),),
            devices=(Device(device="C1:00:00:00:00:01", profile="pulse-oximeter", people=(1,)),),
        ),
    )


def test_the_example_in_the_readme_is_a_file_of_homes(tmp_path: Path) -> None:
    (tmp_path / "homes.json").write_text(README.read_text().split("```")[1].removeprefix("json"))

    assert [len(home.devices) for home in load(tmp_path / "homes.json")] == [3]


def changed(**device: Any) -> str:
    return json.dumps([HOME | {"devices": [HOME["devices"][0] | device]}])


@pytest.mark.parametrize(
    "text",
    [
        "{}",
        json.dumps([HOME | {"garden": True}]),
        json.dumps([HOME, HOME]),
        json.dumps([HOME, HOME | {"home": 2, "devices": []}]),
        json.dumps([HOME | {"devices": HOME["devices"] * 2}]),
        changed(device="A/B"),
        changed(device="SIM-1"),
        changed(device="01:00:00:00:00:01"),
        changed(age=3),
        changed(people=[]),
        changed(people=[2]),
        changed(people=[1, 1]),
        changed(unit="kg"),
        changed(interval_s=0),
        changed(profile="glucose-meter", interval_s=20),
        changed(profile="cgm"),
    ],
)
def test_a_wrong_file_of_homes_is_one_sentence(tmp_path: Path, text: str) -> None:
    (tmp_path / "homes.json").write_text(text)
    with pytest.raises(SettingsError, match=r"homes\.json"):
        load(tmp_path / "homes.json")


def test_a_simulation_began_at_its_first_start_whenever_it_is_asked(tmp_path: Path) -> None:
    directory = tmp_path / "gateway"

    assert beginning(directory, START) == START
    assert beginning(directory, START + 3 * DAY) == START


@pytest.mark.parametrize("text", ["yesterday", "2026-11-22T13:00:00", ""])
def test_a_beginning_that_cannot_be_read_is_one_sentence(tmp_path: Path, text: str) -> None:
    (tmp_path / "simulated-since").write_text(text)

    with pytest.raises(SettingsError, match="simulated-since, which says when the simulation began, cannot be used"):
        beginning(tmp_path, START)
