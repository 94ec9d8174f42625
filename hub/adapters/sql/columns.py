"""Thousands of rows as parallel lists: each column comes as one value, which is read in one go.

PostgreSQL gives the bytes of numbers, one after the other. SQLite has nothing of the kind and writes JSON, as both do
for words and for what may be absent.
"""

import sys
from array import array
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Connection, Float, Integer, Select, Text, cast, func, literal_column, or_, select
from sqlalchemy.types import TypeDecorator

from hub.adapters.sql.upsert import PerDialect

_NO_BYTES: ColumnElement[bytes] = literal_column("''::bytea")


def columns(connection: Connection, rows: Select[Any]) -> list[list[Any]]:
    """The columns of ``rows``, in their order; instants are milliseconds."""
    server = connection.dialect.name == "postgresql"
    these = list(rows.subquery().c)
    told = connection.execute(select(*(_told(column, server=server) for column in these))).one()
    return [_list(one, column) for one, column in zip(told, these, strict=True)]


class Lists:
    """A question whose columns are wanted as lists, built once for each database.

    The first ``often`` columns are given as ``columns`` gives them. The rest are words that nearly no row has: only
    those that are there are written, each beside its row's key. That is the first two columns: no two rows share it,
    rows are ordered by it, and SQLite finds them along it.
    """

    def __init__(self, rows: Select[Any], often: int) -> None:
        self._rows = rows
        self._often = list(rows.selected_columns)[:often]
        self._nothing = [None if column.nullable else "" for column in list(rows.selected_columns)[often:]]
        self._question = PerDialect(self._asked)

    def of(self, connection: Connection, asked: Mapping[str, object]) -> list[list[Any]]:
        """The columns in their order; instants are milliseconds. ``asked``: the parameters of the question."""
        *told, words = connection.execute(self._question.of(connection), asked).one()
        lists = [_list(one, column) for one, column in zip(told, self._often, strict=True)]
        odd = msgspec.json.decode(words or "[]")
        if lists[0] != sorted(lists[0]):
            lists = _in_order(lists)
            odd.sort()
        return lists + _spread(odd, lists[0], lists[1], self._nothing)

    def _asked(self, connection: Connection) -> Select[Any]:
        """SQLite writes rows as it reads them, in an order that it does not promise; to ask for one costs a tenth."""
        server = connection.dialect.name == "postgresql"
        these = list(self._rows.subquery().c if server else self._rows.selected_columns)
        told = [_told(column, server=server) for column in these[: len(self._often)]]
        told.append(_odd(these[:2], these[len(self._often) :], server=server))
        return select(*told) if server else self._rows.order_by(None).with_only_columns(*told)


def _told(column: ColumnElement[Any], *, server: bool) -> ColumnElement[Any]:
    if not server:
        return func.json_group_array(column)
    code = _code(column)
    if code is None:
        return cast(func.array_to_json(func.array_agg(column)), Text)
    sent = func.int8send(column) if code == "q" else func.float8send(column)
    return func.string_agg(sent, _NO_BYTES)


def _odd(key: Sequence[ColumnElement[Any]], words: Sequence[ColumnElement[Any]], *, server: bool) -> ColumnElement[Any]:
    some = or_(*(word != "" for word in words))
    if server:
        return cast(func.json_agg(func.json_build_array(*key, *words)).filter(some), Text)
    return func.json_group_array(func.json_array(*key, *words)).filter(some)


def _code(column: Any) -> str | None:
    """How ``array`` calls a number that is never absent."""
    kind = column.type.impl_instance if isinstance(column.type, TypeDecorator) else column.type
    if getattr(column, "nullable", True):
        return None
    return "q" if isinstance(kind, Integer) else "d" if isinstance(kind, Float) else None


def _list(told: str | bytes | None, column: ColumnElement[Any]) -> list[Any]:
    if not told:
        return []
    if isinstance(told, str):
        found: list[Any] = msgspec.json.decode(told)
        return found
    numbers = array(_code(column) or "", told)
    if sys.byteorder == "little":
        numbers.byteswap()
    return numbers.tolist()


def _in_order(lists: Sequence[list[Any]]) -> list[list[Any]]:
    order = sorted(range(len(lists[0])), key=lambda place: (lists[0][place], lists[1][place]))
    return [[one[place] for place in order] for one in lists]


def _spread(
    odd: Sequence[list[Any]], first: list[Any], second: list[Any], nothing: Sequence[str | None]
) -> list[list[Any]]:
    """Each word at its row's place, and nothing everywhere else."""
    lists: list[list[Any]] = [[none] * len(first) for none in nothing]
    place = 0
    for one, other, *words in odd:
        place = second.index(other, first.index(one, place))
        for words_of, word in zip(lists, words, strict=True):
            words_of[place] = word
    return lists
