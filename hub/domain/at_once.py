"""SF3's table: what pages at once and is never asked to be confirmed first."""

from collections.abc import Callable
from decimal import Decimal

from hub.domain.patients import OxygenTarget
from hub.domain.samples import Sample

_LIMITS: dict[str, Callable[[Decimal], bool]] = {
    "oxygen_saturation": lambda v: v <= 88,
    "blood_glucose": lambda v: v < 54,
    "systolic_blood_pressure": lambda v: v <= 80 or v >= 220,
    "diastolic_blood_pressure": lambda v: v >= 130,
    "pulse_rate": lambda v: v <= 35 or v >= 150,
    "heart_rate": lambda v: v <= 35 or v >= 150,
    "respiratory_rate": lambda v: v <= 8 or v >= 25,
    "body_temperature": lambda v: v <= 34 or v >= 40,
}


def at_once(sample: Sample, oxygen_target: OxygenTarget | None = None) -> bool:
    """Whether ``sample`` lies in the table. A declared artefact never does; a glucose LO or HI always."""
    return not sample.artefact and in_table(sample.metric, sample.value, sample.comparator, oxygen_target)


def in_table(
    metric: str, value: Decimal, comparator: str | None = None, oxygen_target: OxygenTarget | None = None
) -> bool:
    """Whether a value that was measured lies in the table."""
    if metric == "blood_glucose" and comparator is not None:
        return True
    if metric == "oxygen_saturation" and oxygen_target is OxygenTarget.HYPERCAPNIC:
        return value <= 83
    within = _LIMITS.get(metric)
    return within is not None and within(value)
