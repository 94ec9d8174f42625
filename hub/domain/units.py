"""Units in which a patient may write a value, and how they write them."""

from decimal import Decimal

from hub.domain.metrics import KG_PER_POUND, METRICS, MGDL_PER_MMOLL

UNITS: dict[str, tuple[str, ...]] = {
    "body_weight": ("kg", "[lb_av]"),
    "oxygen_saturation": ("%",),
    "blood_glucose": ("mg/dL", "mmol/L"),
    "body_temperature": ("Cel", "[degF]"),
    "pulse_rate": ("/min",),
    "heart_rate": ("/min",),
    "respiratory_rate": ("/min",),
}
"""By metric, its own unit first."""

WORDS: dict[str, tuple[str, ...]] = {
    "kg": ("kg", "kgs", "kilo", "kilos", "kilogram", "kilograms"),
    "[lb_av]": ("lb", "lbs", "pound", "pounds"),
    "%": ("%", "percent"),
    "mg/dL": ("mg/dl",),
    "mmol/L": ("mmol/l", "mmol"),
    "Cel": ("c", "°c", "celsius"),
    "[degF]": ("f", "°f", "fahrenheit"),
    "/min": ("bpm", "/min", "a minute", "per minute"),
}

_FACTOR = {"[lb_av]": KG_PER_POUND, "mmol/L": MGDL_PER_MMOLL}


def canonical(value: Decimal, unit: str) -> Decimal:
    """``value`` in its metric's own unit."""
    if unit == "[degF]":
        return (value - 32) / Decimal("1.8")
    return value * _FACTOR.get(unit, Decimal(1))


def own_unit(metric: str, unit: str) -> bool:
    """Whether a metric is kept in this unit."""
    return METRICS[metric].unit == unit
