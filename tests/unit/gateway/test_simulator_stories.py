"""What happens to the demo's people, as their devices' bytes tell it to the gateway's decoders."""

from datetime import UTC, datetime, timedelta

import pytest

from device_gateway.frames import Rejected
from device_gateway.simulator import Device, Home, Person
from tests.unit.gateway.simulated import CHICAGO, DAY, HOUR, START, demo, device, live, read, remembered, values

STARTS = [START, datetime(2026, 3, 8, 9, 30, tzinfo=UTC), datetime(2027, 7, 4, 4, 5, tzinfo=UTC)]
SEEDS = [1, 2, 3]


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("start", STARTS)
def test_heart_failure_gains_2_4_kg_in_the_last_days(seed: int, start: datetime) -> None:
    world = demo(seed, start)
    dry = world.homes[0].people[0].dry_weight_kg
    assert dry is not None
    scale = device(world, "weight-scale", 1)
    past, now = remembered(world, scale), values(live(world, scale, HOUR), "body_weight")
    before = values([each for each in past if each.measured_at < start - 4 * DAY], "body_weight")
    yesterday = values([each for each in past if start - 2 * DAY < each.measured_at < start - DAY], "body_weight")

    assert dry - 0.4 < min(before) <= max(before) < dry + 0.8
    assert max(yesterday) < dry + 2.0 <= min(now)
    assert min(now) - max(before) > 1.36
    assert max(now) - min(now) < 0.5


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("start", STARTS)
def test_copd_falls_to_84_within_15_seconds_of_the_start_and_stays_there(seed: int, start: datetime) -> None:
    world = demo(seed, start)
    oximeter = device(world, "pulse-oximeter", 2)
    made = live(world, oximeter, HOUR)
    early = [each for each in made if each.measured_at < start + timedelta(seconds=13)]
    late = [each for each in made if each.measured_at >= start + timedelta(seconds=15)]

    assert {88 <= value <= 94 for value in values(remembered(world, oximeter) + early, "oxygen_saturation")} == {True}
    assert set(values(late, "oxygen_saturation")) <= {84, 85}
    assert late[0].measured_at < start + timedelta(seconds=20)
    assert max(values(late, "pulse_rate")) <= 90


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("start", STARTS)
def test_insulin_lows_come_at_night_and_the_last_is_in_the_sensors_memory_alone(seed: int, start: datetime) -> None:
    world = demo(seed, start)
    meter, sensor = device(world, "glucose-meter", 3), device(world, "cgm", 3)

    def lows(mine: Device) -> list[datetime]:
        return [each.measured_at for each in remembered(world, mine) if min(values([each], "blood_glucose")) < 70]

    fingersticks, sensed = lows(meter), lows(sensor)
    assert [each.astimezone(CHICAGO).hour for each in fingersticks] == [3, 3]
    assert fingersticks[-1] < start - 3 * DAY
    assert 4 <= len(sensed) <= 6
    assert {each.astimezone(CHICAGO).hour for each in sensed} <= {2, 3, 4}
    assert start - 2 * DAY < sensed[0] < sensed[-1] < start - 4 * HOUR
    now = live(world, meter, HOUR) + live(world, sensor, HOUR)
    assert 75 < min(values(now, "blood_glucose")) <= max(values(now, "blood_glucose")) < 180


def test_a_fingerstick_of_somebody_on_insulin_says_when_it_was_taken() -> None:
    world = demo()
    flags = {flag for each in remembered(world, device(world, "glucose-meter", 3)) for flag in each.flags}

    assert {"meal_fasting", "meal_preprandial", "meal_bedtime", "meal_casual"} <= flags
    assert "context_missing" not in flags


@pytest.mark.parametrize("start", STARTS)
def test_the_silent_one_has_sent_nothing_for_a_little_more_than_two_days_and_never_will(start: datetime) -> None:
    world = demo(start=start)
    oximeter = device(world, "pulse-oximeter", 4)

    assert 2 * DAY < start - remembered(world, oximeter)[-1].measured_at < 3 * DAY
    assert live(world, oximeter, DAY) == []


def test_a_controlled_meter_measures_its_solution_and_no_person() -> None:
    world = demo()
    meter = device(world, "glucose-meter", 3)
    made = [read(world, meter, number) for number in world.stored(meter, START)]

    assert [each.code for each in made if isinstance(each, Rejected)] == ["control_solution"] * 2


def test_a_slow_clock_stays_three_hours_slow_and_is_reckoned_with() -> None:
    world = demo()
    meter = device(world, "glucose-meter", 11)
    number = world.newest(meter, START)
    made = read(world, meter, number)

    assert made is not None
    assert not isinstance(made, Rejected)
    assert abs(made.measured_at - world.taken_at(meter, number)) < timedelta(seconds=1)
    assert "device_clock_off" in made.flags
    assert made.device_time is not None
    assert made.device_time < "2026-11-22T04:00:00"


def test_scales_and_meters_show_their_own_units() -> None:
    world = demo()
    shown = {
        person: live(world, device(world, profile, person), 0.2 * HOUR)[0].values[0].shown
        for profile, person in (("weight-scale", 5), ("weight-scale", 12), ("glucose-meter", 11), ("glucose-meter", 13))
    }
    units = {person: None if each is None else each.unit for person, each in shown.items()}

    assert units == {5: "[lb_av]", 12: None, 11: "mmol/L", 13: None}


def test_somebody_home_for_nine_days_has_nine_days_of_readings() -> None:
    world = demo()
    first = remembered(world, device(world, "weight-scale", 12))[0].measured_at

    assert START - 9 * DAY < first < START - 8 * DAY


@pytest.mark.parametrize("seed", SEEDS)
def test_the_rising_pressure_gets_to_165_over_102_in_three_minutes_shown_in_kpa(seed: int) -> None:
    world = demo(seed)
    made = live(world, device(world, "blood-pressure", 8), 0.1 * HOUR)
    systolic, diastolic = (values(made, f"{each}_blood_pressure") for each in ("systolic", "diastolic"))

    assert systolic[0] < 135
    assert (systolic[-1], diastolic[-1]) == pytest.approx((165, 102), abs=4)
    assert max(systolic) < 175
    assert {value.shown.unit for value in made[0].values if value.shown is not None} == {"kPa"}


def test_a_faulty_cuff_fails_every_fourth_time_without_a_number() -> None:
    made = live(demo(), device(demo(), "blood-pressure", 9), timedelta(minutes=1))
    failed = [not each.values for each in made]

    assert sum(failed) == 3
    assert failed[failed.index(True) :][:5] == [True, False, False, False, True]
    assert "cuff_loose" in made[failed.index(True)].flags


def test_a_crisis_is_at_190_over_125_after_20_seconds() -> None:
    people = (Person(person=1, condition="hypertension", story="crisis"),)
    cuff = Device(device="CUFF", profile="blood-pressure", people=(1,), interval_s=5)
    made = live(demo(homes=(Home(home=1, people=people, devices=(cuff,)),)), cuff, timedelta(seconds=30))

    assert values(made, "systolic_blood_pressure")[-1] == pytest.approx(190, abs=4)
    assert values(made, "diastolic_blood_pressure")[-1] == pytest.approx(125, abs=4)
