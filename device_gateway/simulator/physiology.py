"""What a body would show: a usual level, a daily rhythm, days that differ, noise between measurements, a story."""

import math
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Final

from device_gateway.simulator.chance import normal, uniform, wander
from device_gateway.simulator.household import Person
from device_gateway.simulator.stories import climbed, fallen, gained, night_lows

_GAIN_KG: Final = 2.4
_FALLEN_TO: Final = (84.6, 88.0)  # SpO2, pulse
_CLIMB_TO: Final = {"crisis": (190.0, 125.0, 104.0), "rising": (165.0, 102.0, 88.0)}  # systolic, diastolic, pulse
_LEAST_PULSE_PRESSURE: Final = 15
_MEALS: Final = (7.75, 12.75, 18.25)  # hours of day
_MEAL_MG_DL: Final = 38.0
_MEAL_PEAK_H: Final = 0.75
_LOW_MG_DL: Final = 58.0
_LOW_HALF_S: Final = 1000.0


@dataclass(frozen=True, slots=True)
class Moment:
    """A person at a time. All chance here belongs to the seed, the person and the second: no device comes into it."""

    person: Person
    at: datetime
    start: datetime
    zone: tzinfo
    seed: int

    @property
    def after_s(self) -> float:
        """Seconds since the start; before it, below 0."""
        return (self.at - self.start).total_seconds()

    def rhythm(self, peak_hour: float) -> float:
        """1 at that local hour of day, -1 twelve hours from it."""
        return math.cos((_hour(self.at.astimezone(self.zone)) - peak_hour) * math.pi / 12)

    def noise(self, what: str) -> float:
        """Differs with every second."""
        return normal(self.seed, self.person.person, what, round(self.at.timestamp()))

    def drift(self, what: str, hours: float) -> float:
        """Changes over so many hours."""
        return wander(self.at.timestamp() / 3600 / hours, self.seed, self.person.person, what)


def weight_kg(now: Moment) -> float:
    """Heavier in the evening, by food and drink."""
    story = _GAIN_KG * gained(now.after_s) if now.person.story == "gaining" else 0.0
    daily = 0.12 * now.rhythm(19) + 0.1 * now.drift("weight", 72) + 0.06 * now.noise("weight")
    return now.person.weight_kg + daily + story


def oxygen_percent(now: Moment) -> int:
    """Whole percents, as an oximeter shows them."""
    rest = now.person.oxygen_percent + 0.3 * now.rhythm(15) + 0.4 * now.drift("oxygen", 6)
    share = fallen(now.after_s) if now.person.story == "desaturating" else 0.0
    noise = (0.4 - 0.25 * share) * now.noise("oxygen")
    return min(100, round(rest + share * (_FALLEN_TO[0] - rest) + noise))


def pulse(now: Moment) -> int:
    """Beats per minute at rest; faster when SpO2 falls or pressure climbs."""
    rest = now.person.pulse + 4 * now.rhythm(15) + 2 * now.drift("pulse", 6)
    share, target = climbed(now.person.story, now.after_s), _CLIMB_TO.get(now.person.story, (0.0, 0.0, 0.0))[2]
    if now.person.story == "desaturating":
        share, target = fallen(now.after_s), _FALLEN_TO[1]
    return round(rest + share * (target - rest) + 2.2 * (1 - 0.8 * share) * now.noise("pulse"))


def pressures_mmhg(now: Moment) -> tuple[int, int]:
    """Systolic and diastolic: highest in mid-afternoon, lowest at about 3 o'clock."""
    share, target = climbed(now.person.story, now.after_s), _CLIMB_TO.get(now.person.story, (0.0, 0.0, 0.0))
    # Once the story has arrived there is little noise left: it is scripted to stay where it leads.
    calm = 1 - 0.8 * share
    systolic = now.person.systolic + 5 * now.rhythm(15) + 1.2 * now.drift("systolic", 24)
    diastolic = now.person.diastolic + 3 * now.rhythm(15) + now.drift("diastolic", 24)
    upper = round(systolic + share * (target[0] - systolic) + 2.2 * calm * now.noise("systolic"))
    lower = round(diastolic + share * (target[1] - diastolic) + 1.6 * calm * now.noise("diastolic"))
    return upper, min(lower, upper - _LEAST_PULSE_PRESSURE)


def glucose_mg_dl(now: Moment) -> float:
    """Up after three meals a day, and down in the nights of the story."""
    person = now.person
    level = person.glucose_mg_dl + _meals(now) + 7 * now.drift("glucose", 8)
    if person.story == "night-lows":
        for low in night_lows(now.start, now.zone):
            level += (_LOW_MG_DL - level) * math.exp(-(((now.at - low).total_seconds() / _LOW_HALF_S) ** 2) / 2)
    return level


def _meals(now: Moment) -> float:
    local = now.at.astimezone(now.zone)
    hour, total = _hour(local), 0.0
    for meal in _MEALS:
        late = uniform(now.seed, now.person.person, local.date(), meal) - 0.5
        since = (hour - meal - late) / _MEAL_PEAK_H
        total += _MEAL_MG_DL * since * math.exp(1 - since) if since > 0 else 0.0
    return total


def _hour(local: datetime) -> float:
    return local.hour + local.minute / 60 + local.second / 3600
