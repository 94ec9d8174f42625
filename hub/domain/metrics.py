"""What is measured: canonical UCUM unit, plausible bounds, resolution.

Held equal to ``config/wire/metrics.v1.json`` by a contract test.
"""

from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal
from functools import lru_cache


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric. Outside ``low..high`` a value is implausible: kept and flagged, never rejected."""

    name: str
    label: str
    unit: str
    low: Decimal
    high: Decimal
    resolution: Decimal
    zero_is_no_signal: bool = False
    """A 0 is a probe that found nothing, not a measurement of nothing."""

    @property
    def within(self) -> str:
        """The label inside a sentence: ``weight``, but ``SpO2``."""
        return self.label if any(letter.isupper() for letter in self.label[1:]) else self.label.lower()


def _metric(name: str, label: str, unit: str, low: str, high: str, step: str, *, zero: bool = True) -> Metric:
    return Metric(name, label, unit, Decimal(low), Decimal(high), Decimal(step), zero)


METRICS: dict[str, Metric] = {
    metric.name: metric
    for metric in (
        _metric("body_weight", "Weight", "kg", "20", "350", "0.01"),
        _metric("body_fat", "Body fat", "%", "3", "75", "0.1"),
        _metric("oxygen_saturation", "SpO2", "%", "35", "100", "0.1"),
        _metric("pulse_rate", "Pulse", "/min", "20", "250", "0.1"),
        _metric("perfusion_index", "Perfusion index", "%", "0", "30", "0.01", zero=False),
        _metric("blood_glucose", "Glucose", "mg/dL", "10", "1000", "0.01"),
        _metric("systolic_blood_pressure", "Systolic", "mm[Hg]", "50", "280", "0.1"),
        _metric("diastolic_blood_pressure", "Diastolic", "mm[Hg]", "20", "200", "0.1"),
        _metric("mean_arterial_pressure", "Mean arterial pressure", "mm[Hg]", "30", "240", "0.1"),
        _metric("body_temperature", "Temperature", "Cel", "30", "44", "0.01"),
        _metric("heart_rate", "Heart rate", "/min", "20", "250", "0.1"),
        _metric("respiratory_rate", "Respiration", "/min", "3", "70", "0.1"),
        _metric("step_count", "Steps", "1", "0", "100000", "1", zero=False),
    )
}

MGDL_PER_MMOLL = Decimal("18.016")
"""mg/dL of glucose in one mmol/L: molar mass 180.16 g/mol, used here and nowhere else."""

KG_PER_POUND = Decimal("0.45359237")
"""Exact by definition of the international avoirdupois pound."""


@lru_cache(maxsize=8192, typed=True)  # a handful of values comes over and over, each looked at several times
def quantise(metric: str, value: float | Decimal) -> Decimal:
    """``value`` at the metric's resolution: the form in which values are compared (81.4 - 79.0 is 2.4).

    Zero has no sign: -0.0 is as 0.0, of which either could have been kept for the other.
    """
    exact = value if isinstance(value, Decimal) else Decimal(repr(value))
    return exact.quantize(METRICS[metric].resolution, rounding=ROUND_HALF_EVEN) + 0


def plausible(metric: str, value: Decimal) -> bool:
    """Whether ``value`` lies within the metric's bounds."""
    known = METRICS[metric]
    return known.low <= value <= known.high


_UNIT_WORDS = {"mm[Hg]": "mmHg", "Cel": "°C", "[lb_av]": "lb", "1": "", "[degF]": "°F", "[st_av]": "st"}


def unit_word(ucum: str) -> str:
    """How people write a UCUM unit (``mm[Hg]`` is mmHg)."""
    return _UNIT_WORDS.get(ucum, ucum)
