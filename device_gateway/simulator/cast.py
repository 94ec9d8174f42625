"""Who lives in the demo's twelve homes. Everybody is invented; what is usual for them depends on the seed."""

from collections.abc import Iterator
from typing import Any, Final

from device_gateway.simulator.chance import uniform
from device_gateway.simulator.household import Condition, Device, Home, Person, Profile, Story

HOMES: Final = 12
FINGERSTICK_S: Final = 300.0  # nobody pricks a finger more often, and its sequence number has only 16 bits
_SENSOR_S: Final = 300.0
_KINDS: Final[dict[Profile, str]] = {"weight-scale": "C1", "glucose-meter": "C2", "pulse-oximeter": "C3"}
_HYPERCAPNIC: Final[dict[str, Any]] = {"oxygen_percent": 91.6, "oxygen_target": "88-92"}


def demo_homes(seed: int, interval_s: float) -> tuple[Home, ...]:
    """The twelve homes. `interval_s`: seconds between a cuff's readings, from which the others' follow."""
    return tuple(_homes(_Casting(seed, interval_s)))


def neighbour(number: int, person: int, seed: int, interval_s: float) -> Home:
    """A further home: one person, one cuff, nothing happens."""
    casting = _Casting(seed, interval_s)
    return Home(home=number, people=(casting.person(person, "hypertension"),), devices=(casting.cuff(number, person),))


def _homes(a: "_Casting") -> Iterator[Home]:
    yield from _with_stories(a)
    yield from _with_cuffs(a)
    yield from _quiet(a)


def _with_stories(a: "_Casting") -> Iterator[Home]:
    yield Home(home=1, people=(a.heart(1, "gaining", missed_days=0.05),), devices=a.heart_devices(1, 1))
    yield Home(
        home=2,
        people=(a.person(2, "copd", "desaturating", missed_days=0.1, **_HYPERCAPNIC),),
        devices=(a.oximeter(2, 2, every=1),),
    )
    yield Home(
        home=3,
        people=(a.person(3, "diabetes", "night-lows", insulin_or_su=True),),
        devices=(a.meter(3, 3, passkey=314_159), a.sensor(3, 3)),
    )
    yield Home(home=4, people=(a.person(4, "copd", "silent", **_HYPERCAPNIC),), devices=(a.oximeter(4, 4),))
    yield Home(
        home=5,
        people=(a.heart(5, weight_kg=91.0, missed_days=0.05), a.person(6, "hypertension", weight_kg=61.0)),
        devices=(a.scale(5, 5, 6, unit="lb"), a.cuff(5, 5, 6), a.oximeter(5, 5)),
    )


def _with_cuffs(a: "_Casting") -> Iterator[Home]:
    yield Home(home=6, people=(a.person(7, "hypertension", missed_days=0.1),), devices=(a.cuff(6, 7),))
    yield Home(home=7, people=(a.person(8, "hypertension", "rising"),), devices=(a.cuff(7, 8, unit="kPa"),))
    yield Home(home=8, people=(a.person(9, "hypertension"),), devices=(a.cuff(8, 9, loose_every=4),))


def _quiet(a: "_Casting") -> Iterator[Home]:
    yield Home(home=9, people=(a.person(10, "copd", missed_days=0.15, **_HYPERCAPNIC),), devices=(a.oximeter(9, 10),))
    yield Home(
        home=10,
        people=(a.person(11, "diabetes", missed_days=0.1),),
        devices=(a.meter(10, 11, unit="mmol/L", clock_off_h=-3.0),),
    )
    # Home from the hospital for nine days.
    yield Home(home=11, people=(a.heart(12, home_days=9),), devices=a.heart_devices(11, 12))
    yield Home(home=12, people=(a.person(13, "diabetes", missed_days=0.2),), devices=(a.meter(12, 13, no_clock=True),))


class _Casting:
    """Draws people and hands out devices."""

    def __init__(self, seed: int, interval_s: float) -> None:
        self._seed, self._interval_s = seed, interval_s

    def person(self, number: int, condition: Condition, story: Story = "stable", **known: Any) -> Person:
        drawn = {
            "weight_kg": self._between(number, "weight", 64, 88),
            "oxygen_percent": self._between(number, "oxygen", 96.9, 97.6),
            "systolic": self._between(number, "systolic", 114, 117),
            "diastolic": self._between(number, "diastolic", 67, 71),
            "pulse": self._between(number, "pulse", 63, 74),
            "glucose_mg_dl": self._between(number, "glucose", 108, 116),
        }
        return Person(person=number, condition=condition, story=story, **(drawn | known))

    def heart(self, number: int, story: Story = "stable", **known: Any) -> Person:
        """Somebody with heart failure, a little above their dry weight."""
        usual = self.person(number, "heart-failure", story, **known)
        return self.person(number, "heart-failure", story, **known, dry_weight_kg=round(usual.weight_kg - 0.2, 1))

    def heart_devices(self, home: int, person: int) -> tuple[Device, ...]:
        """What the plan for heart failure asks for: weight, oxygen, pressure."""
        return self.scale(home, person), self.oximeter(home, person), self.cuff(home, person)

    def scale(self, home: int, *people: int, **known: Any) -> Device:
        return self._ble("weight-scale", home, people, self._interval_s * 3, **known)

    def oximeter(self, home: int, person: int, every: int = 2) -> Device:
        return self._ble("pulse-oximeter", home, (person,), self._interval_s * every)

    def meter(self, home: int, person: int, **known: Any) -> Device:
        return self._ble("glucose-meter", home, (person,), FINGERSTICK_S, **known)

    def cuff(self, home: int, *people: int, **known: Any) -> Device:
        serial = f"SIM-CUFF-{home:04d}"
        return Device(device=serial, profile="blood-pressure", people=people, interval_s=self._interval_s, **known)

    def sensor(self, home: int, person: int) -> Device:
        return Device(device=f"SIM-CGM-{home:04d}", profile="cgm", people=(person,), interval_s=_SENSOR_S)

    def _ble(self, profile: Profile, home: int, people: tuple[int, ...], every_s: float, **known: Any) -> Device:
        address = f"{_KINDS[profile]}:52:50:4D:00:{home:02X}"
        return Device(device=address, profile=profile, people=people, interval_s=max(1.0, every_s), **known)

    def _between(self, person: int, what: str, low: float, high: float) -> float:
        return round(low + (high - low) * uniform(self._seed, person, what), 1)
