"""Old readings that are kept as sums, in the relational database."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, Select, bindparam, delete, select

from hub.adapters.sql.many import Many
from hub.adapters.sql.rollups import SqlRollups, sums_of
from hub.adapters.sql.sample_rows import said, values
from hub.adapters.sql.tables.measurements import METRIC_CODES, finding, reading
from hub.adapters.sql.tables.series import amendment
from hub.adapters.sql.tables.summaries import expected_reading, thinned
from hub.adapters.sql.types import to_ms
from hub.adapters.sql.upsert import insert_into
from hub.domain.rollups import Rollup, joined
from hub.domain.samples import FROM_MEMORY, LATE
from hub.services.ports.thinning import Line

_WHEN = frozenset({LATE, FROM_MEMORY})
"""Flags that say how a sample came and nothing of what it is worth."""

_KEY = ("patient_id", "metric", "at", "reading_id")
_THIS = tuple(f"this_{name}" for name in _KEY)
_SAME = tuple(reading.c[name] == bindparam(this) for name, this in zip(_KEY, _THIS, strict=True))
_GONE = Many(lambda _: delete(reading).where(*_SAME), _THIS)
_MS = timedelta(milliseconds=1)


class SqlThinning:
    """See ``hub.services.ports.thinning.Thinning``."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def line(self, patient_id: int, metric: str, since: datetime, until: datetime) -> Line:
        """Void and replaced samples are in it, and critical."""
        c, code = reading.c, METRIC_CODES[metric]
        found = select(c.at, c.centi, c.reading_id, c.words).where(
            c.patient_id == patient_id, c.metric == code, c.at >= since, c.at < until
        )
        rows = self._connection.execute(found.order_by(c.at, c.reading_id)).all()
        ids, instants = self._spoken_of(patient_id, since, until)
        critical = {
            place
            for place, row in enumerate(rows)
            if _critical(row.words) or row.reading_id in ids or row.at in instants
        }
        return Line([r.at for r in rows], values([r.centi for r in rows]), [r.reading_id for r in rows], critical)

    def _spoken_of(self, patient_id: int, since: datetime, until: datetime) -> tuple[set[int], set[datetime]]:
        """Reading ids and instants of which a finding, an amendment or an expectation speaks."""
        f, a, e = finding.c, amendment.c, expected_reading.c
        ids: set[int] = set()
        for column in (a.reading_id, a.by_reading_id):
            ids |= self._all(select(column).where(a.patient_id == patient_id, column.is_not(None)))
        within = f.patient_id == patient_id, f.at >= since, f.at < until
        ids |= self._all(select(f.reading_id).where(*within, f.reading_id.is_not(None)))
        first = select(e.first_at).where(e.patient_id == patient_id, e.no_data_at > since, e.first_at.is_not(None))
        return ids, self._all(select(f.at).where(*within)) | self._all(first.where(e.opens_at < until))

    def _all(self, found: Select[Any]) -> set[Any]:
        return set(self._connection.execute(found).scalars())

    def remove(self, patient_id: int, metric: str, line: Line, places: Sequence[int]) -> None:
        """By their keys."""
        code = METRIC_CODES[metric]
        keys = [(patient_id, code, to_ms(line.at[place]), line.reading_id[place]) for place in places]
        _GONE.execute(self._connection, keys)

    def add(self, patient_id: int, metric: str, sums: Sequence[Rollup]) -> None:
        """All hours by one question and one statement: whoever waits to write waits for this."""
        if not sums:
            return
        first, last = sums[0].window.start, sums[-1].window.start
        bases = SqlRollups(self._connection).bases(patient_id, first, last + _MS).get(metric, ())
        before = {one.window.start: [one] for one in bases}
        whole = [joined(one.window, [*before.get(one.window.start, ()), one]) for one in sums]
        rows = [sums_of(patient_id, METRIC_CODES[metric], one) for one in whole]
        statement = insert_into(self._connection, thinned)
        keys = [column.name for column in thinned.primary_key]
        changes = {column.name: statement.excluded[column.name] for column in thinned.c if column.name not in keys}
        self._connection.execute(statement.on_conflict_do_update(index_elements=keys, set_=changes), rows)


@lru_cache(maxsize=4096)
def _critical(words: str) -> bool:
    told = said(words)
    return told.comparator is not None or bool(set(told.flags.split()) - _WHEN)
