"""Bad input, kept whole."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, func, insert, select, update

from hub.adapters.sql.tables.measurements import attempt, quarantine
from hub.adapters.sql.upsert import insert_into

RAW_LIMIT = 256 * 1024
"""Bytes kept of one message; twice what a batch may have."""


MOST_UNANSWERED = 20
"""Rows of one topic and code whose sender gets no answer, and so sends for ever, that wait for somebody to look."""

LOOKED_BACK = 20
"""Rows of one topic and code among which the same bytes are looked for."""


class SqlQuarantine:
    """See ``hub.services.ports.measuring.Quarantine``."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, gateway_id: str, topic: str, code: str, detail: str, raw: bytes, now: datetime) -> int:
        """The row's id: a new one's, unless the same bytes came just before and nobody has looked at them yet."""
        values = _values(gateway_id, topic, code, detail, raw, now)
        again = self._again(values)
        if again is not None and self._counted(again):
            return again
        added: int = self._connection.execute(insert(quarantine).values(values).returning(quarantine.c.id)).scalar_one()
        return added

    def add_unanswered(self, gateway_id: str, topic: str, code: str, detail: str, raw: bytes, now: datetime) -> None:
        """A new row, until ``MOST_UNANSWERED`` of this topic and code wait unseen: then the newest of them takes it."""
        values = _values(gateway_id, topic, code, detail, raw, now)
        q = quarantine.c
        # Of a row that is passed over SQLite reads the head alone: those that were seen may lie between.
        unseen = select(q.id).where(q.topic == values["topic"], q.code == code, q.seen_at.is_(None))
        newest = unseen.order_by(q.id.desc()).limit(MOST_UNANSWERED)
        ids = self._connection.execute(newest).scalars().all()
        if len(ids) < MOST_UNANSWERED or not self._counted(ids[0], **values):
            self._connection.execute(insert(quarantine).values(values))

    def _again(self, values: dict[str, Any]) -> int | None:
        """The row of a message that was sent again before its answer came; of one that is cut nobody knows the rest."""
        if values["size"] != len(values["raw"]):
            return None
        q = quarantine.c
        alike = select(q.id).where(q.topic == values["topic"], q.code == values["code"])
        newest = alike.order_by(q.id.desc()).limit(LOOKED_BACK).subquery()
        # By its size first: of a row that differs in it the bytes are not read.
        same = q.id.in_(select(newest.c.id)), q.size == values["size"], q.seen_at.is_(None), q.raw == values["raw"]
        found: int | None = self._connection.execute(select(func.max(q.id)).where(*same)).scalar()
        return found

    def _counted(self, again: int, **values: Any) -> bool:
        """False if somebody has looked at the row since it was found. ``values``: what it takes over."""
        this = quarantine.c.id == again, quarantine.c.seen_at.is_(None)
        counted = update(quarantine).where(*this).values(times=quarantine.c.times + 1, **values)
        return self._connection.execute(counted).rowcount == 1

    def count_unseen(self) -> int:
        """How many nobody has looked at."""
        counted = select(func.count()).select_from(quarantine).where(quarantine.c.seen_at.is_(None))
        return self._connection.execute(counted).scalar_one()

    def mark_seen(self, quarantine_id: int, staff_id: int, note: str, now: datetime) -> bool:
        """False if somebody had looked before."""
        changed = self._connection.execute(
            update(quarantine)
            .where(quarantine.c.id == quarantine_id, quarantine.c.seen_at.is_(None))
            .values(seen_at=now, seen_by=staff_id, note=note)
        )
        return changed.rowcount == 1

    def attempts(self, digest: bytes, now: datetime) -> int:
        """Count one more attempt; how many were started before it and never finished."""
        statement = insert_into(self._connection, attempt).values(digest=digest, started=1, started_at=now)
        statement = statement.on_conflict_do_update(
            index_elements=["digest"], set_={"started": attempt.c.started + 1, "started_at": now}
        ).returning(attempt.c.started)
        started: int = self._connection.execute(statement).scalar_one()
        return started - 1

    def started(self, digests: Sequence[bytes]) -> Mapping[bytes, int]:
        """How many attempts at each were started and never finished."""
        found = select(attempt.c.digest, attempt.c.started).where(attempt.c.digest.in_(digests))
        return {row.digest: row.started for row in self._connection.execute(found)}

    def finished(self, digests: Sequence[bytes]) -> None:
        """These messages were dealt with."""
        if digests:
            self._connection.execute(delete(attempt).where(attempt.c.digest.in_(digests)))


def _values(gateway_id: str, topic: str, code: str, detail: str, raw: bytes, now: datetime) -> dict[str, Any]:
    return {
        "received_at": now,
        "gateway_id": gateway_id[:40],
        "topic": topic[:200],
        "code": code,
        "detail": detail,
        "raw": raw[:RAW_LIMIT],
        "size": len(raw),
    }
