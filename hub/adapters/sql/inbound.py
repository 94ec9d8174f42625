"""Texts that came."""

from datetime import datetime

from sqlalchemy import Connection, RowMapping, func, or_, select, update

from hub.adapters.sql.tables.alerting import UNHANDLED
from hub.adapters.sql.tables.alerting import inbound as table
from hub.adapters.sql.tables.people import patient, staff
from hub.adapters.sql.upsert import insert_into
from hub.domain.patients import Monitoring
from hub.errors import NotFound
from hub.services.ports.alerting import InboundText


class SqlInbound:
    """See ``hub.services.ports.alerting.Inbound``."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, text: InboundText) -> int | None:
        """None if the provider told of it before."""
        values = {
            "provider_id": text.provider_id,
            "from": text.sender,
            "to": text.to,
            "body": text.body,
            "media": text.media,
            "opt_out": text.opt_out,
            "received_at": text.received_at,
            "staff_id": text.staff_id,
            "patient_id": text.patient_id,
            "understood": text.understood,
        }
        statement = insert_into(self._connection, table).values(values).on_conflict_do_nothing()
        added: int | None = self._connection.execute(statement.returning(table.c.id)).scalar_one_or_none()
        return added

    def get(self, inbound_id: int) -> InboundText:
        """Raises ``NotFound``."""
        row = self._connection.execute(select(table).where(table.c.id == inbound_id)).mappings().first()
        if row is None:
            raise NotFound("no such text")
        return _text(row)[1]

    def unhandled(self, limit: int) -> list[tuple[int, InboundText]]:
        """Not looked at by the worker yet, in the order they came; strangers' after those of known numbers."""
        known = [select(people.c.id).where(people.c.phone == table.c["from"]).exists() for people in (patient, staff)]
        found = select(table).where(UNHANDLED).order_by(or_(*known).desc(), table.c.id).limit(limit)
        return [_text(row) for row in self._connection.execute(found).mappings()]

    def handled(self, inbound_id: int, staff_id: int | None, patient_id: int | None, now: datetime) -> bool:
        """Compare-and-set from unhandled."""
        this = update(table).where(table.c.id == inbound_id, UNHANDLED)
        whose = this.values(staff_id=staff_id, patient_id=patient_id, handled_at=now)
        return self._connection.execute(whose).rowcount == 1

    def understood(self, inbound_id: int, as_what: str, now: datetime) -> None:
        """It is no longer unread."""
        self._connection.execute(
            update(table).where(table.c.id == inbound_id).values(understood=as_what[:24], read_at=now)
        )

    def mark_read(self, inbound_id: int, now: datetime) -> bool:
        """A person has read it; False if it does not wait to be read."""
        marked = update(table).where(table.c.id == inbound_id, table.c.read_at.is_(None)).values(read_at=now)
        return self._connection.execute(marked).rowcount == 1

    def unread(self, limit: int) -> list[tuple[int, InboundText]]:
        """Oldest first."""
        found = select(table).where(table.c.read_at.is_(None)).order_by(table.c.id).limit(limit)
        return [_text(row) for row in self._connection.execute(found).mappings()]

    def patients_with_phone(self, phone: str) -> list[int]:
        """Patients not ended whose own number this is; several where a household shares a phone."""
        found = select(patient.c.id).where(patient.c.phone == phone, patient.c.state != Monitoring.ENDED.value)
        return list(self._connection.execute(found.order_by(patient.c.id)).scalars())

    def after(self, phone: str, since: datetime) -> list[InboundText]:
        """What came from this number after ``since``."""
        found = select(table).where(table.c["from"] == phone, table.c.received_at > since).order_by(table.c.id)
        return [_text(row)[1] for row in self._connection.execute(found).mappings()]

    def count_from(self, phone: str, since: datetime) -> int:
        """How many texts came from this number since: what stops two machines from answering each other."""
        found = select(func.count()).select_from(table).where(table.c["from"] == phone, table.c.received_at >= since)
        counted: int = self._connection.execute(found).scalar_one()
        return counted


def _text(row: RowMapping) -> tuple[int, InboundText]:
    text = InboundText(
        provider_id=row["provider_id"],
        sender=row["from"],
        body=row["body"],
        received_at=row["received_at"],
        staff_id=row["staff_id"],
        patient_id=row["patient_id"],
        understood=row["understood"],
        to=row["to"],
        media=row["media"],
        opt_out=row["opt_out"],
    )
    return row["id"], text
