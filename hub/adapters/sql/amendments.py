"""Samples that hold no more: void, or replaced by another. Reads of the series leave them out."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, FromClause, Result, Table, and_, delete, or_, select

from hub.adapters.sql.among import among
from hub.adapters.sql.tables.measurements import METRIC_CODES, latest
from hub.adapters.sql.tables.series import amendment
from hub.adapters.sql.upsert import insert_into
from hub.domain.samples import Sample
from hub.services.ports.series import Amendment


def holds(line: FromClause, *these: ColumnElement[bool]) -> ColumnElement[bool]:
    """Whether a sample of ``line`` is neither void nor replaced; ``these`` are the amendments that may speak of it.

    Amendments are few, and a sample's id is its own on every line: the list is read once a question. Mostly there is
    none, and no row is looked for in it.
    """
    gone = select(amendment.c.reading_id).where(*these)
    return or_(~gone.exists(), line.c.reading_id.not_in(gone))


def add(connection: Connection, patient_id: int, sample: Sample, by: Sample | None, why: Amendment) -> bool:
    """Name this sample as void, or as replaced ``by`` another; False if it was named before."""
    row = {
        "patient_id": patient_id,
        "metric": METRIC_CODES[sample.metric],
        "at": sample.at,
        "reading_id": sample.reading_id,
        "kind": "void" if by is None else "correct",
        "by_reading_id": None if by is None else by.reading_id,
        "reason": why.reason,
        "made_by": why.made_by,
        "made_at": why.made_at,
    }
    added = insert_into(connection, amendment).values(row).on_conflict_do_nothing().returning(amendment.c.id)
    return connection.execute(added).first() is not None


def within(connection: Connection, line: Table, patient_id: int, since: datetime, until: datetime) -> Result[Any]:
    """Samples of ``line`` that are named, with what their amendments say (``kind``, ``reason``, ``made_by``, …)."""
    same = and_(*(line.c[name] == amendment.c[name] for name in ("patient_id", "metric", "at", "reading_id")))
    said = amendment.c.kind, amendment.c.reason, amendment.c.made_by, amendment.c.made_at
    theirs = amendment.c.patient_id == patient_id, amendment.c.at >= since, amendment.c.at < until
    found = select(*line.c, *said).join(amendment, same).where(*theirs)
    return connection.execute(found.order_by(line.c.at, line.c.metric, line.c.reading_id))


def take_out_of_latest(connection: Connection, patient_ids: Sequence[int]) -> list[tuple[int, int]]:
    """Delete latest values that hold no more; of which (patient, metric) another is the newest now."""
    them = delete(latest).where(among(latest.c.patient_id), ~holds(latest))
    gone = them.returning(latest.c.patient_id, latest.c.metric)
    return [(row.patient_id, row.metric) for row in connection.execute(gone, {"ids": patient_ids})]
