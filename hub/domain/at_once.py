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
    if sample.artefact:
        return False
    if sample.metric == "blood_glucose" and sample.comparator is not None:
        return True
    if sample.metric == "oxygen_saturation" and oxygen_target is OxygenTarget.HYPERCAPNIC:
        return sample.value <= 83
    within = _LIMITS.get(sample.metric)
    return within is not None and within(sample.value)
