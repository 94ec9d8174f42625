"""The feed in the relational database. See ``hub.services.ports.feed.Feed``."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy import BigInteger, Connection, func, insert, select, type_coerce, update

from hub.adapters.sql.tables.measurements import journal
from hub.adapters.sql.tables.series import projection as table
from hub.adapters.sql.tables.series import series_change
from hub.adapters.sql.types import from_ms
from hub.adapters.sql.upsert import insert_or_ignore, upsert
from hub.services.ports.feed import START, Position, Touched

_HOUR_MS = 3_600_000

_WRITERS = 4_121_995
"""PostgreSQL's advisory lock, shared by all who are about to draw an id. The tables' own would stand in the way of a
vacuum, and whoever writes would wait behind the two of them."""

_SHARE, _WAIT_FOR_ALL = f"SELECT pg_advisory_xact_lock_shared({_WRITERS})", f"SELECT pg_advisory_xact_lock({_WRITERS})"
_WITHIN = "SET LOCAL lock_timeout = '300ms'"
"""Whoever begins to write meanwhile waits too; a group of readings is done in a third of it."""


def write_along(connection: Connection) -> None:
    """Before an id of the journal or of a change is drawn: no horizon passes it until the commit."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(_SHARE)


class SqlFeed:
    """See ``hub.services.ports.feed.Feed``."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def changed(self, touched: Touched, reason: str) -> None:
        """A row that tells of it."""
        write_along(self._connection)
        values = {"patient_id": touched.patient_id, "since": touched.since, "until": touched.until, "reason": reason}
        self._connection.execute(insert(series_change).values(values))

    def horizon(self) -> Position:
        """The highest ids, once nobody can commit a lower one any more.

        PostgreSQL's writers commit in any order: a lock that none of them shares waits for those under way. It is held
        for this one question, in a transaction of its own.
        """
        if self._connection.dialect.name != "postgresql":
            return self.newest()
        with self._connection.engine.connect() as own:
            own.exec_driver_sql(_WITHIN)
            own.exec_driver_sql(_WAIT_FOR_ALL)
            return _newest(own)

    def silent(self, span: Touched, after: Position) -> bool:
        """Asked as a writer: who follows waits for this transaction before it passes what comes after the answer."""
        write_along(self._connection)
        j, c = journal.c, series_change.c
        new = select(j.id).where(
            j.id > after.journal_id, j.patient_id == span.patient_id, j.effective_at.between(span.since, span.until)
        )
        told = select(c.id).where(
            c.id > after.change_id, c.patient_id == span.patient_id, c.since <= span.until, c.until >= span.since
        )
        return all(self._connection.execute(one.limit(1)).first() is None for one in (new, told))

    def newest(self) -> Position:
        """The highest ids that are committed."""
        return _newest(self._connection)

    def since(self, after: Position, upto: Position, limit: int) -> tuple[Sequence[Touched], Position]:
        """New readings and changes, the lowest ids first."""
        j, c = journal.c, series_change.c
        found = select(j.id, j.patient_id, type_coerce(j.effective_at, BigInteger)).where(
            j.id > after.journal_id, j.id <= upto.journal_id
        )
        stored = (j.status == "stored") & j.patient_id.is_not(None)
        new = self._connection.execute(found.where(stored).order_by(j.id).limit(limit)).all()
        changes = self._connection.execute(
            select(c.id, c.patient_id, c.since, c.until, c.reason)
            .where(c.id > after.change_id, c.id <= upto.change_id)
            .order_by(c.id)
            .limit(limit)
        ).all()
        reached = Position(
            new[-1][0] if len(new) == limit else upto.journal_id,
            changes[-1][0] if len(changes) == limit else upto.change_id,
        )
        touched = _by_hour((patient_id, at) for _, patient_id, at in new)
        told = [Touched(row.patient_id, row.since, row.until, row.reason == "erase") for row in changes]
        return touched + told, reached

    def oldest(self, after: Position) -> datetime | None:
        """When the first reading after it was received."""
        found = select(journal.c.hub_received_at).where(journal.c.id > after.journal_id)
        return self._connection.execute(found.order_by(journal.c.id).limit(1)).scalar()

    def position(self, projection: str) -> Position:
        """Where it stands."""
        row = self._connection.execute(
            select(table.c.journal_id, table.c.change_id).where(table.c.name == projection)
        ).first()
        return START if row is None else Position(row.journal_id, row.change_id)

    def moved_at(self, projection: str) -> datetime | None:
        """When it was moved there."""
        return self._connection.execute(select(table.c.moved_at).where(table.c.name == projection)).scalar()

    def claim(self, projection: str, seen: Position, seen_at: datetime | None, to: Position, now: datetime) -> bool:
        """Compare-and-set."""
        row = {"name": projection, "journal_id": to.journal_id, "change_id": to.change_id, "moved_at": now}
        if seen_at is None:
            return insert_or_ignore(self._connection, table, [row]) == 1
        this = (table.c.name == projection) & (table.c.moved_at == seen_at)
        this &= (table.c.journal_id == seen.journal_id) & (table.c.change_id == seen.change_id)
        return self._connection.execute(update(table).where(this).values(row)).rowcount == 1

    def move(self, projection: str, to: Position, now: datetime) -> None:
        """Let it stand there."""
        row = {"name": projection, "journal_id": to.journal_id, "change_id": to.change_id, "moved_at": now}
        upsert(self._connection, table, row, ["journal_id", "change_id", "moved_at"])


def _newest(connection: Connection) -> Position:
    ids = select(func.coalesce(func.max(journal.c.id), 0)), select(func.coalesce(func.max(series_change.c.id), 0))
    return Position(*(connection.execute(one).scalar_one() for one in ids))


def _by_hour(readings: Iterable[tuple[int, int]]) -> list[Touched]:
    """(patient, milliseconds) as one span for each patient and hour in which there is any."""
    spans: dict[tuple[int, int], tuple[int, int]] = {}
    for patient_id, at in readings:
        key = patient_id, at // _HOUR_MS
        first, last = spans.get(key, (at, at))
        spans[key] = min(first, at), max(last, at)
    return [Touched(key[0], from_ms(first), from_ms(last)) for key, (first, last) in sorted(spans.items())]
