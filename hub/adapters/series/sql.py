"""The time series in the relational database: the default, and the truth that other engines are rebuilt from."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Integer,
    Select,
    Table,
    bindparam,
    delete,
    literal,
    or_,
    select,
    update,
)

from hub.adapters.sql import amendments
from hub.adapters.sql.amendments import holds
from hub.adapters.sql.among import among
from hub.adapters.sql.columns import Lists
from hub.adapters.sql.feed import SqlFeed
from hub.adapters.sql.many import Many
from hub.adapters.sql.runs import of_runs
from hub.adapters.sql.sample_rows import comparators, flags, row_of, sample_of, values, words_of
from hub.adapters.sql.tables.measurements import METRIC_CODES, latest, reading, replayed
from hub.adapters.sql.tables.series import amendment
from hub.adapters.sql.tables.summaries import thinned
from hub.adapters.sql.types import EPOCH, LAST
from hub.adapters.sql.upsert import insert_into
from hub.domain.buckets import Bucket, Unit, buckets
from hub.domain.columns import Columns
from hub.domain.samples import Sample
from hub.services.ports.feed import Touched
from hub.services.ports.series import Amended, Amendment, Latest

_METRIC_NAMES = {code: name for name, code in METRIC_CODES.items()}
_MS = timedelta(milliseconds=1)
_ALWAYS = EPOCH, LAST - _MS


_COLUMNS = tuple(column.name for column in latest.columns)


def _new_ones(table: Table) -> Many:
    """Rows whose keys are new."""
    return Many(
        lambda connection: (
            insert_into(connection, table).values({name: bindparam(name) for name in _COLUMNS}).on_conflict_do_nothing()
        ),
        _COLUMNS,
    )


def _newer_ones(connection: Connection) -> Any:
    """Rows that take the place of an older one."""
    statement = insert_into(connection, latest).values({name: bindparam(name) for name in _COLUMNS})
    newer = or_(
        statement.excluded.at > latest.c.at,
        (statement.excluded.at == latest.c.at) & (statement.excluded.reading_id > latest.c.reading_id),
    )
    changes = {name: statement.excluded[name] for name in _COLUMNS if name not in {"patient_id", "metric"}}
    return statement.on_conflict_do_update(index_elements=["patient_id", "metric"], set_=changes, where=newer)


_INTO = {table: _new_ones(table) for table in (reading, replayed)}
_LATEST = Many(_newer_ones, _COLUMNS)


def _of_one(table: Table) -> Select[Any]:
    """One patient's samples of one metric within a span: see ``_span``."""
    amended = amendment.c.patient_id == bindparam("patient"), amendment.c.metric == bindparam("code")
    theirs = select(table).where(table.c.patient_id == bindparam("patient"), table.c.metric == bindparam("code"))
    return theirs.where(_in_span(table), holds(table, *amended))


def _of_many(table: Table) -> Select[Any]:
    """Many patients' samples of one metric within a span."""
    theirs = select(table).where(among(table.c.patient_id), table.c.metric == bindparam("code"))
    return theirs.where(_in_span(table), holds(table, amendment.c.metric == bindparam("code")))


def _in_span(table: Table) -> ColumnElement[bool]:
    return (table.c.at >= bindparam("since")) & (table.c.at < bindparam("until"))


_LINES = reading, replayed
_RANGE = {line: _of_one(line).order_by(line.c.at, line.c.reading_id) for line in _LINES}
_RANGES = {line: _of_many(line).order_by(line.c.patient_id, line.c.at, line.c.reading_id) for line in _LINES}
_NEWEST = {
    line: _of_one(line).order_by(line.c.at.desc(), line.c.reading_id.desc()).limit(bindparam("count", type_=Integer()))
    for line in _LINES
}

_NEWEST_TIMES = select(latest.c.patient_id, latest.c.metric, latest.c.at).where(among(latest.c.patient_id))
_NEWEST_AT = select(latest.c.at).where(
    latest.c.patient_id == bindparam("patient"), latest.c.metric == bindparam("code")
)
_LATEST_OF = select(latest).where(among(latest.c.patient_id))


def _point_lists() -> Lists:
    c = reading.c
    return Lists(_RANGE[reading].with_only_columns(c.at, c.reading_id, c.centi, c.words), often=3)


def _latest_lists() -> dict[str, Lists]:
    c = latest.c
    rows = select(c.patient_id, c.metric, c.at, c.centi, c.reading_id, c.words).order_by(c.patient_id, c.metric)
    theirs = {"sqlite": of_runs(rows, c.patient_id), "postgresql": rows.where(among(c.patient_id))}
    return {dialect: Lists(these, often=5) for dialect, these in theirs.items()}


_POINTS = _point_lists()
_LATEST_LISTS = _latest_lists()


class SqlTimeLine:
    """See ``hub.services.ports.series.TimeLine``; by itself it is that of recordings."""

    table: Table = replayed

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def append(self, samples: Mapping[int, Sequence[Sample]]) -> None:
        """Idempotent."""
        _INTO[self.table].execute(self._connection, _rows(samples))

    def mark(self, patient_id: int, sample: Sample) -> None:
        """Write this sample's flags."""
        _mark(self._connection, self.table, patient_id, sample)

    def range(self, patient_id: int, metric: str, since: datetime, until: datetime) -> list[Sample]:
        """``since <= at < until``, oldest first, without void and replaced ones."""
        these = _span(patient_id, metric, since, until)
        return [sample_of(row) for row in self._connection.execute(_RANGE[self.table], these)]

    def ranges(self, metric: str, since: Mapping[int, datetime], until: datetime) -> Mapping[int, list[Sample]]:
        """``range`` of many patients by one question."""
        found: dict[int, list[Sample]] = {patient_id: [] for patient_id in since}
        if not since:
            return found
        these = {"ids": since, "code": METRIC_CODES[metric], "since": min(since.values()), "until": until}
        for row in self._connection.execute(_RANGES[self.table], these):
            if row.at >= since[row.patient_id]:
                found[row.patient_id].append(sample_of(row))
        return found

    def newest(self, patient_id: int, metric: str, since: datetime, until: datetime, count: int) -> list[Sample]:
        """The last ``count`` of ``range``, newest first."""
        these = {**_span(patient_id, metric, since, until), "count": count}
        return [sample_of(row) for row in self._connection.execute(_NEWEST[self.table], these)]


class SqlSeries(SqlTimeLine):
    """See ``hub.services.ports.series.HubSeries``."""

    table = reading

    def append(self, samples: Mapping[int, Sequence[Sample]]) -> None:
        """Idempotent; the latest values move along in the same transaction."""
        rows = _rows(samples)
        new = _INTO[self.table].execute(self._connection, rows)
        _LATEST.execute(self._connection, _newest_of_each(rows))
        if new != len(rows):  # some were there before: they may be void by now
            self._settle_latest(list(samples))

    def mark(self, patient_id: int, sample: Sample) -> None:
        """Write this sample's flags, in the latest values too."""
        super().mark(patient_id, sample)
        _mark(self._connection, latest, patient_id, sample)
        self._tell(patient_id, sample, sample, "mark")

    def void(self, patient_id: int, sample: Sample, why: Amendment) -> bool:
        """Name it as void."""
        if not amendments.add(self._connection, patient_id, sample, None, why):
            return False
        self._settle_latest([patient_id])
        self._tell(patient_id, sample, sample, "void")
        return True

    def correct(self, patient_id: int, sample: Sample, by: Sample, why: Amendment) -> bool:
        """Name it as replaced, and append what replaces it."""
        if not amendments.add(self._connection, patient_id, sample, by, why):
            return False
        self.append({patient_id: [by]})
        self._settle_latest([patient_id])
        self._tell(patient_id, sample, by, "correct")
        return True

    def erase(self, patient_id: int, since: datetime, until: datetime) -> None:
        """Delete rows of the series, their amendments among them; the journal's are not touched."""
        for line in (reading, latest, amendment):
            gone = line.c.patient_id == patient_id, line.c.at >= since, line.c.at < until
            self._connection.execute(delete(line).where(*gone))
        sums = thinned.c.patient_id == patient_id, thinned.c.end_at > since, thinned.c.start_at < until
        self._connection.execute(delete(thinned).where(*sums))  # whole hours: nothing of the span may stay
        for metric in _METRIC_NAMES.values():
            self._put_newest(patient_id, metric)
        SqlFeed(self._connection).changed(Touched(patient_id, since, until - _MS), "erase")

    def amended(self, patient_id: int, since: datetime, until: datetime) -> list[Amended]:
        """Samples that are void or replaced."""
        return [
            Amended(sample_of(row), row.kind, Amendment(row.reason, row.made_by, row.made_at))
            for row in amendments.within(self._connection, reading, patient_id, since, until)
        ]

    def columns(self, patient_id: int, metric: str, since: datetime, until: datetime) -> Columns:
        """``range`` as parallel lists."""
        these = _span(patient_id, metric, since, until)
        at_ms, ids, centi, words = _POINTS.of(self._connection, these)
        return Columns(at_ms, values(centi), ids, comparators(words), flags(words))

    def buckets(
        self, patient_id: int, metric: str, since: datetime, until: datetime, zone: str, unit: Unit
    ) -> list[Bucket]:
        """``range`` by the hour or the day."""
        return buckets(self.columns(patient_id, metric, since, until), zone, unit)

    def latest(self, patient_ids: Sequence[int]) -> Mapping[int, Mapping[str, Sample]]:
        """The newest sample of each metric of each patient."""
        newest: dict[int, dict[str, Sample]] = {}
        for row in self._connection.execute(_LATEST_OF, {"ids": patient_ids}):
            sample = sample_of(row)
            newest.setdefault(row.patient_id, {})[sample.metric] = sample
        return newest

    def latest_columns(self, patient_ids: Sequence[int]) -> Latest:
        """``latest`` as parallel lists."""
        lists = _LATEST_LISTS[self._connection.dialect.name]
        theirs, metrics, at_ms, centi, ids, words = lists.of(self._connection, {"ids": patient_ids})
        names = list(map(_METRIC_NAMES.__getitem__, metrics))
        return Latest(theirs, names, at_ms, values(centi), comparators(words), ids)

    def newest_at(self, patient_id: int, metric: str) -> datetime | None:
        """When the newest sample of this metric was measured."""
        this = {"patient": patient_id, "code": METRIC_CODES[metric]}
        return self._connection.execute(_NEWEST_AT, this).scalar()

    def newest_times(self, patient_ids: Sequence[int]) -> Mapping[int, Mapping[str, datetime]]:
        """When the newest sample of each metric of each patient was measured."""
        newest: dict[int, dict[str, datetime]] = {}
        for patient_id, metric, at in self._connection.execute(_NEWEST_TIMES, {"ids": patient_ids}):
            newest.setdefault(patient_id, {})[_METRIC_NAMES[metric]] = at
        return newest

    def get(self, patient_id: int, reading_id: int) -> list[Sample]:
        """The sample with this id, void ones too, in a list that is empty if there is none."""
        found = select(reading).where(reading.c.patient_id == patient_id, reading.c.reading_id == reading_id)
        return [sample_of(row) for row in self._connection.execute(found)]

    def health(self) -> None:
        """Return if the database answers."""
        self._connection.execute(select(literal(1)))

    def _settle_latest(self, patient_ids: Sequence[int]) -> None:
        """Where a latest value holds no more, the one before it is the latest."""
        for patient_id, metric in amendments.take_out_of_latest(self._connection, patient_ids):
            self._put_newest(patient_id, _METRIC_NAMES[metric])

    def _put_newest(self, patient_id: int, metric: str) -> None:
        _LATEST.execute(self._connection, _rows({patient_id: self.newest(patient_id, metric, *_ALWAYS, 1)}))

    def _tell(self, patient_id: int, one: Sample, other: Sample, reason: str) -> None:
        since, until = sorted((one.at, other.at))
        SqlFeed(self._connection).changed(Touched(patient_id, since, until), reason)


def _mark(connection: Connection, table: Table, patient_id: int, sample: Sample) -> None:
    this = (table.c.patient_id == patient_id) & (table.c.metric == METRIC_CODES[sample.metric])
    this &= (table.c.at == sample.at) & (table.c.reading_id == sample.reading_id)
    connection.execute(update(table).where(this).values(words=words_of(sample)))


def _span(patient_id: int, metric: str, since: datetime, until: datetime) -> dict[str, object]:
    return {"patient": patient_id, "code": METRIC_CODES[metric], "since": since, "until": until}


def _rows(samples: Mapping[int, Sequence[Sample]]) -> list[tuple[object, ...]]:
    return [row_of(patient_id, sample) for patient_id, theirs in samples.items() for sample in theirs]


def _newest_of_each(rows: Sequence[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """Of each patient and metric the newest row."""
    newest: dict[tuple[object, object], tuple[Any, ...]] = {}
    for row in rows:
        known = newest.get(row[:2])
        if known is None or row[2:4] > known[2:4]:
            newest[row[:2]] = row
    return list(newest.values())
