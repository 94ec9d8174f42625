"""Latest values and small trends of many patients at once."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Table,
    func,
    literal_column,
    select,
    tuple_,
    type_coerce,
    union_all,
)

from hub.adapters.series.sql import SqlSeries
from hub.adapters.sql.amendments import holds
from hub.adapters.sql.sample_rows import CENTI, said, sample_of
from hub.adapters.sql.tables.measurements import METRIC_CODES, reading
from hub.adapters.sql.tables.series import amendment
from hub.adapters.sql.types import from_ms
from hub.domain.samples import DEVICE_FAULTS, PATIENT_REPORTED, ZERO, Sample
from hub.services.views.alerts import Extremes

TREND = timedelta(days=14)
_FOUR_HOURS_MS: ColumnElement[int] = literal_column("14400000")
"""A constant in the text of the query: PostgreSQL takes two parameters of one value for two groupings."""

_LEFT_OUT = DEVICE_FAULTS | {ZERO, PATIENT_REPORTED}
_METRIC_NAMES = {code: name for name, code in METRIC_CODES.items()}


def latest(connection: Connection, patient_ids: Iterable[int]) -> Mapping[int, Mapping[str, Sample]]:
    """The newest sample of each metric of each patient."""
    return SqlSeries(connection).latest(sorted(set(patient_ids)))


def trends(
    connection: Connection, wanted: Iterable[tuple[int, str]], now: datetime
) -> dict[tuple[int, str], list[Extremes]]:
    """Lowest and highest per four hours of the last 14 days, by (patient, metric).

    Artefacts are left out, and so is what a patient typed: a picture this small cannot tell the two apart.
    """
    keys = [(patient_id, METRIC_CODES[metric]) for patient_id, metric in sorted(set(wanted))]
    if not keys:
        return {}
    c = reading.c
    bucket = type_coerce(c.at, BigInteger).op("/")(_FOUR_HOURS_MS)
    kept = c.patient_id, c.metric, bucket.label("bucket")
    found = (
        select(*kept, c.words, func.min(c.centi), func.max(c.centi), func.max(c.at))
        .where(tuple_(c.patient_id, c.metric).in_(keys), c.at >= now - TREND, c.at <= now)
        .where(holds(reading, amendment.c.at >= now - TREND))
        .group_by(*kept, c.words)
        .order_by(*kept)
    )
    measured = (row for row in connection.execute(found) if _LEFT_OUT.isdisjoint(said(row.words).flags.split()))
    by_key: dict[tuple[int, str], list[Extremes]] = {}
    for (patient_id, metric, _bucket), rows in groupby(measured, key=lambda row: row[:3]):
        by_key.setdefault((patient_id, _METRIC_NAMES[metric]), []).append(_extremes([row[4:] for row in rows]))
    return by_key


def _extremes(found: Sequence[tuple[int, int, Any]]) -> Extremes:
    """Of all that one bucket holds, of which different things were said."""
    lows, highs, at = zip(*found, strict=True)
    newest = max(one if isinstance(one, datetime) else from_ms(one) for one in at)
    return Extremes(newest, min(lows) / CENTI, max(highs) / CENTI)


def first(connection: Connection, patient_id: int) -> datetime | None:
    """When this patient's oldest reading was measured. Asked by metric, so that the key answers without a scan."""
    c = reading.c
    oldest = [
        select(c.at)
        .where(c.patient_id == patient_id, c.metric == code, holds(reading, amendment.c.patient_id == patient_id))
        .order_by(c.at)
        .limit(1)
        for code in METRIC_CODES.values()
    ]
    found = connection.execute(union_all(*(select(one.subquery()) for one in oldest))).scalars()
    return min(found, default=None)


def since(connection: Connection, patient_id: int, start: datetime, line: Table = reading) -> dict[str, list[Sample]]:
    """Every sample of a patient from ``start`` on, by metric, oldest first, without void and replaced ones."""
    c = line.c
    found = (
        select(line)
        .where(c.patient_id == patient_id, c.metric.in_(list(METRIC_CODES.values())), c.at >= start)
        .where(holds(line, amendment.c.patient_id == patient_id, amendment.c.at >= start))
        .order_by(c.metric, c.at, c.reading_id)
    )
    by_metric: dict[str, list[Sample]] = {}
    for row in connection.execute(found):
        sample = sample_of(row)
        by_metric.setdefault(sample.metric, []).append(sample)
    return by_metric


def of_readings(connection: Connection, patient_id: int, at: Sequence[datetime]) -> list[Sample]:
    """Samples of a patient at exactly these instants: the values a finding speaks about."""
    c = reading.c
    found = select(reading).where(
        c.patient_id == patient_id, c.metric.in_(list(METRIC_CODES.values())), c.at.in_(sorted(set(at)))
    )
    return [sample_of(row) for row in connection.execute(found)]
