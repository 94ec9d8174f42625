"""One statement for many rows, compiled once: Core looks at each value of each row anew, ingest writes thousands."""

from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import Connection, Executable, Table, bindparam, insert


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
        if order is None:
            return connection.exec_driver_sql(text, [dict(zip(self._names, row, strict=True)) for row in rows]).rowcount
        if order != tuple(range(len(self._names))):
            rows = [tuple(row[place] for place in order) for row in rows]
        return connection.exec_driver_sql(text, list(rows)).rowcount

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
    return Many(lambda _: insert(table).values({name: bindparam(name) for name in names}), names)
