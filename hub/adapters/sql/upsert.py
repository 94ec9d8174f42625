"""INSERT … ON CONFLICT, which both databases speak and Core spells per dialect."""

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any

from sqlalchemy import Connection, Table
from sqlalchemy.dialects import postgresql, sqlite


class PerDialect:
    """A statement that Core spells per dialect, built once for each: building costs more than executing."""

    def __init__(self, build: Callable[[Connection], Any]) -> None:
        self._build = build
        self._known: dict[str, Any] = {}

    def of(self, connection: Connection) -> Any:
        """The statement in the connection's dialect."""
        known = self._known.get(connection.dialect.name)
        if known is None:
            known = self._known[connection.dialect.name] = self._build(connection)
        return known


def insert_into(connection: Connection, table: Table) -> Any:
    """The INSERT of the connection's dialect, which knows ``on_conflict_…``."""
    return sqlite.insert(table) if connection.dialect.name == "sqlite" else postgresql.insert(table)


def insert_or_ignore(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> int:
    """Insert rows whose keys are new; how many were."""
    if not rows:
        return 0
    return connection.execute(_insert_or_ignore(table).of(connection), list(rows)).rowcount


def upsert(connection: Connection, table: Table, row: Mapping[str, Any], changes: Sequence[str]) -> None:
    """Insert ``row``; where its primary key stands already, set the columns ``changes`` to its values."""
    connection.execute(_upsert(table, tuple(changes)).of(connection), dict(row))


@cache
def _insert_or_ignore(table: Table) -> PerDialect:
    def build(connection: Connection) -> Any:
        return insert_into(connection, table).on_conflict_do_nothing().execution_options(preserve_rowcount=True)

    return PerDialect(build)


@cache
def _upsert(table: Table, changes: tuple[str, ...]) -> PerDialect:
    keys = [column.name for column in table.primary_key]

    def build(connection: Connection) -> Any:
        statement = insert_into(connection, table)
        taken = {name: statement.excluded[name] for name in changes}
        return statement.on_conflict_do_update(index_elements=keys, set_=taken)

    return PerDialect(build)
