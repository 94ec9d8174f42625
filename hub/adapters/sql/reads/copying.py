"""What a copy of the series is made from, and charts that are drawn from the copy."""

import json
import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    BigInteger,
    Connection,
    FromClause,
    Select,
    bindparam,
    cast,
    func,
    literal,
    literal_column,
    select,
    true,
    type_coerce,
)
from sqlalchemy.dialects.postgresql import ARRAY

from hub.adapters.series.sql import SqlSeries
from hub.adapters.sql.amendments import holds
from hub.adapters.sql.columns import columns
from hub.adapters.sql.feed import SqlFeed
from hub.adapters.sql.sample_rows import CENTI, said, source
from hub.adapters.sql.tables.measurements import METRIC_CODES, journal, reading
from hub.adapters.sql.tables.series import series_change
from hub.adapters.sql.tables.summaries import thinned
from hub.adapters.sql.types import to_ms
from hub.domain.columns import Columns
from hub.domain.samples import Sample
from hub.errors import Transient
from hub.services.copying import standing
from hub.services.ports.copies import Point, SeriesCopy
from hub.services.ports.feed import START, Position, Touched

log = logging.getLogger(__name__)

_NAMES = {code: name for name, code in METRIC_CODES.items()}

FAR_BEHIND = 20_000
"""Readings that are not copied yet; of more nobody looks whether one of them is this patient's."""

AWAY = timedelta(seconds=30)
"""An engine that did not answer is not asked again for so long: nobody waits for it page by page."""


class SqlCopySource:
    """See ``hub.services.ports.copies.CopySource``."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.feed = SqlFeed(connection)

    def points(self, touched: Sequence[Touched]) -> list[Point]:
        """Every sample of these spans, by one question."""
        if not touched:
            return []
        lists = columns(self._connection, _within(self._connection, _merged(touched)))
        return [_point(row) for row in zip(*lists, strict=True)]

    def counts(self) -> Mapping[tuple[int, str], int]:
        """How many samples hold, by patient and metric."""
        c = reading.c
        found = select(c.patient_id, c.metric, func.count()).where(holds(reading)).group_by(c.patient_id, c.metric)
        return {(patient_id, _NAMES[metric]): n for patient_id, metric, n in self._connection.execute(found)}

    def thinned(self) -> Mapping[tuple[int, str], int]:
        """How many samples were thinned away."""
        c = thinned.c
        found = select(c.patient_id, c.metric, func.sum(c.counted)).group_by(c.patient_id, c.metric)
        return {(patient_id, _NAMES[metric]): int(n) for patient_id, metric, n in self._connection.execute(found)}

    def columns(self, patient_id: int, metric: str, since: datetime, until: datetime) -> Columns:
        """As the series."""
        return SqlSeries(self._connection).columns(patient_id, metric, since, until)


def _point(row: Sequence[Any]) -> Point:
    patient_id, metric, at_ms, reading_id, centi, by, words, holding = row
    told = said(words)
    what = (patient_id, _NAMES[metric], at_ms, reading_id, centi / CENTI, told.comparator)
    return Point(*what, *source(by), told.flags, told.shown_value, told.shown_unit, holding)


class CopiedCharts:
    """Charts from the copy, as long as it holds all that the hub's own series holds of the patient."""

    def __init__(self, copy: SeriesCopy, now: Callable[[], datetime]) -> None:
        self._copy = copy
        self._now = now
        self._away_since: datetime | None = None

    def since(self, connection: Connection, patient_id: int, start: datetime) -> Mapping[str, list[Sample]] | None:
        """By metric, oldest first; None: the copy is behind or away, and the hub's own series must be shown."""
        now = self._now()
        if self._away_since is not None and timedelta(0) <= now - self._away_since < AWAY:
            return None
        stands = standing(SqlFeed(connection))
        if _touched_after(connection, stands.whole, patient_id):
            return None
        try:
            if not stands.knows(self._copy.mark() or START):
                return None
            found = self._copy.whole(patient_id, start, now + timedelta(days=1))
        except Transient as error:
            log.warning("charts are drawn from the hub's own series", extra={"error": str(error)})
            self._away_since = now
            return None
        self._away_since = None
        return found


def _touched_after(connection: Connection, whole: Position, patient_id: int) -> bool:
    """Whether anything of this patient is not in the copy yet, or too much is missing to tell."""
    newest = SqlFeed(connection).newest()
    if newest.journal_id - whole.journal_id > FAR_BEHIND:
        return True
    for table, after in ((journal, whole.journal_id), (series_change, whole.change_id)):
        theirs = select(table.c.id).where(table.c.id > after, table.c.patient_id == patient_id)
        if connection.execute(theirs.limit(1)).first() is not None:
            return True
    return False


def _merged(touched: Sequence[Touched]) -> list[tuple[int, int, int]]:
    """(patient, first, last millisecond), none of which overlap."""
    merged: list[tuple[int, int, int]] = []
    for patient_id, since, until in sorted((t.patient_id, to_ms(t.since), to_ms(t.until)) for t in touched):
        if merged and merged[-1][0] == patient_id and since <= merged[-1][2]:
            merged[-1] = patient_id, merged[-1][1], max(until, merged[-1][2])
        else:
            merged.append((patient_id, since, until))
    return merged


def _within(connection: Connection, merged: Sequence[tuple[int, int, int]]) -> Select[Any]:
    """All rows of these spans, with whether they hold.

    PostgreSQL is kept from joining in another way than span by span: it would read the whole series for a few of them.
    """
    spans = _spans(connection, merged)
    at = type_coerce(reading.c.at, BigInteger)
    theirs = reading.c.patient_id == spans.c.patient_id, reading.c.metric.in_(list(_NAMES))
    these = select(reading).where(*theirs, at >= spans.c.since, at <= spans.c.until)
    if connection.dialect.name == "postgresql":
        one = these.offset(literal_column("0")).lateral("one")
        wanted = select(*one.c, holds(one).label("holds")).select_from(spans.join(one, true()))
        return wanted.order_by(one.c.patient_id, one.c.metric, one.c.at, one.c.reading_id)
    order = reading.c.patient_id, reading.c.metric, reading.c.at, reading.c.reading_id
    return these.add_columns(holds(reading).label("holds")).order_by(*order)


def _spans(connection: Connection, merged: Sequence[tuple[int, int, int]]) -> FromClause:
    """A table (patient_id, since, until) of these."""
    names = ("patient_id", "since", "until")
    if connection.dialect.name == "postgresql":
        lists = [literal(list(column), ARRAY(BigInteger)) for column in zip(*merged, strict=True)]
        return func.unnest(*lists).table_valued(*names, name="spans").render_derived()
    each: Any = func.json_each(bindparam(None, json.dumps(merged))).table_valued("value")
    fields = (cast(func.json_extract(each.c.value, f"$[{n}]"), BigInteger).label(name) for n, name in enumerate(names))
    return select(*fields).subquery("spans")
