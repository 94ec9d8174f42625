"""``column IN (...)`` for any number of values, as one parameter: a list written out is compiled anew each time."""

import json
from collections.abc import Collection
from typing import Any

from sqlalchemy import Column, ColumnElement, Connection, any_, bindparam, func, literal, select
from sqlalchemy.dialects.postgresql import ARRAY


def among(
    connection: Connection, column: Column[Any], values: Collection[int] | Collection[str]
) -> ColumnElement[bool]:
    """Whether ``column`` is one of ``values``, which are all of one kind."""
    listed = list(values)
    if connection.dialect.name == "postgresql":
        return column == any_(literal(listed, ARRAY(column.type)))
    each = func.json_each(bindparam(None, json.dumps(listed))).table_valued("value")
    return column.in_(select(each.c.value))
