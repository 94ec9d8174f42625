"""Flags for the values of one reading, and the attempts it stands for. Nothing is rejected: doubt is a flag (SF1).

A flag the device declared belongs to the whole reading and goes to each of its values. What is found here goes to the
values it is about. Whether a weight is somebody else's needs the past: ``same_person``.
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from typing import Literal, NamedTuple

from hub.domain.metrics import METRICS, plausible, quantise
from hub.domain.samples import (
    DEVICE_FAULTS,
    FROM_MEMORY,
    IMPLAUSIBLE,
    INVERTED,
    LATE,
    PULSE_PRESSURE,
    SUSPECT,
    TIME_SUSPECT,
    ZERO,
    Attempt,
)

_SYSTOLIC, _DIASTOLIC = "systolic_blood_pressure", "diastolic_blood_pressure"
_PULSE_PRESSURE = (Decimal(15), Decimal(130))

# Possible at home, but rare enough for a second look [E].
_USUAL = {
    "oxygen_saturation": (Decimal(70), Decimal(100)),
    "respiratory_rate": (Decimal(0), Decimal(45)),
    "body_temperature": (Decimal(34), Decimal(42)),
}

_MEASURES: dict[str, tuple[str, ...]] = {
    "weight-scale": ("body_weight",),
    "glucose-meter": ("blood_glucose",),
    "cgm": ("blood_glucose",),
    "pulse-oximeter": ("oxygen_saturation", "pulse_rate"),
    "blood-pressure": (_SYSTOLIC, _DIASTOLIC),
    "thermometer": ("body_temperature",),
    "heart-rate": ("heart_rate",),
}
"""What a reading of a profile always sets out to measure. A body composition may come without a weight, and what a
person types in is no attempt of a device."""


_ABOUT_TIME = frozenset(
    {
        FROM_MEMORY,
        LATE,
        TIME_SUSPECT,
        "clock_not_set",
        "device_clock_off",
        "device_time_ambiguous",
        "device_time_invalid",
        "time_fault",
        "time_offset_unknown",
    }
)
"""Flags that say when a reading was made, and nothing about whether it could be."""


class Value(NamedTuple):
    """One value of a reading as it came."""

    metric: str
    value: Decimal
    comparator: Literal["<", ">"] | None = None


def screen(values: Sequence[Value], reading_flags: frozenset[str]) -> list[frozenset[str]]:
    """The flags of each value, in the order of ``values``: the reading's own and what is found here."""
    found = [reading_flags | _alone(value) for value in values]
    pair = _pressures(values, found)
    for index, value in enumerate(values):
        if pair and value.metric in {_SYSTOLIC, _DIASTOLIC}:
            found[index] |= pair
    return found


@lru_cache(maxsize=8192)  # a handful of values comes over and over
def _alone(value: Value) -> frozenset[str]:
    """What one value says about itself. A bound lies outside on purpose, and is neither a 0 nor beyond belief."""
    if not value.value.is_finite():
        return frozenset({"invalid_value"})
    if value.comparator:
        return frozenset()
    exact = quantise(value.metric, value.value)
    if exact == 0 and METRICS[value.metric].zero_is_no_signal:
        return frozenset({ZERO})
    if not plausible(value.metric, exact):
        return frozenset({IMPLAUSIBLE})
    low, high = _USUAL.get(value.metric, (exact, exact))
    return frozenset() if low <= exact <= high else frozenset({SUSPECT})


def _pressures(values: Sequence[Value], flags: Sequence[frozenset[str]]) -> frozenset[str]:
    """What the two pressures of one cuff say about each other, if both were measured."""
    if len(values) < 2:
        return frozenset()
    seen = {
        value.metric: value.value
        for value, theirs in zip(values, flags, strict=True)
        if value.comparator is None and not theirs & (DEVICE_FAULTS | {ZERO})
    }
    if _SYSTOLIC not in seen or _DIASTOLIC not in seen:
        return frozenset()
    pressure = seen[_SYSTOLIC] - seen[_DIASTOLIC]
    if pressure <= 0:
        return frozenset({INVERTED})
    low, high = _PULSE_PRESSURE
    return frozenset() if low <= pressure <= high else frozenset({PULSE_PRESSURE})


def unmeasured(
    profile: str, given: Collection[str], reading_flags: frozenset[str], *, reading_id: int, at: datetime
) -> list[Attempt]:
    """The failed attempts a reading stands for: the metrics its profile measures and that are not ``given``.

    An absent value counts as failed only if the reading carries a flag, other than about its time, or has no values at
    all: a reading may leave out what its device never measured. The caller keeps them: the next one must find them.
    """
    if given and reading_flags <= _ABOUT_TIME:
        return []
    absent = (metric for metric in _MEASURES.get(profile, ()) if metric not in given)
    return [Attempt(reading_id, metric, at, failed=True, obtained=False, flags=reading_flags) for metric in absent]
