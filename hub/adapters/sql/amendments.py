"""Samples that hold no more: void, or replaced by another. Reads of the series leave them out."""

from typing import Any

from sqlalchemy import ColumnElement, Table, select

from hub.adapters.sql.tables.series import amendment


def holds(line: Table, *these: ColumnElement[bool]) -> ColumnElement[bool]:
    """Whether a sample of ``line`` is neither void nor replaced; ``these`` are the amendments that may speak of it.

    Amendments are few, and a sample's id is its own on every line: the list is read once a question.
    """
    gone: Any = select(amendment.c.reading_id)
    return line.c.reading_id.not_in(gone.where(*these))
