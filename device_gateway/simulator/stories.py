"""How far a story has come at a moment; it begins when the simulation does, or is over by then."""

from datetime import datetime, timedelta, tzinfo
from typing import Final

from device_gateway.simulator.chance import uniform
from device_gateway.simulator.household import Person

_DAY_S: Final = 86_400.0
_GAINING_S: Final = 3.5 * _DAY_S
_FALL_FROM_S, _FALL_TO_S = 13.0, 15.0  # 18 to 20 after a demo was begun: the gateway comes last
_CLIMB_S: Final = {"crisis": 20.0, "rising": 180.0}
_SILENT_BEFORE: Final = timedelta(hours=50)
_LOW_AT: Final = timedelta(hours=3, minutes=20)
_LOW_OVER: Final = timedelta(hours=9)  # at the start the last low is a matter of the past: it pages nobody
_LOW_NIGHTS: Final = (0, 4, 11)  # before the last one
_NEVER_MISSED: Final = timedelta(days=5)  # before the start, so that no story loses its days


def gained(after_s: float) -> float:
    """The share of the weight gained, so many seconds after the start: all of it then, nothing 3.5 days before."""
    return max(0.0, min(1.0, 1 + after_s / _GAINING_S)) ** 2


def fallen(after_s: float) -> float:
    """The share of the fall of SpO2."""
    return max(0.0, min(1.0, (after_s - _FALL_FROM_S) / (_FALL_TO_S - _FALL_FROM_S)))


def climbed(story: str, after_s: float) -> float:
    """The share of the climb of blood pressure; 0 in other stories."""
    return max(0.0, min(1.0, after_s / _CLIMB_S[story])) if story in _CLIMB_S else 0.0


def night_lows(start: datetime, zone: tzinfo) -> tuple[datetime, ...]:
    """The middle of each night's low, the last one first."""
    last = (start.astimezone(zone) - _LOW_OVER).date()
    midnights = [datetime.combine(last - timedelta(days=nights), datetime.min.time(), zone) for nights in _LOW_NIGHTS]
    return tuple(midnight + _LOW_AT for midnight in midnights)


def measures(person: Person, at: datetime, start: datetime, zone: tzinfo, seed: int) -> bool:
    """Whether the person takes measurements at all at that time: not on a missed day, nor after falling silent."""
    if person.story == "silent" and at > start - _SILENT_BEFORE:
        return False
    if at < start - timedelta(days=person.home_days):
        return False
    if at > start - _NEVER_MISSED:
        return True
    return uniform(seed, person.person, at.astimezone(zone).date(), "missed") >= person.missed_days
