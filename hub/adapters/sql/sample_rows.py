"""A sample as a row of the series, and back. There are far more of these rows than of all others: each byte counts."""

from collections.abc import Sequence
from decimal import Decimal
from functools import lru_cache
from itertools import repeat
from operator import truediv
from typing import Any, NamedTuple

from sqlalchemy import Row

from hub.adapters.sql.tables.measurements import METRIC_CODES, PROFILE_CODES
from hub.adapters.sql.types import to_ms
from hub.domain.metrics import quantise
from hub.domain.samples import Sample, Shown

CENTI = 100
"""Values are kept in hundredths of their unit: exact, for no metric is finer, and a quarter of a number with tenths."""

_PROFILES = 32
"""Room for profiles beside a device's id."""

_METRIC_NAMES = {code: name for name, code in METRIC_CODES.items()}
_PROFILE_NAMES = {code: name for name, code in PROFILE_CODES.items()}


class Source(NamedTuple):
    """Who measured: none of the hub's devices, where a patient or a clinician typed it."""

    device_id: int | None
    profile: str


class Words(NamedTuple):
    """What is said of a value."""

    flags: str
    """With a space between, sorted."""
    comparator: Any
    """None for a value; ``<`` or ``>`` for a bound."""
    shown_value: float | None
    shown_unit: str | None
    """What the patient saw on the device, if that was another unit."""


def row_of(patient_id: int, sample: Sample) -> tuple[object, ...]:
    """The columns in the order of ``reading``. Raises ``ValueError`` for a value finer than a hundredth."""
    centi = int(sample.value * CENTI)
    if centi != sample.value * CENTI:
        raise ValueError("a value finer than the resolution of any metric")
    return (
        patient_id,
        METRIC_CODES[sample.metric],
        to_ms(sample.at),
        sample.reading_id,
        centi,
        (sample.device_id or 0) * _PROFILES + PROFILE_CODES[sample.profile],
        words_of(sample),
    )


def words_of(sample: Sample) -> str:
    """Flags, a bound's comparator and what the device showed, with a tab between; no tab after the last of them."""
    flags = _in_words(sample.flags)
    if sample.shown is not None:
        return f"{flags}\t{sample.comparator or ''}\t{float(sample.shown.value)!r} {sample.shown.unit}"
    return flags if sample.comparator is None else f"{flags}\t{sample.comparator}"


def sample_of(row: Row[Any]) -> Sample:
    """A row of ``reading`` or ``latest`` as rules and pages know it."""
    metric = _METRIC_NAMES[row.metric]
    device_id, profile = source(row.source)
    words = said(row.words)
    return Sample(
        reading_id=row.reading_id,
        metric=metric,
        value=quantise(metric, row.centi / CENTI),
        at=row.at,
        device_id=device_id,
        profile=profile,
        comparator=words.comparator,
        flags=_set(words.flags),
        shown=_shown(words),
    )


def values(centi: Sequence[int]) -> list[float]:
    """In the metric's unit; each is the float nearest to the sample's own value."""
    return list(map(truediv, centi, repeat(CENTI)))


def comparators(words: Sequence[str]) -> list[str | None]:
    """Of each row."""
    return [said(one).comparator if one else None for one in words] if any(words) else [None] * len(words)


def flags(words: Sequence[str]) -> list[str]:
    """Of each row."""
    return [said(one).flags if one else "" for one in words] if any(words) else [""] * len(words)


@lru_cache(maxsize=4096)
def source(code: int) -> Source:
    """The device and the profile."""
    device_id, profile = divmod(code, _PROFILES)
    return Source(device_id or None, _PROFILE_NAMES[profile])


@lru_cache(maxsize=4096)
def said(words: str) -> Words:
    """What ``words_of`` wrote. Most samples share a handful."""
    flags, comparator, shown, *_ = *words.split("\t", 2), "", ""
    number, _, unit = shown.partition(" ")
    return Words(flags, comparator or None, *((float(number), unit) if shown else (None, None)))


def _shown(words: Words) -> Shown | None:
    if words.shown_value is None or words.shown_unit is None:
        return None
    return Shown(Decimal(repr(words.shown_value)), words.shown_unit)


@lru_cache(maxsize=4096)
def _in_words(flags: frozenset[str]) -> str:
    return " ".join(sorted(flags))


@lru_cache(maxsize=4096)
def _set(flags: str) -> frozenset[str]:
    return frozenset(flags.split())
