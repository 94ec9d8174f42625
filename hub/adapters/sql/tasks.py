"""Tasks, and contacts with patients."""

from dataclasses import asdict, fields
from datetime import datetime

from sqlalchemy import Connection, RowMapping, and_, insert, select, update

from hub.adapters.sql.tables.care import contact
from hub.adapters.sql.tables.care import task as table
from hub.adapters.sql.upsert import insert_into
from hub.domain.escalation import TASKS_THAT_PAGE
from hub.errors import NotFound
from hub.services.ports.alerting import Contact, NewTask, Task

_OPEN = and_(table.c.done_at.is_(None), table.c.cancelled.is_(False))
_FIELDS = tuple(one.name for one in fields(Task))


class SqlTasks:
    """See ``hub.services.ports.alerting.Tasks``."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, task: NewTask, now: datetime) -> int | None:
        """None if a task with this key stands already."""
        values = {**asdict(task), "created_at": now, "page_at": task.due_at if task.kind in TASKS_THAT_PAGE else None}
        statement = insert_into(self._connection, table).values(values).on_conflict_do_nothing()
        added: int | None = self._connection.execute(statement.returning(table.c.id)).scalar_one_or_none()
        return added

    def get(self, task_id: int) -> Task:
        """Raises ``NotFound``."""
        row = self._connection.execute(select(table).where(table.c.id == task_id)).mappings().first()
        if row is None:
            raise NotFound("no such task")
        return to_task(row)

    def open_keys(self, kind: str) -> set[str]:
        """Keys of the open tasks of this kind."""
        found = select(table.c.key).where(table.c.kind == kind, table.c.key.is_not(None), _OPEN)
        return set(self._connection.execute(found).scalars())

    def claim(self, task_id: int, staff_id: int) -> bool:
        """Compare-and-set from "nobody's"."""
        nobodys = (table.c.id == task_id) & table.c.owner_id.is_(None) & _OPEN
        return self._connection.execute(update(table).where(nobodys).values(owner_id=staff_id)).rowcount == 1

    def complete(self, task_id: int, staff_id: int | None, note: str | None, now: datetime) -> bool:
        """Compare-and-set from open."""
        values = {"done_at": now, "done_by": staff_id, "note": note, "page_at": None}
        still = (table.c.id == task_id) & _OPEN
        return self._connection.execute(update(table).where(still).values(values)).rowcount == 1

    def set_page(self, task_id: int, seen_pages: int, pages: int, page_at: datetime | None, now: datetime) -> bool:
        """Compare-and-set on the number of pages."""
        same = (table.c.id == task_id) & (table.c.pages == seen_pages) & _OPEN
        values = {"pages": pages, "page_at": page_at, "paged_at": now}
        return self._connection.execute(update(table).where(same).values(values)).rowcount == 1

    def due_pages(self, now: datetime, limit: int) -> list[int]:
        """Open tasks somebody is to be paged about."""
        due = select(table.c.id).where(table.c.page_at <= now, _OPEN).order_by(table.c.page_at).limit(limit)
        return list(self._connection.execute(due).scalars())

    def cancel_of_patient(self, patient_id: int) -> int:
        """How many were open."""
        theirs = (table.c.patient_id == patient_id) & _OPEN
        return self._connection.execute(update(table).where(theirs).values(cancelled=True, page_at=None)).rowcount

    def open(self, limit: int) -> list[Task]:
        """The first due first."""
        found = select(table).where(_OPEN).order_by(table.c.due_at, table.c.id).limit(limit)
        return [to_task(row) for row in self._connection.execute(found).mappings()]

    def add_contact(self, new: Contact) -> int:
        """The new row's id."""
        values = {**asdict(new), "reached": int(new.reached)}
        added: int = self._connection.execute(insert(contact).values(values).returning(contact.c.id)).scalar_one()
        return added

    def contacts(self, patient_id: int) -> list[Contact]:
        """Newest first."""
        found = select(contact).where(contact.c.patient_id == patient_id).order_by(contact.c.at.desc())
        return [
            Contact(
                patient_id=row.patient_id,
                alert_id=row.alert_id,
                staff_id=row.staff_id,
                at=row.at,
                way=row.way,
                reached=bool(row.reached),
                note=row.note,
            )
            for row in self._connection.execute(found)
        ]


def to_task(row: RowMapping) -> Task:
    """A row of the task table."""
    return Task(**{name: row[name] for name in _FIELDS})
