"""What a patient's text answers to one question. Nothing is guessed: what could mean two things means nothing."""

import re
from dataclasses import dataclass
from decimal import Decimal

from hub.domain.checkins import PRESSURES, Choice, Step, heard_as
from hub.domain.metrics import plausible, quantise
from hub.domain.samples import Shown
from hub.domain.text_lint import reserved
from hub.domain.units import WORDS, canonical, own_unit

_LONGEST = 80
"""A longer text is a letter, and a person reads it."""

_PRESSURE = re.compile(
    r"(?:(?:my )?(?:bp|blood pressure)(?: is| was)? ?[:=]? ?)?"
    r"(?P<systolic>[0-9]{2,3})(?: ?[/-] ?| over | )(?P<diastolic>[0-9]{2,3})(?: ?mm ?hg)?"
    r"(?: ?,? ?(?:and )?(?:pulse|pr|hr|heart rate|p)(?: is| was)? ?[:=]? ?(?P<pulse>[0-9]{2,3})(?: ?bpm)?)?"
)
_NUMBER = re.compile(r"(?P<number>[0-9]{1,4}(?:[.,][0-9]{1,2})?) ?(?P<unit>[^0-9]*)")


@dataclass(frozen=True, slots=True)
class Value:
    """One value in its metric's unit, and what the patient wrote where that was another."""

    metric: str
    value: Decimal
    shown: Shown | None = None


@dataclass(frozen=True, slots=True)
class Chosen:
    """One of the options."""

    choice: Choice


@dataclass(frozen=True, slots=True)
class Measured:
    """What a measurement step asked for."""

    values: tuple[Value, ...]


Answer = Chosen | Measured


def parse_answer(step: Step, body: str) -> Answer | None:
    """The answer to ``step``; None: it is none, and is asked for again."""
    if len(body) > _LONGEST or reserved(body):
        return None
    text = heard_as(body)
    chosen = _choice(step, text)
    if chosen is not None:
        return Chosen(chosen)
    values = {"blood_pressure": _pressure, "number": _number}.get(step.kind, lambda _step, _text: None)(step, text)
    return Measured(values) if values else None


def beyond_belief(step: Step, body: str) -> bool:
    """Whether it has the form of what was asked and a value that can hardly be: a typing error, or a very ill body."""
    text = heard_as(body)
    if step.kind == "blood_pressure" and (found := _PRESSURE.fullmatch(text)):
        named = zip((*PRESSURES, "pulse_rate"), found.group("systolic", "diastolic", "pulse"), strict=True)
        return any(_value(metric, Decimal(number)) is None for metric, number in named if number is not None)
    if step.metric is None or (found := _NUMBER.fullmatch(text)) is None:
        return False
    units = [unit for unit in step.units if found["unit"] in ("", *WORDS[unit])]
    number = Decimal(found["number"].replace(",", "."))
    return bool(units) and all(_value(step.metric, number, unit) is None for unit in units)


def says_bound(step: Step, body: str) -> bool:
    """Whether it is what a glucose meter shows where it has no number: the sickest of its values (SF3)."""
    return step.metric == "blood_glucose" and heard_as(body) in {"hi", "high", "lo", "low"}


def takes_back(body: str) -> bool:
    """Whether the patient says that their last answer was mistyped."""
    return heard_as(body) == "0"


def _choice(step: Step, text: str) -> Choice | None:
    return next((choice for choice in step.choices if text in choice.forms), None)


def _pressure(_step: Step, text: str) -> tuple[Value, ...] | None:
    found = _PRESSURE.fullmatch(text)
    if found is None:
        return None
    named = zip((*PRESSURES, "pulse_rate"), found.group("systolic", "diastolic", "pulse"), strict=True)
    values = [_value(metric, Decimal(number)) for metric, number in named if number is not None]
    believed = [value for value in values if value is not None]
    if len(believed) < len(values) or believed[0].value <= believed[1].value:
        return None
    return tuple(believed)


def _number(step: Step, text: str) -> tuple[Value, ...] | None:
    found = _NUMBER.fullmatch(text)
    if found is None or step.metric is None:
        return None
    units = [unit for unit in step.units if found["unit"] in WORDS[unit]]
    if not found["unit"] and len(step.units) == 1:
        units = list(step.units)
    if len(units) != 1:
        return None
    value = _value(step.metric, Decimal(found["number"].replace(",", ".")), units[0])
    return None if value is None else (value,)


def _value(metric: str, number: Decimal, unit: str | None = None) -> Value | None:
    """None outside the metric's bounds: a typing error is asked about, never kept."""
    foreign = unit is not None and not own_unit(metric, unit)
    value = quantise(metric, canonical(number, unit) if unit is not None and foreign else number)
    if not plausible(metric, value):
        return None
    return Value(metric, value, Shown(number, unit) if unit is not None and foreign else None)
