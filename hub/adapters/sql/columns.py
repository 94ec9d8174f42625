"""Thousands of rows as parallel lists.

The database writes each column as one JSON text, which is read in one go: half of the time that rows take.
"""

from collections.abc import Mapping
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Connection, Select, Text, cast, func, select


def columns(connection: Connection, rows: Select[Any], asked: Mapping[str, object] | None = None) -> list[list[Any]]:
    """The columns of ``rows``, in their order; instants are milliseconds. ``asked``: the parameters of ``rows``."""
    these = rows.subquery()
    listed = _sqlite if connection.dialect.name == "sqlite" else _postgresql
    told = connection.execute(select(*(listed(column) for column in these.c)), asked).one()
    return [msgspec.json.decode(text) if text is not None else [] for text in told]


def _sqlite(column: ColumnElement[Any]) -> ColumnElement[str]:
    return func.json_group_array(column)


def _postgresql(column: ColumnElement[Any]) -> ColumnElement[str]:
    return cast(func.array_to_json(func.array_agg(column)), Text)
