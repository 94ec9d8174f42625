"""Units in which recordings are written, and the exact way to each metric's own. None is guessed."""

import re
from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from typing import Final

from device_gateway.errors import RecordingError
from device_gateway.frames import Shown, Value
from device_gateway.metrics import METRICS, MGDL_PER_MMOLL, quantise

Convert = Callable[[Decimal], Decimal]

_NUMERAL: Final = re.compile(r"[+-]?[0-9.]+([eE][+-]?[0-9]+)?")  # Decimal takes 1_0 for 10, and every script's digits
_LARGEST: Final = Decimal(1_000_000)  # beyond what any device measures
_SPELLED: Final = {
    "mg/dl": "mg/dL",
    "mmol/l": "mmol/L",
    "kg": "kg",
    "lb": "[lb_av]",
    "lbs": "[lb_av]",
    "[lb_av]": "[lb_av]",
    "cel": "Cel",
    "degc": "Cel",
    "degf": "[degF]",
    "[degf]": "[degF]",
    "mmhg": "mm[Hg]",
    "mm[hg]": "mm[Hg]",
    "kpa": "kPa",
    "/min": "/min",
    "bpm": "/min",
    "%": "%",
    "1": "1",
}
# (metric's unit, recording's unit): the pound and the conventional millimetre of mercury by NIST SP 811, B.8.
_FACTORS: Final[dict[tuple[str, str], Convert]] = {
    ("mg/dL", "mmol/L"): lambda value: value * MGDL_PER_MMOLL,
    ("kg", "[lb_av]"): lambda value: value * Decimal("0.45359237"),
    ("Cel", "[degF]"): lambda value: (value - 32) * 5 / 9,
    ("mm[Hg]", "kPa"): lambda value: value / Decimal("0.133322387415"),
}


def measured(metric: str, text: str, unit: str) -> Value:
    """The value in the metric's unit, and as it was written where that is another. Raises RecordingError."""
    ucum, convert = conversion(metric, unit)
    try:
        written = Decimal(text.strip() if _NUMERAL.fullmatch(text.strip()) else "")
    except InvalidOperation as error:
        raise RecordingError(f"{text.strip()[:20]!r} is no number") from error
    if abs(written) > _LARGEST:
        raise RecordingError(f"{text.strip()[:20]!r} is no number that can be measured")
    if convert is None:
        return Value(metric, quantise(metric, written))
    return Value(metric, quantise(metric, convert(written)), Shown(written, ucum))


def conversion(metric: str, unit: str) -> tuple[str, Convert | None]:
    """The unit's UCUM code, and the way to the metric's unit; None: it is that. Raises RecordingError."""
    if metric not in METRICS:
        raise RecordingError(f"{metric[:40]!r} is no metric; there are: {', '.join(METRICS)}")
    ucum, own = _SPELLED.get(unit.strip().lower()), METRICS[metric].unit
    if ucum == own:
        return own, None
    if ucum is None or (own, ucum) not in _FACTORS:
        raise RecordingError(f"{unit[:20]!r} is no unit of {metric}, which is measured in {own}")
    return ucum, _FACTORS[own, ucum]
