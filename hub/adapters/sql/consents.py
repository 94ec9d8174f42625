"""The consent ledger."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, insert, select, update

from hub.adapters.sql.tables.people import consent as table
from hub.services.ports.consents import ConsentEntry


class SqlConsents:
    """See ``hub.services.ports.consents.Consents``."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def give(
        self, patient_id: int, scope: str, wording: str, source: str, by: str, now: datetime, phone: str | None = None
    ) -> int:
        """The new line's id."""
        values = {
            "patient_id": patient_id,
            "scope": scope,
            "phone": phone,
            "wording": wording,
            "source": source,
            "given_at": now,
            "given_by": by,
        }
        added: int = self._connection.execute(insert(table).values(values).returning(table.c.id)).scalar_one()
        return added

    def revoke(self, patient_id: int, scope: str, source: str, by: str, now: datetime) -> int:
        """End every line of this scope that stands; how many."""
        these = (table.c.patient_id == patient_id) & (table.c.scope == scope) & table.c.revoked_at.is_(None)
        ended = {"revoked_at": now, "revoked_source": source, "revoked_by": by}
        return self._connection.execute(update(table).where(these).values(ended)).rowcount

    def stands(self, patient_id: int, scope: str, phone: str | None = None) -> bool:
        """Whether a line of this scope has not ended."""
        these = (table.c.patient_id == patient_id) & (table.c.scope == scope) & table.c.revoked_at.is_(None)
        if phone is not None:
            these &= table.c.phone == phone
        return self._connection.execute(select(table.c.id).where(these).limit(1)).first() is not None

    def of_patient(self, patient_id: int) -> Sequence[ConsentEntry]:
        """The newest line first."""
        found = select(table).where(table.c.patient_id == patient_id).order_by(table.c.id.desc())
        return [ConsentEntry(**row) for row in self._connection.execute(found).mappings()]
