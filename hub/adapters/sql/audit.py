"""The audit log."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import Connection, Row, bindparam, select, update
from sqlalchemy.exc import IntegrityError

from hub.adapters.sql.many import inserted
from hub.adapters.sql.tables.operations import UNSEALED, audit
from hub.adapters.sql.types import to_ms
from hub.errors import Transient
from hub.services.ports.operations import Act, AuditRow

_DETAIL = json.JSONEncoder(sort_keys=True, default=str)
_WRITE = inserted(audit, "at", "actor", "act", "subject", "detail")


class SqlAudit:
    """See ``hub.services.ports.operations.Audit``."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def write(self, at: datetime, actor: str, act: str, subject: str, detail: Mapping[str, object]) -> None:
        """One act, unchained: the worker seals it."""
        self.write_all(at, actor, subject, [(act, detail)])

    def write_all(self, at: datetime, actor: str, subject: str, acts: Sequence[Act]) -> None:
        """As ``write``, by one statement."""
        rows = [(to_ms(at), actor, act, subject, _DETAIL.encode(told)) for act, told in acts]
        _WRITE.execute(self._connection, rows)

    def unsealed(self, limit: int) -> list[AuditRow]:
        """In id order."""
        found = select(audit).where(UNSEALED).order_by(audit.c.id).limit(limit)
        return [_row(row) for row in self._connection.execute(found)]

    def last_sealed(self) -> AuditRow | None:
        """The head of the chain."""
        found = select(audit).where(audit.c.position.is_not(None)).order_by(audit.c.position.desc()).limit(1)
        row = self._connection.execute(found).first()
        return None if row is None else _row(row)

    def seal(self, seals: Sequence[tuple[int, int, bytes]]) -> None:
        """Write each row's position and hash, once."""
        if not seals:
            return
        this = (audit.c.id == bindparam("this")) & UNSEALED
        sealed = update(audit).where(this).values(position=bindparam("place"), hash=bindparam("digest"))
        try:
            self._connection.execute(
                sealed, [{"this": row_id, "place": position, "digest": digest} for row_id, position, digest in seals]
            )
        except IntegrityError as error:
            raise Transient("another worker seals the audit at this moment") from error

    def read(self, after: int, limit: int) -> list[AuditRow]:
        """Sealed rows behind this position, in the chain's order."""
        found = select(audit).where(audit.c.position > after).order_by(audit.c.position).limit(limit)
        return [_row(row) for row in self._connection.execute(found)]


def _row(row: Row[tuple[object, ...]]) -> AuditRow:
    return AuditRow(row.id, row.at, row.actor, row.act, row.subject, row.detail, row.position, row.hash)
