"""One statement for many rows, compiled once: Core looks at each value of each row anew, ingest writes thousands."""

from collections.abc import Callable, Collection, Sequence
from operator import itemgetter
from typing import Any

from sqlalchemy import Column, ColumnElement, Connection, Executable, Table, bindparam

from hub.adapters.sql import straight
from hub.adapters.sql.among import among, listed
from hub.adapters.sql.upsert import insert_into

Arranged = Callable[[tuple[Any, ...]], Any]
"""A row as a driver takes it."""


_MADE: "list[Many]" = []
"""All there are: they are made when their modules are read, and a few when first they are needed."""


class Many:
    """A statement whose parameters are ``names``, in the order in which rows give them.

    Values go to the driver as they are: instants as ``types.to_ms`` gives them. ``build`` is asked once a dialect.
    """

    def __init__(self, build: Callable[[Connection], Executable], names: Sequence[str]) -> None:
        self._build = build
        self._names = tuple(names)
        self._known: dict[str, tuple[str, Arranged | None]] = {}
        _MADE.append(self)

    def execute(self, connection: Connection, rows: Sequence[tuple[Any, ...]]) -> int:
        """How many rows the database says it changed."""
        if not rows:
            return 0
        text, arranged = self.ready(connection)
        return straight.changed(connection, text, rows if arranged is None else [arranged(row) for row in rows])

    def one(self, connection: Connection, row: tuple[Any, ...]) -> Any:
        """What the database returns for this row, where it returns one value; None: nothing."""
        found = self.rows(connection, row)
        if not found:
            return None
        ((value,),) = found
        return value

    def rows(self, connection: Connection, asked: tuple[Any, ...]) -> Sequence[Any]:
        """The answer to a question, as the driver gives it: instants are milliseconds."""
        text, arranged = self.ready(connection)
        return straight.rows(connection, text, asked if arranged is None else arranged(asked))

    def ready(self, connection: Connection) -> tuple[str, Arranged | None]:
        """The text, and how the driver wants the parameters: by name, or in an order that may be another."""
        return self._known.get(connection.dialect.name) or self._compiled(connection)

    def _compiled(self, connection: Connection) -> tuple[str, Arranged | None]:
        compiled: Any = self._build(connection).compile(dialect=connection.dialect)  # type: ignore[attr-defined]
        arranged: Arranged | None = self._by_name
        if compiled.positional:
            order = tuple(self._names.index(name) for name in compiled.positiontup)
            straight_on = order == tuple(range(len(self._names)))
            arranged = None if straight_on else itemgetter(*order)
        self._known[connection.dialect.name] = str(compiled), arranged
        return self._known[connection.dialect.name]

    def _by_name(self, row: tuple[Any, ...]) -> dict[str, Any]:
        return dict(zip(self._names, row, strict=True))


def make_ready(connection: Connection) -> None:
    """Compile all there are, some 10 ms: else the first alert of a process waits for those that only alerts need."""
    for one in _MADE:
        one.ready(connection)


class OfThese:
    """A ``Many`` about any number of values of a column, its first parameter. About one, as most are, it reads no list.

    ``build`` is given what makes the condition of a column.
    """

    def __init__(self, build: Callable[[Callable[[Column[Any]], ColumnElement[bool]]], Executable], *rest: str) -> None:
        self._one = Many(lambda _: build(lambda column: column == bindparam("ids")), ("ids", *rest))
        self._some = Many(lambda _: build(among), ("ids", *rest))

    def execute(self, connection: Connection, these: Collection[Any], *rest: Any) -> int:
        """How many rows the database says it changed."""
        statement, given = self._given(connection, these)
        return statement.execute(connection, [(given, *rest)])

    def rows(self, connection: Connection, these: Collection[Any], *rest: Any) -> Sequence[Any]:
        """As ``Many.rows``."""
        statement, given = self._given(connection, these)
        return statement.rows(connection, (given, *rest))

    def _given(self, connection: Connection, these: Collection[Any]) -> tuple[Many, Any]:
        if len(these) == 1:
            return self._one, next(iter(these))
        return self._some, listed(these, connection.dialect)


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
