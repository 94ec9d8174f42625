"""The journal and the two keys that make a replay harmless."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import Connection, Row, insert, select, tuple_, update

from hub.adapters.sql.tables.measurements import journal, record_key, transport_key
from hub.services.ports.measuring import HeldEntry, JournalEntry, KnownKey


class SqlJournal:
    """See ``hub.services.ports.measuring.Journal``."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def transport_keys(self, keys: Sequence[tuple[str, str, int]]) -> Mapping[tuple[str, str, int], KnownKey]:
        """What was answered for these keys before."""
        key = transport_key.c
        found = select(transport_key).where(tuple_(key.gateway_id, key.spool, key.seq).in_(keys))
        return {
            (r.gateway_id, r.spool, r.seq): KnownKey(r.digest, r.status, r.code)
            for r in self._connection.execute(found)
        }

    def record_keys(self, keys: Sequence[tuple[str, str]]) -> Mapping[tuple[str, str], bytes]:
        """Digests known for (device, record)."""
        if not keys:
            return {}
        found = select(record_key).where(tuple_(record_key.c.device, record_key.c.record).in_(keys))
        return {(r.device, r.record): r.digest for r in self._connection.execute(found)}

    def append(self, entries: Sequence[JournalEntry]) -> list[int]:
        """Rows and keys in three statements; ids in the entries' order."""
        if not entries:
            return []
        statement = insert(journal).returning(journal.c.id, sort_by_parameter_order=True)
        ids = [row.id for row in self._connection.execute(statement, [_journal_values(e) for e in entries])]
        self._connection.execute(
            insert(transport_key),
            [
                {
                    "gateway_id": e.gateway_id,
                    "spool": e.spool,
                    "seq": e.seq,
                    "digest": e.digest,
                    "status": e.status,
                    "code": e.code,
                }
                for e in entries
            ],
        )
        records = [
            {"device": e.device, "record": e.record, "digest": e.record_digest, "journal_id": row_id}
            for e, row_id in zip(entries, ids, strict=True)
            if e.record is not None
        ]
        if records:
            self._connection.execute(insert(record_key), records)
        return ids

    def refuse(self, keys: Sequence[tuple[str, str, int, bytes, str]]) -> None:
        """Keys of rejected readings."""
        rows = [
            {"gateway_id": gateway, "spool": spool, "seq": seq, "digest": digest, "status": "rejected", "code": code}
            for gateway, spool, seq, digest, code in keys
        ]
        if rows:
            self._connection.execute(insert(transport_key), rows)

    def held(self, limit: int) -> list[HeldEntry]:
        """Readings a person must decide on, oldest first."""
        found = select(journal).where(journal.c.status == "held").order_by(journal.c.hub_received_at, journal.c.id)
        return [_held(row) for row in self._connection.execute(found.limit(limit))]

    def held_of(self, device: str) -> list[HeldEntry]:
        """Held readings of one device, oldest first."""
        found = select(journal).where(journal.c.status == "held", journal.c.device == device).order_by(journal.c.id)
        return [_held(row) for row in self._connection.execute(found)]

    def get_held(self, journal_id: int) -> HeldEntry | None:
        """A held reading, or None if it is none (any more)."""
        found = select(journal).where(journal.c.id == journal_id, journal.c.status == "held")
        row = self._connection.execute(found).first()
        return None if row is None else _held(row)

    def release(self, journal_id: int, patient_id: int | None, device_id: int | None, status: str) -> bool:
        """Compare-and-set from ``held``."""
        changed = self._connection.execute(
            update(journal)
            .where(journal.c.id == journal_id, journal.c.status == "held")
            .values(status=status, patient_id=patient_id, device_id=device_id)
        )
        return changed.rowcount == 1

    def oldest_held(self) -> datetime | None:
        """When the oldest reading in the inbox came."""
        held = self.held(1)
        return held[0].received_at if held else None


def _journal_values(e: JournalEntry) -> dict[str, object]:
    return {
        "gateway_id": e.gateway_id,
        "spool": e.spool,
        "seq": e.seq,
        "device": e.device,
        "status": e.status,
        "code": e.code,
        "device_id": e.device_id,
        "patient_id": e.patient_id,
        "effective_at": e.effective_at,
        "hub_received_at": e.received_at,
        "age_s": e.age.total_seconds(),
        "flags": " ".join(sorted(e.flags)),
        "body": e.body,
    }


def _held(r: Row[tuple[object, ...]]) -> HeldEntry:
    return HeldEntry(
        r.id,
        r.gateway_id,
        r.device,
        r.code or "",
        r.effective_at,
        r.hub_received_at,
        frozenset(r.flags.split()),
        r.body,
    )
