"""Hours and days of each metric in the relational database."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, Table, bindparam, delete, func, insert, select

from hub.adapters.sql.amendments import holds
from hub.adapters.sql.sample_rows import CENTI, said
from hub.adapters.sql.tables.measurements import METRIC_CODES, reading
from hub.adapters.sql.tables.people import patient
from hub.adapters.sql.tables.series import amendment
from hub.adapters.sql.tables.summaries import rollup, rollup_zone, thinned
from hub.adapters.sql.types import EPOCH
from hub.adapters.sql.upsert import upsert
from hub.domain.rollups import Grain, Kind, Point, Rollup, Window, kind_of
from hub.domain.samples import Sample
from hub.services.ports.rollups import ByMetric, Made

_METRIC_NAMES = {code: name for name, code in METRIC_CODES.items()}
_CODES = tuple(METRIC_CODES.values())
"""Named in each question, so that the key answers it without a scan of the patient's whole time."""


def _beginning(table: Table) -> list[ColumnElement[bool]]:
    """Rows of a patient that begin in a span."""
    c = table.c
    theirs = (c.patient_id == bindparam("patient")) & c.metric.in_(_CODES)
    return [theirs, c.start_at >= bindparam("since"), c.start_at < bindparam("until")]


def _points() -> Select[Any]:
    c = reading.c
    columns = select(c.metric, c.at, c.reading_id, c.centi, c.words)
    theirs = columns.where(c.patient_id == bindparam("patient"), c.metric.in_(_CODES))
    within = theirs.where(c.at >= bindparam("since"), c.at < bindparam("until"))
    there = within.where(holds(reading, amendment.c.patient_id == bindparam("patient")))
    return there.order_by(c.metric, c.at, c.reading_id)


# Built once: a worker that follows the series asks them for each patient and day that is touched.
_OF_GRAIN = rollup.c.grain == bindparam("grain")
_POINTS = _points()
_BASES = select(thinned).where(*_beginning(thinned)).order_by(thinned.c.metric, thinned.c.start_at)
_WINDOWS = select(rollup).where(*_beginning(rollup), _OF_GRAIN).order_by(rollup.c.metric, rollup.c.start_at)
_GONE = delete(rollup).where(*_beginning(rollup), _OF_GRAIN)
_INSERT = insert(rollup)
_ZONE = select(patient.c.zone).where(patient.c.id == bindparam("patient"))
_MADE = select(rollup_zone).where(rollup_zone.c.patient_id == bindparam("patient"))


class SqlRollups:
    """See ``hub.services.ports.rollups.RollupRows``."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def zone(self, patient_id: int) -> str | None:
        """The patient's zone now."""
        return self._connection.execute(_ZONE, {"patient": patient_id}).scalar()

    def made(self, patient_id: int) -> Made | None:
        """In which zone the windows are made."""
        row = self._connection.execute(_MADE, {"patient": patient_id}).first()
        return None if row is None else Made(row.zone, row.made_to)

    def unmade(self, limit: int) -> list[int]:
        """Patients whose windows are to be made anew."""
        theirs = rollup_zone.join(patient, patient.c.id == rollup_zone.c.patient_id)
        moved = (patient.c.zone != rollup_zone.c.zone) | rollup_zone.c.made_to.is_not(None)
        found = select(rollup_zone.c.patient_id).select_from(theirs).where(moved)
        return list(self._connection.execute(found.order_by(rollup_zone.c.patient_id).limit(limit)).scalars())

    def patients(self) -> list[int]:
        """From patient to patient along the key."""
        found: list[int] = []
        for table in (reading, thinned):
            following = select(func.min(table.c.patient_id))
            one = self._connection.execute(following).scalar()
            while one is not None:
                found.append(one)
                one = self._connection.execute(following.where(table.c.patient_id > one)).scalar()
        return sorted(set(found))

    def span(self, patient_id: int) -> tuple[datetime, datetime] | None:
        """The oldest and the newest, by metric along the key."""
        ends: list[datetime] = []
        for column in (reading.c.at, thinned.c.start_at, rollup.c.start_at):
            for code in _CODES:
                theirs = (column.table.c.patient_id == patient_id) & (column.table.c.metric == code)
                oldest, newest = select(func.min(column)).where(theirs), select(func.max(column)).where(theirs)
                ends += [at for one in (oldest, newest) if (at := self._connection.execute(one).scalar()) is not None]
        return (min(ends), max(ends)) if ends else None

    def points(self, patient_id: int, since: datetime, until: datetime) -> Mapping[str, Sequence[Point]]:
        """Samples that hold."""
        by_metric: dict[str, list[Point]] = {}
        rows = self._connection.execute(_POINTS, {"patient": patient_id, "since": since, "until": until})
        for metric, at, reading_id, centi, words in rows:
            point = Point(at, reading_id, centi / CENTI, _kind(words))
            by_metric.setdefault(_METRIC_NAMES[metric], []).append(point)
        return by_metric

    def bases(self, patient_id: int, since: datetime, until: datetime) -> ByMetric:
        """Sums of what was thinned away."""
        rows = self._connection.execute(_BASES, {"patient": patient_id, "since": since, "until": until})
        return _by_metric([(row, replace(_sums(row), thinned=row.counted)) for row in rows])

    def windows(self, patient_id: int, grain: Grain, since: datetime, until: datetime) -> ByMetric:
        """Rows as they were written."""
        span = {"patient": patient_id, "since": since, "until": until, "grain": int(grain)}
        return _by_metric([(row, _whole(row)) for row in self._connection.execute(_WINDOWS, span)])

    def replace(self, patient_id: int, grain: Grain, since: datetime, until: datetime, rows: ByMetric) -> None:
        """Let these be all of the span."""
        span = {"patient": patient_id, "since": since, "until": until, "grain": int(grain)}
        self._connection.execute(_GONE, span)
        values = [
            sums_of(patient_id, METRIC_CODES[metric], one)
            | {"grain": int(grain), "below": one.below, "above": one.above}
            | {"left_out": one.left_out, "thinned": one.thinned}
            for metric, theirs in rows.items()
            for one in theirs
            if not one.empty
        ]
        if values:
            self._connection.execute(_INSERT, values)

    def lock(self, patient_id: int) -> None:
        """On PostgreSQL the row of how far they are made; SQLite has one writer."""
        if self._connection.dialect.name == "postgresql":
            self._connection.execute(_MADE.with_for_update(), {"patient": patient_id})

    def set_made(self, patient_id: int, made: Made) -> None:
        """Keep it."""
        row = {"patient_id": patient_id, "zone": made.zone, "made_to": made.made_to}
        upsert(self._connection, rollup_zone, row, ("zone", "made_to"))


@lru_cache(maxsize=4096)
def _kind(words: str) -> Kind:
    """Most samples share a handful of sets."""
    told = said(words)
    return kind_of(Sample(0, "", Decimal(0), EPOCH, comparator=told.comparator, flags=frozenset(told.flags.split())))


def _by_metric(rows: Sequence[tuple[Row[Any], Rollup]]) -> dict[str, list[Rollup]]:
    found: dict[str, list[Rollup]] = {}
    for row, one in rows:
        found.setdefault(_METRIC_NAMES[row.metric], []).append(one)
    return found


def sums_of(patient_id: int, metric: int, one: Rollup) -> dict[str, Any]:
    """The columns that ``rollup`` and ``thinned`` share."""
    return {
        "patient_id": patient_id,
        "metric": metric,
        "start_at": one.window.start,
        "end_at": one.window.end,
        "counted": one.count,
        "total": one.total,
        "low": one.low,
        "high": one.high,
        "last": one.last,
        "last_at": one.last_at,
        "last_id": one.last_id,
    }


def _sums(row: Row[Any]) -> Rollup:
    window = Window(row.start_at, row.end_at)
    return Rollup(window, row.counted, row.total, row.low, row.high, row.last, row.last_at, row.last_id)


def _whole(row: Row[Any]) -> Rollup:
    return replace(_sums(row), below=row.below, above=row.above, left_out=row.left_out, thinned=row.thinned)
