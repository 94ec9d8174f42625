"""INSERT … ON CONFLICT, which both databases speak and Core spells per dialect."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Table
from sqlalchemy.dialects import postgresql, sqlite


def insert_into(connection: Connection, table: Table) -> Any:
    """The INSERT of the connection's dialect, which knows ``on_conflict_…``."""
    return sqlite.insert(table) if connection.dialect.name == "sqlite" else postgresql.insert(table)


def insert_or_ignore(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> int:
    """Insert rows whose keys are new; how many were."""
    if not rows:
        return 0
    statement = insert_into(connection, table).on_conflict_do_nothing().execution_options(preserve_rowcount=True)
    return connection.execute(statement, list(rows)).rowcount


def upsert(connection: Connection, table: Table, row: Mapping[str, Any], changes: Sequence[str]) -> None:
    """Insert ``row``; where its primary key stands already, set the columns ``changes`` to its values."""
    statement = insert_into(connection, table).values(dict(row))
    keys = [column.name for column in table.primary_key]
    connection.execute(
        statement.on_conflict_do_update(index_elements=keys, set_={name: statement.excluded[name] for name in changes})
    )
