"""Tasks as lines."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, select

from hub.adapters.sql.reads.people import PATIENT_COLUMNS, joined_tag
from hub.adapters.sql.tables.alerting import alert
from hub.adapters.sql.tables.care import task
from hub.adapters.sql.tables.people import patient, staff
from hub.services.views.worklist import TaskRow

_owner = staff.alias("owner")
_doer = staff.alias("doer")

OPEN = (task.c.done_at.is_(None), task.c.cancelled.is_(False))
MOST = 500


def open_tasks(connection: Connection, *further: ColumnElement[bool]) -> tuple[TaskRow, ...]:
    """Open ones, the longest due first."""
    return _tasks(connection, [*OPEN, *further], [task.c.due_at, task.c.id])


def done_tasks(connection: Connection, since: datetime) -> tuple[TaskRow, ...]:
    """Those done since, newest first."""
    return _tasks(connection, [task.c.done_at >= since], [task.c.done_at.desc(), task.c.id])


def _tasks(
    connection: Connection, which: Sequence[ColumnElement[bool]], order: Sequence[ColumnElement[Any]]
) -> tuple[TaskRow, ...]:
    found = (
        select(
            task,
            _owner.c.name.label("owner_name"),
            _doer.c.name.label("doer_name"),
            alert.c.ref.label("alert_ref"),
            *PATIENT_COLUMNS,
        )
        .outerjoin(_owner, _owner.c.id == task.c.owner_id)
        .outerjoin(_doer, _doer.c.id == task.c.done_by)
        .outerjoin(alert, alert.c.id == task.c.alert_id)
        .outerjoin(patient, patient.c.id == task.c.patient_id)
        .where(*which)
        .order_by(*order)
        .limit(MOST)
    )
    return tuple(_row(row) for row in connection.execute(found))


def _row(r: Row[Any]) -> TaskRow:
    return TaskRow(
        id=r.id,
        kind=r.kind,
        title=r.title,
        due_at=r.due_at,
        created_at=r.created_at,
        owner_id=r.owner_id,
        owner=r.owner_name,
        role=r.role,
        patient=joined_tag(r),
        alert_ref=r.alert_ref,
        done_at=r.done_at,
        done_by=r.doer_name,
        note=r.note,
    )
