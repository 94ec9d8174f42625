"""What is exported: rows of one snapshot in the order of patient, metric and time, in pieces."""

from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Connection, Engine, func, select, type_coerce

from hub.adapters.sql.engine import read_only
from hub.adapters.sql.sample_rows import CENTI, said, source
from hub.adapters.sql.tables.measurements import METRIC_CODES, journal, reading
from hub.adapters.sql.tables.people import patient
from hub.adapters.sql.tables.series import amendment
from hub.adapters.sql.tables.summaries import thinned
from hub.domain.loinc import loinc
from hub.domain.metrics import METRICS
from hub.errors import NotFound

AT_ONCE = 20_000
"""Rows of one piece: what is held in memory."""

COLUMNS = (
    "patient_id",
    "metric",
    "loinc",
    "unit",
    "at",
    "value",
    "comparator",
    "device_id",
    "profile",
    "flags",
    "shown_value",
    "shown_unit",
    "reading_id",
    "amended",
    "replaced_by",
)
"""Units are UCUM; ``at`` is milliseconds since 1970 UTC; ``amended`` is None, void or correct."""

Row = tuple[Any, ...]
_NAMES = {code: name for name, code in METRIC_CODES.items()}


@dataclass(frozen=True, slots=True)
class Selection:
    """Whose, what and when: empty or None is all. ``since <= at < until``."""

    patients: tuple[int, ...] = ()
    metrics: tuple[str, ...] = ()
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Contents:
    """What a snapshot holds of a selection."""

    rows: int
    thinned: int
    """Readings that are kept as sums alone and are in no row."""
    journal_id: int
    """The newest reading that the hub had acknowledged."""


class Snapshot:
    """One view of the database, however long it is read."""

    def __init__(self, connection: Connection, selection: Selection) -> None:
        self._connection = connection
        self._selection = selection
        self._check()

    def contents(self) -> Contents:
        """Counted in the snapshot."""
        one = self._connection.execute
        rows = one(select(func.count()).select_from(reading).where(*self._these(reading.c.at))).scalar_one()
        gone = one(select(func.coalesce(func.sum(thinned.c.counted), 0)).where(*self._these(thinned.c.start_at)))
        newest = one(select(func.coalesce(func.max(journal.c.id), 0))).scalar_one()
        return Contents(rows, int(gone.scalar_one()), newest)

    def rows(self) -> Generator[Sequence[Row], None, None]:
        """``COLUMNS`` of every reading, void and replaced ones among them."""
        amended = self._amended()
        c = reading.c
        found = select(c.patient_id, c.metric, type_coerce(c.at, BigInteger), c.centi, c.source, c.words, c.reading_id)
        found = found.where(*self._these(c.at)).order_by(c.patient_id, c.metric, c.at, c.reading_id)
        with self._connection.execution_options(yield_per=AT_ONCE).execute(found) as streamed:
            for piece in streamed.partitions():
                yield [_row(row, amended) for row in piece]

    def _amended(self) -> dict[int, tuple[str, int | None]]:
        """Few: a person made each."""
        found = select(amendment.c.reading_id, amendment.c.kind, amendment.c.by_reading_id)
        return {row.reading_id: (row.kind, row.by_reading_id) for row in self._connection.execute(found)}

    def _these(self, at: Any) -> list[ColumnElement[bool]]:
        """Patients of a test are in no export that does not name them."""
        chosen, table = self._selection, at.table.c
        real = select(patient.c.id).where(patient.c.is_test.is_(False))
        metrics = [METRIC_CODES[name] for name in chosen.metrics] or list(METRIC_CODES.values())
        these = [table.patient_id.in_(chosen.patients or real), table.metric.in_(metrics)]
        these += [at >= chosen.since] if chosen.since is not None else []
        return these + ([at < chosen.until] if chosen.until is not None else [])

    def _check(self) -> None:
        wanted = set(self._selection.patients)
        known = set(self._connection.execute(select(patient.c.id).where(patient.c.id.in_(wanted))).scalars())
        if wanted - known:
            raise NotFound(f"There is no patient {', '.join(map(str, sorted(wanted - known)))}.")


@contextmanager
def snapshot(engine: Engine, selection: Selection) -> Iterator[Snapshot]:
    """A read-only transaction for as long as the block lasts. Raises ``NotFound`` for a patient there is none of."""
    with read_only(engine).connect() as connection:
        yield Snapshot(connection, selection)


def _row(row: Any, amended: dict[int, tuple[str, int | None]]) -> Row:
    patient_id, metric, at, centi, by, words, reading_id = row
    device_id, profile = source(by)
    told = said(words)
    what = (patient_id, *_what(metric, profile), at, centi / CENTI, told.comparator, device_id, profile, told.flags)
    return (*what, told.shown_value, told.shown_unit, reading_id, *amended.get(reading_id, (None, None)))


@lru_cache(maxsize=1024)
def _what(metric: int, profile: str) -> tuple[str, str | None, str]:
    name = _NAMES[metric]
    return name, loinc(name, profile), METRICS[name].unit
