"""What a device writes down of one measurement: the bytes that real ones send."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from device_gateway.simulator import gatt_bytes
from device_gateway.simulator.gatt_bytes import Meal, Sample
from device_gateway.simulator.household import Device, Person
from device_gateway.simulator.physiology import Moment, glucose_mg_dl, oxygen_percent, pressures_mmhg, pulse, weight_kg

_KG_PER_LB: Final = 0.45359237
_MG_DL_PER_MMOL_L: Final = 18.016
_KPA_PER_MMHG: Final = 0.133322387415
_CONTROL_MG_DL: Final = 110.0
_MEALS: Final = ((5.0, Meal.CASUAL), (9.5, Meal.FASTING), (21.5, Meal.BEFORE), (24.0, Meal.BEDTIME))  # until that hour


@dataclass(frozen=True, slots=True)
class Record:
    """One measurement as its device keeps it. `sequence` is the device's own; `context` a companion packet (2A34)."""

    sequence: int
    payload: bytes
    context: bytes | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """One use of a device: who, when, and what its clock showed then."""

    device: Device
    now: Moment
    sequence: int
    shown: datetime
    battery_percent: int
    control: bool = False
    from_memory: bool = False

    @property
    def person(self) -> Person:
        """Whoever used it."""
        return self.now.person


def write(taken: Taken) -> Record:
    """The record of that use."""
    return _WRITERS[taken.device.profile](taken)


def _weight(taken: Taken) -> Record:
    unit, kg = taken.device.shows, weight_kg(taken.now)
    steps = round(kg / _KG_PER_LB * 5) / 5 if unit == "lb" else round(kg, 1)  # what its display can show
    return Record(taken.sequence, gatt_bytes.weight(steps, unit, taken.shown, taken.device.slot(taken.person.person)))


def _spot_check(taken: Taken) -> Record:
    amplitude = 4.5 + 0.5 * taken.now.noise("amplitude")
    measured = gatt_bytes.spot_check(oxygen_percent(taken.now), pulse(taken.now), amplitude, taken.shown)
    return Record(taken.sequence, measured)


def _fingerstick(taken: Taken) -> Record:
    value = (_CONTROL_MG_DL if taken.control else glucose_mg_dl(taken.now)) + 3 * taken.now.noise("strip")
    unit, told = taken.device.shows, taken.person.insulin_or_su and not taken.control
    shown = value / _MG_DL_PER_MMOL_L if unit == "mmol/L" else value
    sample = Sample.CONTROL if taken.control else Sample.FINGER
    measured = gatt_bytes.glucose(taken.sequence, shown, unit, taken.shown, sample, context=told)
    return Record(taken.sequence, measured, gatt_bytes.glucose_context(taken.sequence, _meal(taken)) if told else None)


def _meal(taken: Taken) -> Meal:
    local = taken.now.at.astimezone(taken.now.zone)
    return next(meal for until, meal in _MEALS if local.hour + local.minute / 60 < until)


def _sensor(taken: Taken) -> Record:
    value = glucose_mg_dl(taken.now) + 1.5 * taken.now.noise("sensor")
    shown = round(value / _MG_DL_PER_MMOL_L, 1) if taken.device.shows == "mmol/L" else round(value)
    return _json(taken, {"unit": taken.device.shows, "glucose": shown})


def _pressure(taken: Taken) -> Record:
    device = taken.device
    user = {"user": device.slot(taken.person.person) or 1}
    if device.loose_every and taken.sequence % device.loose_every == 0:
        return _json(taken, user | {"error": "E2", "cuffLoose": True})
    systolic, diastolic = pressures_mmhg(taken.now)
    pressures = {"sys": systolic, "dia": diastolic, "map": round(diastolic + (systolic - diastolic) / 3)}
    shown = {
        name: round(value * _KPA_PER_MMHG, 1) if device.shows == "kPa" else value for name, value in pressures.items()
    }
    return _json(taken, user | {"unit": device.shows, **shown, "pulse": pulse(taken.now)})


def _json(taken: Taken, measured: dict[str, object]) -> Record:
    record = {
        "serial": taken.device.device,
        "seq": taken.sequence,
        "ts": taken.shown.strftime("%Y-%m-%dT%H:%M:%S"),
        **measured,
        "battery": taken.battery_percent,
        **({"memory": True} if taken.from_memory else {}),
    }
    return Record(taken.sequence, json.dumps(record, separators=(",", ":")).encode())


_WRITERS: Final = {
    "weight-scale": _weight,
    "pulse-oximeter": _spot_check,
    "glucose-meter": _fingerstick,
    "blood-pressure": _pressure,
    "cgm": _sensor,
}
