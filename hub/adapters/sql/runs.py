"""Rows of thousands of numbers as SQLite finds them soonest: neighbours together, from the first of a run to its last.

That many are asked for where nearly everybody is, and to find each for himself costs as much as to read what he has.
"""

import json
from collections.abc import Collection, Iterable
from typing import Any

from sqlalchemy import Column, Dialect, Join, Select, Text, bindparam, func
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.types import TypeDecorator


def of_runs(rows: Select[Any], column: Column[Any], name: str = "ids") -> Select[Any]:
    """Those of ``rows`` whose ``column`` is one of the whole numbers that are given as parameter ``name``."""
    runs = func.json_each(bindparam(name, type_=_Runs())).table_valued("key", "value", name="runs")
    return rows.select_from(_InOrder(runs, column.table, column.between(runs.c.key, runs.c.value)))


def runs(numbers: Iterable[int]) -> dict[int, int]:
    """The first of each run of neighbours and its last."""
    ends: dict[int, int] = {}
    first = last = -2
    for one in sorted(numbers):
        if not ends or one > last + 1:
            first = one
        ends[first] = last = one
    return ends


class _Runs(TypeDecorator[Collection[int]]):
    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Collection[int] | None, dialect: Dialect) -> str:  # noqa: ARG002 (interface)
        return json.dumps(runs(value or ()))


class _InOrder(Join):
    """The left is walked through and the right is looked up. Once SQLite has counted rows, it would do the reverse."""

    inherit_cache = True


@compiles(_InOrder)
def _cross_join(element: Any, compiler: SQLCompiler, **kw: Any) -> str:
    joined: str = compiler.visit_join(element, **kw)  # type: ignore[no-untyped-call]
    return joined.replace(" JOIN ", " CROSS JOIN ", 1)
