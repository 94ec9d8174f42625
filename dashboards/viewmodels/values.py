"""Measured values in words: the device's own unit first, and what speaks against a value."""

from collections.abc import Iterable, Sequence
from decimal import Decimal

from hub.domain.metrics import METRICS, unit_word
from hub.domain.ruling import Band
from hub.domain.samples import PATIENT_REPORTED, WITHDRAWN, Sample
from hub.domain.wording import measured, plain, rounded

_PRESSURES = ("systolic_blood_pressure", "diastolic_blood_pressure")

_REASONS = {
    "implausible": "outside what is possible",
    "zero_is_no_signal": "0: no signal",
    "time_suspect": "the device's clock is wrong",
    "someone_else": "may be someone else",
    "systolic_not_above_diastolic": "systolic is not above diastolic",
    "pulse_pressure_suspect": "unusual gap between systolic and diastolic",
    "suspect": "unusual value",
    WITHDRAWN: "withdrawn by the patient: mistyped",
}
TYPED = "typed by the patient"
BY_TEXT = "the patient, by text"
"""Where else the device stands."""
NOT_MEASURED = f"{TYPED} in a text, not measured by a device"


def label(metric: str) -> str:
    """``SpO2``: how the metric is called."""
    return METRICS[metric].label


def reason(flag: str) -> str:
    """What a flag means, in words."""
    return _REASONS.get(flag, flag.replace("_", " "))


def doubts(sample: Sample) -> str:
    """All that speaks against a sample, or nothing."""
    return ", ".join(reason(flag) for flag in sorted(sample.flags - {PATIENT_REPORTED}))


def reported(sample: Sample) -> bool:
    """The patient wrote it: no device measured it."""
    return PATIENT_REPORTED in sample.flags


def withdrawn(sample: Sample) -> bool:
    """The patient said that it was mistyped."""
    return WITHDRAWN in sample.flags


def origin_words(samples: Sequence[Sample]) -> str:
    """That a finding rests on what the patient typed; nothing where devices measured."""
    return NOT_MEASURED if any(reported(sample) for sample in samples) else ""


def _by_text(sample: Sample) -> str:
    if not reported(sample):
        return ""
    return " (by text, withdrawn)" if withdrawn(sample) else " (by text)"


def limits_of(bands: Iterable[Band], metric: str) -> list[Decimal]:
    """Limits a value of this metric may not be rounded across (SF15)."""
    return [band.limit for band in bands if band.metric == metric]


def value_words(sample: Sample, bands: Sequence[Band] = ()) -> str:
    """``96 %``, ``3.1 mmol/L (56 mg/dL)``, ``HI (above 600 mg/dL)``."""
    return measured(sample, limits_of(bands, sample.metric))


def pressure_words(systolic: Sample, diastolic: Sample, bands: Sequence[Band] = ()) -> str:
    """``178/112 mmHg``; of a cuff that shows another unit, its own first: ``16.0/9.6 kPa (120/72 mmHg)``."""
    pair = (systolic, diastolic)
    unit = unit_word(METRICS[systolic.metric].unit)
    own = {sample.shown.unit for sample in pair if sample.shown}
    shown = [sample.shown.value for sample in pair if sample.shown]
    if len(shown) < 2 or len(own) > 1 or own == {METRICS[systolic.metric].unit}:
        return f"{plain(systolic.value)}/{plain(diastolic.value)} {unit}"
    canonical = "/".join(rounded(sample.value, limits_of(bands, sample.metric)) for sample in pair)
    theirs = "/".join(_digits_alike(shown))
    return f"{theirs} {unit_word(own.pop())} ({canonical} {unit})"


def _digits_alike(values: Sequence[Decimal]) -> list[str]:
    """As many decimals on either side: ``16.0/9.6``, as the cuff shows it."""
    most = max(len(plain(value).partition(".")[2]) for value in values)
    return [f"{value:.{most}f}" for value in values]


def latest_words(samples: Sequence[Sample], bands: Sequence[Band] = (), most: int = 2) -> str:
    """The newest values in one line; a blood pressure as one: ``BP 178/112 mmHg``. Empty without samples."""
    by_metric = {sample.metric: sample for sample in samples}
    systolic, diastolic = (by_metric.get(metric) for metric in _PRESSURES)
    parts = []
    if systolic and diastolic:
        by_metric.pop("mean_arterial_pressure", None)  # it follows from the two
    if systolic and diastolic and systolic.at == diastolic.at and not (systolic.comparator or diastolic.comparator):
        parts.append(f"BP {pressure_words(systolic, diastolic, bands)}{_by_text(systolic)}")
        by_metric = {name: sample for name, sample in by_metric.items() if name not in _PRESSURES}
    parts += [f"{label(sample.metric)} {value_words(sample, bands)}{_by_text(sample)}" for sample in by_metric.values()]
    return " · ".join(parts[:most])
