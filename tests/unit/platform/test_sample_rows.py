"""What is written of a sample is what is read of it."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from types import SimpleNamespace
from typing import Any, get_args

import pytest

from hub.adapters.sql.sample_rows import CENTI, row_of, said, sample_of, values, words_of
from hub.adapters.sql.tables.measurements import METRIC_CODES, PROFILE_CODES, reading
from hub.adapters.sql.types import from_ms
from hub.domain.metrics import METRICS
from hub.domain.samples import Sample, Shown
from hub.services.ingest.wire import Profile

AT = datetime(2026, 3, 2, 7, 4, 5, 123000, tzinfo=UTC)
COLUMNS = tuple(column.name for column in reading.c)


def again(sample: Sample) -> Sample:
    row: Any = SimpleNamespace(**dict(zip(COLUMNS, row_of(7, sample), strict=True)))
    row.at = from_ms(row.at)
    return sample_of(row)


def test_no_metric_is_finer_than_what_is_kept() -> None:
    assert all(metric.resolution * CENTI % 1 == 0 for metric in METRICS.values())


def test_every_profile_has_a_code_of_its_own_that_fits_beside_a_device() -> None:
    assert set(PROFILE_CODES) == set(get_args(Profile))
    assert len(set(PROFILE_CODES.values())) == len(PROFILE_CODES)
    assert 0 < min(PROFILE_CODES.values()) <= max(PROFILE_CODES.values()) < 32


@pytest.mark.parametrize("profile", PROFILE_CODES)
@pytest.mark.parametrize("device_id", [None, 1, 31, 32, 10**9])
def test_who_measured_is_who_measured(profile: str, device_id: int | None) -> None:
    sample = Sample(16, "pulse_rate", Decimal("72.0"), AT, device_id, profile)
    assert again(sample) == sample


@pytest.mark.parametrize("metric", METRIC_CODES)
@pytest.mark.parametrize("number", ["0", "0.1", "78.3", "-5", "123456.7", "99999999999.9"])
def test_values_are_exact(metric: str, number: str) -> None:
    value = Decimal(number).quantize(METRICS[metric].resolution)
    sample = Sample(16, metric, value, AT)
    assert again(sample) == sample
    centi: Any = row_of(7, sample)[4]
    assert values([centi]) == [float(value)]


@pytest.mark.parametrize(
    "more",
    [
        {"comparator": "<"},
        {"comparator": ">", "flags": frozenset({"late", "from_memory"})},
        {"shown": Shown(Decimal("5.4"), "mmol/L")},
        {"shown": Shown(Decimal("1E-7"), ""), "flags": frozenset({"late"})},
        {"shown": Shown(Decimal("12.0"), "<a>\t= b >"), "comparator": "<", "flags": frozenset({"late"})},
    ],
)
def test_what_is_said_of_a_value_is_what_was_said(more: Any) -> None:
    sample = Sample(16, "blood_glucose", Decimal("97.29"), AT, 3, "cgm", **more)
    assert again(sample) == sample


def test_nothing_is_said_of_most() -> None:
    assert words_of(Sample(16, "pulse_rate", Decimal(72), AT)) == ""
    assert said("") == ("", None, None, None)


def test_a_value_finer_than_that_is_refused_and_not_rounded() -> None:
    with pytest.raises(ValueError, match="finer"):
        row_of(7, Sample(16, "pulse_rate", Decimal("72.0001"), AT + timedelta(seconds=1)))
