"""One statement for many rows, compiled once: Core looks at each value of each row anew, ingest writes thousands."""

from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import Connection, Executable, Table, bindparam

from hub.adapters.sql import straight
from hub.adapters.sql.upsert import insert_into


class Many:
    """A statement whose parameters are ``names``, in the order in which rows give them.

    Values go to the driver as they are: instants as ``types.to_ms`` gives them. ``build`` is asked once a dialect.
    """

    def __init__(self, build: Callable[[Connection], Executable], names: Sequence[str]) -> None:
        self._build = build
        self._names = tuple(names)
        self._known: dict[str, tuple[str, tuple[int, ...] | None]] = {}

    def execute(self, connection: Connection, rows: Sequence[tuple[Any, ...]]) -> int:
        """How many rows the database says it changed."""
        if not rows:
            return 0
        text, order = self._known.get(connection.dialect.name) or self._compiled(connection)
        return straight.changed(connection, text, self._given(rows, order))

    def one(self, connection: Connection, row: tuple[Any, ...]) -> Any:
        """What the database returns for this row, where it returns one value; None: nothing."""
        text, order = self._known.get(connection.dialect.name) or self._compiled(connection)
        found = straight.rows(connection, text, self._given([row], order)[0])
        if not found:
            return None
        ((value,),) = found
        return value

    def rows(self, connection: Connection, asked: tuple[Any, ...]) -> Sequence[Any]:
        """The answer to a question, as the driver gives it: instants are milliseconds."""
        text, order = self._known.get(connection.dialect.name) or self._compiled(connection)
        return straight.rows(connection, text, self._given([asked], order)[0])

    def _given(self, rows: Sequence[tuple[Any, ...]], order: tuple[int, ...] | None) -> list[Any]:
        if order is None:
            return [dict(zip(self._names, row, strict=True)) for row in rows]
        if order != tuple(range(len(self._names))):
            return [tuple(row[place] for place in order) for row in rows]
        return list(rows)

    def _compiled(self, connection: Connection) -> tuple[str, tuple[int, ...] | None]:
        """The text, and for a driver that wants places instead of names the order of the parameters."""
        compiled: Any = self._build(connection).compile(dialect=connection.dialect)  # type: ignore[attr-defined]
        order = None
        if compiled.positional:
            order = tuple(self._names.index(name) for name in compiled.positiontup)
        self._known[connection.dialect.name] = str(compiled), order
        return self._known[connection.dialect.name]


def inserted(table: Table, *names: str) -> Many:
    """Rows of ``table`` that give these columns."""
    return Many(lambda connection: _insert(connection, table, names), names)


def added(table: Table, *names: str) -> Many:
    """A row of ``table`` that gives these columns: ``one`` is its id."""
    return Many(lambda connection: _insert(connection, table, names).returning(table.c.id), names)


def added_if_new(table: Table, *names: str) -> Many:
    """Likewise; None where one with such a key stands."""
    return Many(
        lambda connection: _insert(connection, table, names).on_conflict_do_nothing().returning(table.c.id), names
    )


def summed(table: Table, keys: Sequence[str], sums: Sequence[str]) -> Many:
    """Rows of ``table``, or what each adds to the one that stands."""

    def build(connection: Connection) -> Any:
        statement = _insert(connection, table, [*keys, *sums])
        total = {name: table.c[name] + statement.excluded[name] for name in sums}
        return statement.on_conflict_do_update(index_elements=list(keys), set_=total)

    return Many(build, [*keys, *sums])


def _insert(connection: Connection, table: Table, names: Sequence[str]) -> Any:
    return insert_into(connection, table).values({name: bindparam(name) for name in names})
