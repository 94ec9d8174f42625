"""The gateway's simulated people before the hub's own rules: red or amber is whom a story makes so, and nobody else."""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

import pytest

from device_gateway.frames import Measurement
from device_gateway.simulator import Person, World
from hub.domain.at_once import at_once
from hub.domain.findings import Finding
from hub.domain.patients import DryWeight, OxygenTarget, Patient
from hub.domain.samples import Sample
from hub.domain.screening import Value, screen
from hub.domain.severity import Severity
from tests.unit.domain.builders import PATIENT, PROTOCOLS
from tests.unit.gateway.simulated import DAY, HOUR, START, demo, live, remembered

SEEDS: Final = [1, 2]
PEOPLE: Final = range(1, 14)
CALM: Final = [person for person in PEOPLE if person not in (1, 2, 3, 8)]


class Past:
    """A patient's samples, each metric in its order."""

    def __init__(self, samples: Sequence[Sample]) -> None:
        self._by_metric: dict[str, list[Sample]] = {}
        for each in sorted(samples, key=lambda one: one.at):
            self._by_metric.setdefault(each.metric, []).append(each)

    def __call__(self, metric: str, since: datetime, until: datetime) -> Sequence[Sample]:
        mine = self._by_metric.get(metric, [])
        first, last = (bisect_left(mine, at, key=lambda one: one.at) for at in (since, until))
        return mine[first:last]

    def newest(self, metric: str, since: datetime, until: datetime, count: int) -> Sequence[Sample]:
        return self(metric, since, until)[::-1][:count]


def person(world: World, number: int) -> Person:
    return next(each for home in world.homes for each in home.people if each.person == number)


def measured(world: World, number: int, span: timedelta = HOUR) -> Iterator[Measurement]:
    """All that this person's devices hold of them, and what they measure after the start."""
    for home in world.homes:
        for device in home.devices:
            if number in device.people:
                made = remembered(world, device) + live(world, device, span)
                yield from (each for each in made if device.slot(number) in (None, each.user_index))


def samples(made: Sequence[Measurement]) -> list[Sample]:
    found = []
    for number, each in enumerate(made):
        screened = screen([Value(one.metric, one.value) for one in each.values], frozenset(each.flags))
        found += [
            Sample(number, one.metric, one.value, each.measured_at, None, each.profile, None, flags)
            for one, flags in zip(each.values, screened, strict=True)
        ]
    return found


def patient(of: Person) -> Patient:
    """What the list tells the hub about the person."""
    dry = None if of.dry_weight_kg is None else DryWeight(Decimal(str(of.dry_weight_kg)), "Dr Example", START - 9 * DAY)
    target = None if of.oxygen_target is None else OxygenTarget(of.oxygen_target)
    return replace(PATIENT, dry_weight=dry, oxygen_target=target, insulin_or_su=of.insulin_or_su)


def findings(world: World, number: int, least: Severity = Severity.AMBER) -> list[Finding]:
    """What the rules of the person's protocol say about every value, in the order of time."""
    who = person(world, number)
    all_of_them = samples(list(measured(world, number)))
    past, them = Past(all_of_them), patient(who)
    verdicts = [
        rule.evaluate(each, past, them)
        for each in sorted(all_of_them, key=lambda one: one.at)
        for rule in PROTOCOLS[who.condition].rules
        if each.metric in rule.metrics
    ]
    return [verdict for verdict in verdicts if isinstance(verdict, Finding) and verdict.severity >= least]


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("number", CALM)
def test_nobody_without_a_story_is_anything_but_in_range_for_a_month_and_an_hour(seed: int, number: int) -> None:
    assert findings(demo(seed), number, Severity.LOW) == []


@pytest.mark.parametrize("seed", SEEDS)
def test_the_weight_gained_is_amber_from_the_last_day_on_and_nothing_else_is(seed: int) -> None:
    found = findings(demo(seed), 1)

    assert {(each.problem, each.severity) for each in found} == {("weight-gain", Severity.AMBER)}
    assert min(each.at for each in found) > START - DAY
    assert any("above dry" in name or "dry" in name for each in found for name in each.inputs)
    assert len([each for each in found if each.at > START]) > 200


@pytest.mark.parametrize("seed", SEEDS)
def test_the_fall_of_oxygen_is_red_from_the_15th_second_on(seed: int) -> None:
    """On the person's own target, 88-92; on the others it even lies among what pages at once."""
    world = demo(seed)
    fallen = [each for each in samples(list(measured(world, 2))) if each.at > START + timedelta(seconds=15)]
    oxygen = [each for each in fallen if each.metric == "oxygen_saturation"]
    found = findings(world, 2, Severity.LOW)

    assert {each.problem for each in found} == {"oxygen-low"}
    assert min(each.at for each in found) > START + timedelta(seconds=12)
    assert len([each for each in found if each.severity is Severity.RED]) == len(oxygen) > 600
    assert all(at_once(each, target) for each in oxygen for target in (None, OxygenTarget.GENERAL))


@pytest.mark.parametrize("seed", SEEDS)
def test_lows_on_insulin_are_red_and_none_is_younger_than_four_hours(seed: int) -> None:
    found = findings(demo(seed), 3, Severity.LOW)

    assert {(each.problem, each.severity) for each in found} == {("glucose-low", Severity.RED)}
    assert max(each.at for each in found) < START - 4 * HOUR
    assert 5 <= len(found) <= 8


@pytest.mark.parametrize("seed", SEEDS)
def test_the_rising_pressure_is_amber_after_the_start_and_never_red(seed: int) -> None:
    found = findings(demo(seed), 8)

    assert {(each.problem, each.severity) for each in found} == {("blood-pressure-high", Severity.AMBER)}
    assert min(each.at for each in found) > START
