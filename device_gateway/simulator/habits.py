"""When people measure who are not watched by a visitor: morning and evening, and glucose before meals and bed."""

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta, tzinfo
from typing import Final

from device_gateway.simulator.chance import uniform
from device_gateway.simulator.household import Device, Person
from device_gateway.simulator.stories import night_lows

_TWICE: Final = ((7.0, 2.0), (19.0, 2.0))  # from this hour of day, within so many hours
_FINGERSTICKS: Final = ((6.75, 0.75), (11.75, 0.75), (17.25, 0.75), (21.75, 1.0))
_SKIPPED: Final = 0.15  # share of fingersticks that are forgotten
_CONTROLS: Final = (12, 26)  # days before the start on which the meter was tried with its control solution
_CONTROL_AT: Final = time(10, 5)


def moments(device: Device, person: Person, day: date, zone: tzinfo, seed: int) -> Iterator[datetime]:
    """The times of that local day at which the person uses the device."""
    fingers = device.profile == "glucose-meter"
    for hour, within in _FINGERSTICKS if fingers else _TWICE:
        chance = uniform(seed, device.device, person.person, day, hour)
        if not fingers or uniform(seed, person.person, day, hour, "forgotten") >= _SKIPPED:
            yield datetime.combine(day, time(), zone) + timedelta(hours=hour + within * chance)


def night_checks(device: Device, person: Person, start: datetime, zone: tzinfo) -> tuple[datetime, ...]:
    """When somebody woke up low and measured. The last low went unnoticed: only a sensor saw it."""
    woke = device.profile == "glucose-meter" and person.story == "night-lows"
    return night_lows(start, zone)[1:] if woke else ()


def control_tests(device: Device, start: datetime, zone: tzinfo) -> tuple[datetime, ...]:
    """When the meter measured its control solution."""
    if device.profile != "glucose-meter":
        return ()
    today = start.astimezone(zone).date()
    return tuple(datetime.combine(today - timedelta(days=back), _CONTROL_AT, zone) for back in _CONTROLS)
