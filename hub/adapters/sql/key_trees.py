"""The two keys that make a replay harmless, each in one of two trees (decision 29).

Where a key lies costs more than the key: a page is read, written to the WAL and copied from there. What a gateway
sends after a while lies together by the name of its sender. What comes by itself, one reading from each of thousands
of gateways, would change a page for each; by its time it lies beside what others send just now.
"""

import json
from collections import Counter
from collections.abc import Mapping, Sequence

from sqlalchemy import Connection, insert, select, text, tuple_, update

from hub.adapters.sql import straight
from hub.adapters.sql.many import Many
from hub.adapters.sql.tables.keys import CLOCK, record_key, transport_by_time, transport_key
from hub.services.ports.measuring import AnsweredKey, JournalEntry, KnownKey

_SENDER = ("gateway_id", "spool", "seq", "digest", "status", "code")
_SENT = Many(lambda _: insert(transport_key), _SENDER)
_SENT_BY_TIME = Many(lambda _: insert(transport_by_time), ("seq", *_SENDER[:2], *_SENDER[3:]))
_RECORDS = Many(lambda _: insert(record_key), ("device", "record", "digest", "journal_id"))
_RECORDS_BY_TIME = f"""INSERT INTO record_by_time (clock, device, record, digest, journal_id)
    VALUES ({CLOCK.format(record="?1")}, ?2, ?1, ?3, ?4)"""
_RECORD_AT = text(
    f"""SELECT there.device, there.record, there.digest, there.journal_id FROM (
        SELECT json_extract(value, '$[0]') AS device, json_extract(value, '$[1]') AS record FROM json_each(:keys)
    ) AS asked CROSS JOIN record_by_time AS there ON there.clock = {CLOCK.format(record="asked.record")}
    AND there.device = asked.device AND there.record = asked.record"""
)

_MOVED = text(
    f"""UPDATE record_by_time SET journal_id = :row, digest = :digest
    WHERE clock = {CLOCK.format(record=":record")} AND device = :device AND record = :record"""
)

TOGETHER = 8
"""So many readings of one gateway in a group lie together by its name."""

CHUNK = 300
"""Keys of one question: databases bound the number of parameters."""


class KeyTrees:
    """Both keys of readings, looked for and added. What would stand twice is the database's ``IntegrityError``."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        # Of several processes that write, one would not see yet what another adds to the other tree.
        self._by_time = connection.dialect.name == "sqlite"

    def transport(self, keys: Sequence[tuple[str, str, int]]) -> Mapping[tuple[str, str, int], KnownKey]:
        """What was answered for (gateway, spool, seq)."""
        known: dict[tuple[str, str, int], KnownKey] = {}
        for table in (transport_key, transport_by_time) if self._by_time else (transport_key,):
            key = tuple_(table.c.gateway_id, table.c.spool, table.c.seq)
            for start in range(0, len(keys), CHUNK):
                found = select(table).where(key.in_(keys[start : start + CHUNK]))
                for r in self._connection.execute(found):
                    known[r.gateway_id, r.spool, r.seq] = KnownKey(r.digest, r.status, r.code)
        return known

    def records(self, keys: Sequence[tuple[str, str]]) -> dict[tuple[str, str], tuple[bytes, int]]:
        """By (device, record), the digest of the values and the row of the journal."""
        known: dict[tuple[str, str], tuple[bytes, int]] = {}
        key = tuple_(record_key.c.device, record_key.c.record)
        for start in range(0, len(keys), CHUNK):
            some = keys[start : start + CHUNK]
            for r in self._connection.execute(select(record_key).where(key.in_(some))):
                known[r.device, r.record] = r.digest, r.journal_id
        if self._by_time:
            for r in self._connection.execute(_RECORD_AT, {"keys": json.dumps(keys)}):
                known[r.device, r.record] = r.digest, r.journal_id
        return known

    def add(self, entries: Sequence[JournalEntry], ids: Sequence[int]) -> None:
        """Both keys of entries of the journal; ``ids`` are their rows."""
        alone = self._alone(entries)
        sent: list[tuple[object, ...]] = []
        sent_by_time: list[tuple[object, ...]] = []
        records: list[tuple[object, ...]] = []
        records_by_time: list[tuple[object, ...]] = []
        for e, row_id in zip(entries, ids, strict=True):
            by_time = e.gateway_id in alone
            if by_time:
                sent_by_time.append((e.seq, e.gateway_id, e.spool, e.digest, e.status, e.code))
            else:
                sent.append(_sender(e))
            if e.record is None or e.replaces_held:
                continue
            if by_time:
                records_by_time.append((e.record, e.device, e.record_digest, row_id))
            else:
                records.append((e.device, e.record, e.record_digest, row_id))
        _SENT.execute(self._connection, sent)
        _SENT_BY_TIME.execute(self._connection, sent_by_time)
        _RECORDS.execute(self._connection, sorted(records))
        if records_by_time:
            straight.changed(self._connection, _RECORDS_BY_TIME, sorted(records_by_time))

    def note(self, keys: Sequence[AnsweredKey]) -> None:
        """Transport keys of readings that are not in the journal."""
        _SENT.execute(self._connection, [_sender(key) for key in keys])

    def move(self, entry: JournalEntry, row_id: int) -> None:
        """The key of the entry's record comes to be this row's."""
        this = record_key.c.device == entry.device, record_key.c.record == entry.record
        moved = update(record_key).where(*this).values(journal_id=row_id, digest=entry.record_digest)
        self._connection.execute(moved)
        if self._by_time:
            named = {"record": entry.record, "device": entry.device, "digest": entry.record_digest, "row": row_id}
            self._connection.execute(_MOVED, named)

    def _alone(self, entries: Sequence[JournalEntry]) -> frozenset[str]:
        """Gateways with so few that time keeps them closer. None that plays recordings: its answers are counted."""
        if not self._by_time:
            return frozenset()
        counted = Counter([e.gateway_id for e in entries])
        recorded = {e.gateway_id for e in entries if e.replayed}
        return frozenset(gateway for gateway, count in counted.items() if count < TOGETHER) - recorded


def _sender(key: JournalEntry | AnsweredKey) -> tuple[object, ...]:
    return key.gateway_id, key.spool, key.seq, key.digest, key.status, key.code
