"""The metrics a reading may carry: UCUM unit, plausible bounds, resolution. Equal to `metrics.v1.json` by test."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from types import MappingProxyType
from typing import Final


@dataclass(frozen=True, slots=True)
class Metric:
    """Outside `low..high` a value is implausible: kept and flagged, never rejected."""

    unit: str
    low: int
    high: int
    resolution: Decimal


METRICS: Final[Mapping[str, Metric]] = MappingProxyType(
    {
        "body_weight": Metric("kg", 20, 350, Decimal("0.01")),
        "body_fat": Metric("%", 3, 75, Decimal("0.1")),
        "oxygen_saturation": Metric("%", 35, 100, Decimal("0.1")),
        "pulse_rate": Metric("/min", 20, 250, Decimal("0.1")),
        "perfusion_index": Metric("%", 0, 30, Decimal("0.01")),
        "blood_glucose": Metric("mg/dL", 10, 1000, Decimal("0.01")),
        "systolic_blood_pressure": Metric("mm[Hg]", 50, 280, Decimal("0.1")),
        "diastolic_blood_pressure": Metric("mm[Hg]", 20, 200, Decimal("0.1")),
        "mean_arterial_pressure": Metric("mm[Hg]", 30, 240, Decimal("0.1")),
        "body_temperature": Metric("Cel", 30, 44, Decimal("0.01")),
        "heart_rate": Metric("/min", 20, 250, Decimal("0.1")),
        "respiratory_rate": Metric("/min", 3, 70, Decimal("0.1")),
        "step_count": Metric("1", 0, 100_000, Decimal(1)),
    }
)

# mg/dL of glucose in one mmol/L: molar mass 180.16 g/mol, used here and nowhere else.
MGDL_PER_MMOLL: Final = Decimal("18.016")


def quantise(metric: str, value: Decimal) -> Decimal:
    """`value` at the metric's resolution, halves to even: do this before any comparison or difference."""
    return value.quantize(METRICS[metric].resolution)
