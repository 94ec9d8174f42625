"""Measurements as a Bluetooth device writes them. Sources: GATT Specification Supplement, IEEE 11073-20601 (SFLOAT)."""

import struct
from datetime import datetime
from enum import IntEnum
from typing import Final

_SFLOAT_MOST: Final = 2045  # beyond lie the words for NaN and the infinities

_WEIGHT_LB, _WEIGHT_TIME, _WEIGHT_USER = 1, 2, 4
_GLUCOSE_OFFSET, _GLUCOSE_VALUE, _GLUCOSE_MOLAR, _GLUCOSE_CONTEXT = 1, 2, 4, 16
_CONTEXT_MEAL: Final = 2
_SPOT_TIME, _SPOT_STATUS, _SPOT_AMPLITUDE = 1, 2, 8
_FULLY_QUALIFIED: Final = 1 << 8


class Sample(IntEnum):
    """Type (low half) and location of a glucose sample."""

    FINGER = 0x11  # capillary whole blood
    CONTROL = 0x4A  # control solution: nobody's blood


class Meal(IntEnum):
    """When a fingerstick was taken."""

    BEFORE = 1
    FASTING = 3
    CASUAL = 4
    BEDTIME = 5


def weight(value: float, unit: str, at: datetime, user: int | None) -> bytes:
    """2A9D in steps of 0.005 kg or 0.01 lb. `at`: what the device's clock showed."""
    flags = _WEIGHT_TIME | (_WEIGHT_LB if unit == "lb" else 0) | (_WEIGHT_USER if user is not None else 0)
    raw = round(value / (0.01 if unit == "lb" else 0.005))
    return struct.pack("<BH", flags, raw) + date_time(at) + (b"" if user is None else bytes([user]))


def glucose(sequence: int, value: float, unit: str, at: datetime, sample: Sample, *, context: bool) -> bytes:
    """2A18. On the wire glucose is kg/L or mol/L, whatever the display shows. `context`: a 2A34 follows."""
    molar = unit == "mmol/L"
    flags = _GLUCOSE_OFFSET | _GLUCOSE_VALUE | (_GLUCOSE_MOLAR if molar else 0) | (_GLUCOSE_CONTEXT if context else 0)
    concentration = sfloat(round(value * 10), -4) if molar else sfloat(round(value), -5)
    return struct.pack("<BH", flags, sequence) + date_time(at) + struct.pack("<h", 0) + concentration + bytes([sample])


def glucose_context(sequence: int, meal: Meal) -> bytes:
    """2A34 of the measurement with that sequence number."""
    return struct.pack("<BHB", _CONTEXT_MEAL, sequence, meal)


def spot_check(oxygen_percent: int, pulse: int, amplitude_percent: float, at: datetime) -> bytes:
    """2A5E, fully qualified."""
    flags = _SPOT_TIME | _SPOT_STATUS | _SPOT_AMPLITUDE
    values = sfloat(oxygen_percent, 0) + sfloat(pulse, 0)
    status = struct.pack("<H", _FULLY_QUALIFIED)
    return bytes([flags]) + values + date_time(at) + status + sfloat(round(amplitude_percent * 10), -1)


def sfloat(mantissa: int, exponent: int) -> bytes:
    """A 16-bit SFLOAT. Raises ValueError beyond 12 bits."""
    if abs(mantissa) > _SFLOAT_MOST:
        raise ValueError(f"{mantissa} does not fit an SFLOAT")
    return struct.pack("<H", (exponent & 0xF) << 12 | mantissa & 0xFFF)


def date_time(at: datetime) -> bytes:
    """A Date Time, to the second."""
    return struct.pack("<HBBBBB", at.year, at.month, at.day, at.hour, at.minute, at.second)
