"""The audit log."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import Connection, Row, bindparam, insert, select, update

from hub.adapters.sql.tables.operations import audit
from hub.services.ports.operations import AuditRow


class SqlAudit:
    """See ``hub.services.ports.operations.Audit``."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def write(self, at: datetime, actor: str, act: str, subject: str, detail: Mapping[str, object]) -> None:
        """One act, unchained: the worker seals it."""
        self._connection.execute(
            insert(audit).values(
                at=at, actor=actor, act=act, subject=subject, detail=json.dumps(detail, sort_keys=True, default=str)
            )
        )

    def unsealed(self, limit: int) -> list[AuditRow]:
        """In id order."""
        found = select(audit).where(audit.c.hash.is_(None)).order_by(audit.c.id).limit(limit)
        return [_row(row) for row in self._connection.execute(found)]

    def last_sealed(self) -> AuditRow | None:
        """The head of the chain."""
        found = select(audit).where(audit.c.hash.is_not(None)).order_by(audit.c.id.desc()).limit(1)
        row = self._connection.execute(found).first()
        return None if row is None else _row(row)

    def seal(self, seals: Sequence[tuple[int, bytes]]) -> None:
        """Write each row's hash, once."""
        if seals:
            this = (audit.c.id == bindparam("this")) & audit.c.hash.is_(None)
            self._connection.execute(
                update(audit).where(this).values(hash=bindparam("digest")),
                [{"this": row_id, "digest": digest} for row_id, digest in seals],
            )

    def read(self, after: int, limit: int) -> list[AuditRow]:
        """Rows with a higher id, in id order."""
        found = select(audit).where(audit.c.id > after).order_by(audit.c.id).limit(limit)
        return [_row(row) for row in self._connection.execute(found)]


def _row(row: Row[tuple[object, ...]]) -> AuditRow:
    return AuditRow(row.id, row.at, row.actor, row.act, row.subject, row.detail, row.hash)
