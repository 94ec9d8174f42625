"""What a cuff would measure: a resting level, a daily rhythm, noise between measurements, and the home's story."""

import math
from dataclasses import dataclass
from typing import Final

from device_gateway.simulator.chance import normal
from device_gateway.simulator.homes import Home

_PEAK_HOUR: Final = 15.0  # resting pressure is highest in mid-afternoon and lowest at about 3 o'clock
_RHYTHM: Final = (6.0, 4.0, 4.0)  # amplitude: systolic, diastolic, pulse
_NOISE: Final = (3.0, 2.0, 2.5)  # standard deviation between two measurements at rest
_LEAST_PULSE_PRESSURE: Final = 15
# story -> (seconds to get there, systolic, diastolic, pulse)
_CLIMB: Final = {"crisis": (20.0, 190.0, 125.0, 104.0), "rising": (180.0, 165.0, 102.0, 88.0)}


@dataclass(frozen=True, slots=True)
class Vitals:
    """Pressures in mmHg, pulse per minute."""

    systolic: int
    diastolic: int
    mean: int
    pulse: int


def vitals(home: Home, seed: int, number: int, *, hour: float, story_s: float) -> Vitals:
    """The home's measurement `number`, at a local hour of day, so many seconds into its story."""
    rhythm = math.cos((hour - _PEAK_HOUR) * math.pi / 12)
    share, target = _progress(home, story_s)
    base = (home.systolic, home.diastolic, home.pulse)
    level = []
    for index, name in enumerate(("systolic", "diastolic", "pulse")):
        rest = base[index] + _RHYTHM[index] * rhythm
        # Once the story has arrived there is little noise left: it is scripted to stay where it leads.
        noise = _NOISE[index] * (1 - 0.8 * share) * max(-3.0, min(3.0, normal(seed, home.serial, number, name)))
        level.append(round(rest + share * (target[index] - rest) + noise))
    systolic, diastolic, pulse = level
    diastolic = min(diastolic, systolic - _LEAST_PULSE_PRESSURE)
    return Vitals(systolic, diastolic, round(diastolic + (systolic - diastolic) / 3), pulse)


def _progress(home: Home, story_s: float) -> tuple[float, tuple[float, float, float]]:
    if home.story not in _CLIMB:
        return 0.0, (0.0, 0.0, 0.0)
    seconds, *target = _CLIMB[home.story]
    return max(0.0, min(1.0, story_s / seconds)), (target[0], target[1], target[2])
