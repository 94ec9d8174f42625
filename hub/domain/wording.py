"""Numbers as people read them: the device's own unit first, and never rounded across a limit (SF15)."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import ROUND_HALF_EVEN, Decimal

from hub.domain.metrics import KG_PER_POUND, METRICS, MGDL_PER_MMOLL, unit_word
from hub.domain.samples import Sample

DOUBT = "unconfirmed, may be artefact"
"""How the sentence of a value beyond belief ends (SF1)."""

OP_WORDS = {"<": "below", "<=": "at or below", ">": "above", ">=": "at or above"}

_MOST_DIGITS = 4

# Canonical units in one of another. Only scales of ratio: what a Fahrenheit thermometer showed comes in ``shown``.
_RATIOS = {
    ("mg/dL", "mmol/L"): MGDL_PER_MMOLL,
    ("kg", "[lb_av]"): KG_PER_POUND,
    ("kg", "[st_av]"): KG_PER_POUND * 14,
    ("mm[Hg]", "kPa"): Decimal("7.50061683"),
}


def plain(value: Decimal) -> str:
    """``value`` as it stands, without trailing zeros."""
    return f"{value.normalize():f}" if value else "0"


def instant(at: datetime) -> str:
    """UTC to the second: ``2026-11-22T07:00:00Z``."""
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def span_words(span: timedelta) -> str:
    """``15 min``, ``22 h`` or ``3 days``: the unit people would use."""
    minutes = round(span.total_seconds() / 60)
    if minutes < 120:
        return f"{minutes} min"
    if minutes < 36 * 60:
        return f"{round(minutes / 60)} h"
    return f"{round(minutes / 1440)} days"


def in_unit(metric: str, value: Decimal, unit: str) -> Decimal | None:
    """A canonical value, or a difference of two, in another unit; None where only the device can say."""
    canonical = METRICS[metric].unit
    if unit == canonical:
        return value
    ratio = _RATIOS.get((canonical, unit))
    return None if ratio is None else value / ratio


def _round(value: Decimal, digits: int) -> Decimal:
    return value.quantize(Decimal(1).scaleb(-digits), rounding=ROUND_HALF_EVEN)


def _side(one: Decimal, other: Decimal) -> int:
    return (one > other) - (one < other)


def _digits(value: Decimal, limits: Sequence[Decimal], fewest: int) -> int:
    """Fewest decimals at which ``value`` still stands on the same side of every limit, both as printed."""
    for digits in range(fewest, _MOST_DIGITS):
        if all(_side(_round(value, digits), _round(limit, digits)) == _side(value, limit) for limit in limits):
            return digits
    return _MOST_DIGITS


def rounded(value: Decimal, limits: Sequence[Decimal] = (), fewest: int = 0) -> str:
    """``value`` with as few decimals as may be: 69.6 beside a limit of 70 stays 69.6."""
    return f"{_round(value, _digits(value, limits, fewest)):f}"


def _own_unit(sample: Sample) -> str:
    return sample.shown.unit if sample.shown else METRICS[sample.metric].unit


def _second_unit(metric: str, own: str) -> str | None:
    """The unit in brackets: the canonical one, or for glucose whichever of its two the device did not show."""
    canonical = METRICS[metric].unit
    if own != canonical:
        return canonical
    return "mmol/L" if metric == "blood_glucose" else None


def _fewest(unit: str) -> int:
    return 1 if unit in {"mmol/L", "Cel", "kg", "[lb_av]", "kPa"} else 0


def _amount(number: str, unit: str) -> str:
    word = unit_word(unit)
    return f"{number} {word}" if word else number


def _converted(sample: Sample, unit: str, limits: Sequence[Decimal]) -> str | None:
    value = in_unit(sample.metric, sample.value, unit)
    theirs = [in_unit(sample.metric, limit, unit) for limit in limits]
    if value is None:
        return None
    return _amount(rounded(value, [limit for limit in theirs if limit is not None], _fewest(unit)), unit)


def measured(sample: Sample, limits: Sequence[Decimal] = ()) -> str:
    """``192 mmHg``, ``3.1 mmol/L (56 mg/dL)``, ``HI (above 600 mg/dL)``: never rounded across canonical ``limits``."""
    own = _own_unit(sample)
    first = _amount(plain(sample.shown.value if sample.shown else sample.value), own)
    second = _second_unit(sample.metric, own)
    other = _converted(sample, second, limits) if second else None
    if sample.comparator:
        word, side = ("HI", "above") if sample.comparator == ">" else ("LO", "below")
        return f"{word} ({side} {first}{', ' + other if other else ''})"
    return f"{first} ({other})" if other else first


def limit_words(sample: Sample, limit: Decimal) -> str:
    """``limit`` in the units that ``measured`` used: ``3.9 mmol/L (70 mg/dL)``, or bare where there is only one."""
    own, canonical = _own_unit(sample), METRICS[sample.metric].unit
    second = _second_unit(sample.metric, own)
    if second is None:
        return plain(limit)
    if own == canonical:
        other = _limit_in(sample, sample.value, limit, second)
        return f"{_amount(plain(limit), canonical)} ({other})" if other else _amount(plain(limit), canonical)
    mine = _limit_in(sample, sample.shown.value if sample.shown else sample.value, limit, own)
    return f"{mine} ({_amount(plain(limit), canonical)})" if mine else _amount(plain(limit), canonical)


def _limit_in(sample: Sample, beside: Decimal, limit: Decimal, unit: str) -> str | None:
    """``limit`` in ``unit``, or None if no rounding keeps it on the right side of the value as printed.

    A meter that rounds what it shows can show 3.9 mmol/L for 69.8 mg/dL: then only the canonical limit is true.
    """
    theirs = in_unit(sample.metric, limit, unit)
    if theirs is None:
        return None
    value = beside if unit == _own_unit(sample) else in_unit(sample.metric, beside, unit)
    wanted = _side(sample.value, limit)
    for digits in range(_fewest(unit), _MOST_DIGITS + 1):
        shown = _round(theirs, digits)
        if value is not None and _side(value, shown) == wanted and _side(_round(value, digits), shown) == wanted:
            return _amount(f"{shown:f}", unit)
    return None


def inputs_of(sample: Sample) -> dict[str, str]:
    """What a sentence about ``sample`` rests on: value, unit, time, the device's own words, where it came from."""
    unit = METRICS[sample.metric].unit
    found = {sample.metric: f"{sample.comparator or ''}{plain(sample.value)} {unit} at {instant(sample.at)}"}
    if sample.shown:
        found["shown"] = f"{plain(sample.shown.value)} {sample.shown.unit}"
    found["device"] = sample.profile if sample.device_id is None else f"{sample.profile}, device {sample.device_id}"
    if sample.flags:
        found["flags"] = ", ".join(sorted(sample.flags))
    return found
