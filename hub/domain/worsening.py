"""What counts as worse within one severity (SF13): the step sizes, and the value they are measured from."""

import re
from collections.abc import Mapping
from decimal import Decimal

from hub.domain.metrics import METRICS

_NUMBER = re.compile(r"[<>]?\s*(-?\d+(?:\.\d+)?)")

AT_ONCE = "at_once"
"""The input that says a value lies in the table of those that page at once (SF3): a band of its own within red."""

_GLUCOSE_IS_LOW = Decimal(100)
"""Below this a fall of glucose is a worsening; from 400 to 380 is not."""
_SYSTOLIC_IS_HIGH = Decimal(120)
"""From here on a rise is worse, below it a fall."""


def step_of(metric: str, base: Decimal) -> Decimal | None:
    """By how much, and in which direction, ``metric`` must move from ``base`` to be worse; None: only bands decide."""
    if metric == "oxygen_saturation":
        return Decimal(-2)
    if metric == "body_weight":
        return Decimal("0.5")
    if metric == "blood_glucose":
        return Decimal(-10) if base < _GLUCOSE_IS_LOW else None
    if metric == "systolic_blood_pressure":
        return Decimal(10) if base >= _SYSTOLIC_IS_HIGH else Decimal(-10)
    return None


def has_worsened(base: Mapping[str, Decimal], values: Mapping[str, Decimal]) -> bool:
    """Whether any of ``values`` lies a whole step beyond the value it is measured from."""
    entered = AT_ONCE in values and AT_ONCE not in base
    return entered or any(_beyond(metric, base[metric], value) for metric, value in values.items() if metric in base)


def _beyond(metric: str, base: Decimal, value: Decimal) -> bool:
    step = step_of(metric, base)
    if step is None:
        return False
    return value - base >= step if step > 0 else value - base <= step


def extremes(base: Mapping[str, Decimal], values: Mapping[str, Decimal]) -> dict[str, Decimal]:
    """``base`` moved to whatever in ``values`` is further out in the direction that is worse."""
    moved = dict(base)
    for metric, value in values.items():
        step = step_of(metric, moved.get(metric, value))
        if metric not in moved:
            moved[metric] = value
        elif step is not None:
            moved[metric] = max(moved[metric], value) if step > 0 else min(moved[metric], value)
    return moved


def values_of(inputs: Mapping[str, str]) -> dict[str, Decimal]:
    """The measured values among a finding's inputs: ``{"oxygen_saturation": "88 % at 07:04"}`` gives 88."""
    found = ((metric, _NUMBER.match(words)) for metric, words in inputs.items() if metric in METRICS)
    values = {metric: Decimal(match.group(1)) for metric, match in found if match}
    return values | ({AT_ONCE: Decimal(1)} if AT_ONCE in inputs else {})
