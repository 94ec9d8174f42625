"""A stored value as rules see it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Literal

DEVICE_FAULTS = frozenset(
    {
        "invalid_value",
        "sensor_fault",
        "no_signal",
        "poor_signal",
        "cuff_loose",
        "body_movement",
        "measurement_failed",
        "low_perfusion_fault",
        "sample_insufficient",
        "strip_fault",
    }
)
"""Flags by which a device itself declares that a value is not a measurement (SF1)."""

ZERO = "zero_is_no_signal"
IMPLAUSIBLE = "implausible"
TIME_SUSPECT = "time_suspect"
SOMEONE_ELSE = "someone_else"
"""A weight jump that looks like another person on the scale: held until released (SF6)."""

_UNTRUSTED = DEVICE_FAULTS | {ZERO, IMPLAUSIBLE, SOMEONE_ELSE}


@dataclass(frozen=True, slots=True)
class Shown:
    """What the patient saw on the device: the value in the device's own unit."""

    value: Decimal
    unit: str


@dataclass(frozen=True, slots=True)
class Sample:
    """One value of one metric of one patient, in the metric's unit, at its effective time (aware, UTC)."""

    reading_id: int
    metric: str
    value: Decimal
    at: datetime
    device_id: int | None = None
    profile: str = "manual"
    comparator: Literal["<", ">"] | None = None
    flags: frozenset[str] = frozenset()
    shown: Shown | None = None

    @property
    def artefact(self) -> bool:
        """Declared by the device, or 0: the only things that are an artefact by themselves (SF1)."""
        return bool(self.flags & (DEVICE_FAULTS | {ZERO}))

    @property
    def trusted(self) -> bool:
        """May stand in averages and references, and may close an alert. A bound ("HI", "LO") may not."""
        return not self.flags & _UNTRUSTED and self.comparator is None


History = Callable[[str, datetime, datetime], Sequence[Sample]]
"""``history(metric, since, until)``: this patient's samples with ``since <= at < until``, oldest first, voided ones left out.

Artefacts and suspect points are in it: a rule that must not see them asks ``sample.trusted``.
"""
