"""``column IN (...)`` for any number of values, as one parameter: a list written out is compiled anew each time."""

import json
from collections.abc import Collection
from typing import Any, Self

from sqlalchemy import Boolean, Column, ColumnElement, Dialect, Text, bindparam
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import TypeDecorator, TypeEngine


def among(column: Column[Any], name: str = "ids") -> ColumnElement[bool]:
    """Whether ``column`` is one of the values that are given as parameter ``name``, all of one kind."""
    return _Among(column, bindparam(name, type_=_Listed(column.type)))


def listed(values: Collection[Any], dialect: Dialect) -> list[Any] | str:
    """The values of ``among`` as the driver takes them."""
    return list(values) if dialect.name == "postgresql" else json.dumps(list(values))


class _Listed(TypeDecorator[Collection[Any]]):
    """A collection as one parameter: JSON, or an array on PostgreSQL."""

    impl = Text
    cache_ok = True

    def __init__(self, one: TypeEngine[Any]) -> None:
        self.one = one
        super().__init__()

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(ARRAY(self.one) if dialect.name == "postgresql" else Text())

    def process_bind_param(self, value: Collection[Any] | None, dialect: Dialect) -> list[Any] | str:
        return listed(value or (), dialect)


class _Among(FunctionElement[bool]):
    type = Boolean()
    inherit_cache = True

    def self_group(self, against: object = None) -> Self:  # noqa: ARG002 (interface)
        """As it is: SQLite has no booleans, and would be asked whether it ``= 1``, which no index answers."""
        return self


@compiles(_Among)
def _json_each(element: _Among, compiler: SQLCompiler, **kw: Any) -> str:
    column, listed = (compiler.process(one, **kw) for one in element.clauses)
    return f"{column} IN (SELECT value FROM json_each({listed}))"


@compiles(_Among, "postgresql")
def _any(element: _Among, compiler: SQLCompiler, **kw: Any) -> str:
    column, listed = (compiler.process(one, **kw) for one in element.clauses)
    return f"{column} = ANY ({listed})"
