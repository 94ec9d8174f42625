"""The two keys that make a replay harmless, each in one of two trees (decision 29).

Where a key lies costs more than the key: a page is read, written to the WAL and copied from there. What a gateway
sends after a while lies together by the name of its sender. What comes by itself, one reading from each of thousands
of gateways, would change a page for each; by its time it lies beside what others send just now.
"""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Column, Connection, Row, Table, insert, select, text, tuple_, update

from hub.adapters.sql import named_keys, straight
from hub.adapters.sql.key_bounds import KeyBounds
from hub.adapters.sql.many import Many
from hub.adapters.sql.tables.keys import CLOCK, record_by_time, record_key, transport_by_time, transport_key
from hub.services.ports.measuring import AnsweredKey, JournalEntry, KeyTaken, KnownKey

_SENDER = ("gateway_id", "spool", "seq", "digest", "status", "code")
_SENT = Many(lambda _: insert(transport_key), _SENDER)
_SENT_BY_TIME = Many(lambda _: insert(transport_by_time), ("seq", *_SENDER[:2], *_SENDER[3:]))
_RECORDS = Many(lambda _: insert(record_key), ("device", "record", "digest", "journal_id"))
_RECORDS_BY_TIME = f"""INSERT INTO record_by_time (clock, device, record, digest, journal_id)
    VALUES ({CLOCK.format(record="?1")}, ?2, ?1, ?3, ?4)"""
# Earlier versions of SQLite answer ``(a, b) IN (VALUES ...)`` by a walk through the whole tree.
_SENT_IN = {
    tree: text(
        f"""SELECT there.* FROM (
            SELECT json_extract(value, '$[0]') AS gateway_id, json_extract(value, '$[1]') AS spool,
            json_extract(value, '$[2]') AS seq FROM json_each(:keys)
        ) AS asked CROSS JOIN {tree.name} AS there
        ON there.gateway_id = asked.gateway_id AND there.spool = asked.spool AND there.seq = asked.seq"""
    )
    for tree in (transport_key, transport_by_time)
}
_RECORDED_IN = {
    tree: text(
        f"""SELECT there.device, there.record, there.digest, there.journal_id FROM (
            SELECT json_extract(value, '$[0]') AS device, json_extract(value, '$[1]') AS record FROM json_each(:keys)
        ) AS asked CROSS JOIN {tree.name} AS there
        ON {clock}there.device = asked.device AND there.record = asked.record"""
    )
    for tree, clock in ((record_key, ""), (record_by_time, f"there.clock = {CLOCK.format(record='asked.record')} AND "))
}
_MOVED = text(
    f"""UPDATE record_by_time SET journal_id = :row, digest = :digest
    WHERE clock = {CLOCK.format(record=":record")} AND device = :device AND record = :record"""
)
_HIGHEST_SENT = """SELECT json_extract(value, '$[0]'), json_extract(value, '$[1]'), (
        SELECT max(seq) FROM transport_key
        WHERE gateway_id = json_extract(value, '$[0]') AND spool = json_extract(value, '$[1]')
    ) FROM json_each(?)"""
_LAST_RECORDED = """SELECT json_extract(value, '$[0]'), (
        SELECT max(record) FROM record_key WHERE device = json_extract(value, '$[1]')
    ) FROM json_each(?)"""

TOGETHER = 8
"""So many readings of one gateway in a group lie together by its name."""

CHUNK = 300
"""Keys of one question: databases bound the number of parameters."""

_Added = tuple[JournalEntry, int]


class KeyTrees:
    """Both keys of readings, looked for and added.

    What stands in the same tree already is the database's ``IntegrityError``, what stands in the other one that or
    ``KeyTaken``.
    """

    def __init__(self, connection: Connection, bounds: KeyBounds) -> None:
        self._connection = connection
        self._bounds = bounds
        # Of several processes that write, one would not see yet what another adds to the other tree.
        self._by_time = connection.dialect.name == "sqlite"
        self._begun = False
        self._moved_to: int | None = None

    def committed(self) -> None:
        """What was added stands: nothing but that has changed the trees. What comes next is another transaction."""
        if self._moved_to is not None:
            self._bounds.version = self._moved_to
        self._begun, self._moved_to = False, None

    def transport(self, keys: Sequence[tuple[str, str, int]]) -> Mapping[tuple[str, str, int], KnownKey]:
        """What was answered for (gateway, spool, seq)."""
        trees = (transport_key, transport_by_time) if self._by_time else (transport_key,)
        rows = [r for tree in trees for r in self._sent_in(tree, keys)]
        return {(r.gateway_id, r.spool, r.seq): KnownKey(r.digest, r.status, r.code) for r in rows}

    def records(self, keys: Sequence[tuple[str, str]]) -> dict[tuple[str, str], tuple[bytes, int]]:
        """By (device, record), the digest of the values and the row of the journal."""
        trees = (record_key, record_by_time) if self._by_time else (record_key,)
        rows = [r for tree in trees for r in self._recorded_in(tree, keys)]
        return {(r.device, r.record): (r.digest, r.journal_id) for r in rows}

    def _sent_in(self, tree: Table, keys: Sequence[tuple[str, str, int]]) -> Sequence[Row[Any]]:
        if self._by_time:
            return self._connection.execute(_SENT_IN[tree], {"keys": json.dumps(keys)}).all()
        return self._among(tree, [tree.c.gateway_id, tree.c.spool, tree.c.seq], keys)

    def _recorded_in(self, tree: Table, keys: Sequence[tuple[str, str]]) -> Sequence[Row[Any]]:
        if self._by_time:
            return self._connection.execute(_RECORDED_IN[tree], {"keys": json.dumps(keys)}).all()
        return self._among(tree, [tree.c.device, tree.c.record], keys)

    def _among(self, tree: Table, columns: Sequence[Column[Any]], keys: Sequence[Any]) -> list[Row[Any]]:
        parts = [keys[start : start + CHUNK] for start in range(0, len(keys), CHUNK)]
        found = [select(tree).where(tuple_(*columns).in_(part)) for part in parts]
        return [row for one in found for row in self._connection.execute(one)]

    def add(self, entries: Sequence[JournalEntry], ids: Sequence[int]) -> None:
        """Both keys of entries of the journal; ``ids`` are their rows."""
        alone = self._alone(entries)
        by_time: list[_Added] = []
        by_name: list[_Added] = []
        for one in zip(entries, ids, strict=True):
            (by_time if one[0].gateway_id in alone else by_name).append(one)
        if by_time:
            self._add_by_time(by_time)
        if by_name:
            self._add_by_name(by_name)

    def _alone(self, entries: Sequence[JournalEntry]) -> frozenset[str]:
        """Gateways with so few that time keeps them closer. None that plays recordings: its answers are counted."""
        if not self._by_time:
            return frozenset()
        counted = Counter([e.gateway_id for e in entries])
        recorded = {e.gateway_id for e in entries if e.replayed}
        return frozenset(gateway for gateway, count in counted.items() if count < TOGETHER) - recorded

    def _add_by_name(self, added: Sequence[_Added]) -> None:
        self._move()
        for gateway_id in {e.gateway_id for e, _ in added}:
            self._bounds.forget_spool(gateway_id)
        for device_id in {e.device_id for e, _ in added if e.device_id is not None}:
            self._bounds.forget_device(device_id)
        _SENT.execute(self._connection, [_sender(e) for e, _ in added])
        rows = [(e.device, e.record, e.record_digest, row_id) for e, row_id in _recorded(added)]
        _RECORDS.execute(self._connection, sorted(rows))

    def _add_by_time(self, added: Sequence[_Added]) -> None:
        self._begin()
        recorded = _recorded(added)
        self._look_by_name([e for e, _ in added], [e for e, _ in recorded])
        sent = [(e.seq, e.gateway_id, e.spool, e.digest, e.status, e.code) for e, _ in added]
        _SENT_BY_TIME.execute(self._connection, sent)
        if recorded:
            rows = [(e.record, e.device, e.record_digest, row_id) for e, row_id in recorded]
            straight.changed(self._connection, _RECORDS_BY_TIME, sorted(rows))

    def _look_by_name(self, sent: Sequence[JournalEntry], recorded: Sequence[JournalEntry]) -> None:
        """Where it cannot be told from the bounds that no key stands there."""
        bounds = self._bounds
        self._learn(
            {(e.gateway_id, e.spool) for e in sent if not bounds.knows_spool(e.gateway_id, e.spool)},
            {(e.device_id, e.device) for e in recorded if e.device_id and not bounds.knows_device(e.device_id)},
        )
        keys = [(e.gateway_id, e.spool, e.seq) for e in sent if not bounds.is_new(e.gateway_id, e.spool, e.seq)]
        named = [(e.device_id, e.device, e.record or "") for e in recorded]
        records = [(device, record) for known, device, record in named if not bounds.is_new_record(known, record)]
        if (keys and self._sent_in(transport_key, keys)) or (records and self._recorded_in(record_key, records)):
            raise KeyTaken("one of these readings was stored before")

    def _learn(self, spools: set[tuple[str, str]], devices: set[tuple[int, str]]) -> None:
        if spools:
            for gateway_id, spool, highest in straight.rows(self._connection, _HIGHEST_SENT, _listed(spools)):
                self._bounds.learn_spool(gateway_id, spool, highest)
        if devices:
            for device_id, last in straight.rows(self._connection, _LAST_RECORDED, _listed(devices)):
                self._bounds.learn_device(device_id, last)

    def note(self, keys: Sequence[AnsweredKey]) -> None:
        """Transport keys of readings that are not in the journal."""
        if not keys:
            return
        self._move()
        for key in keys:
            self._bounds.forget_spool(key.gateway_id)
        _SENT.execute(self._connection, [_sender(key) for key in keys])

    def move(self, entry: JournalEntry, row_id: int) -> None:
        """The key of the entry's record comes to be this row's."""
        this = record_key.c.device == entry.device, record_key.c.record == entry.record
        moved = update(record_key).where(*this).values(journal_id=row_id, digest=entry.record_digest)
        self._connection.execute(moved)
        if self._by_time:
            named = {"record": entry.record, "device": entry.device, "digest": entry.record_digest, "row": row_id}
            self._connection.execute(_MOVED, named)

    def _begin(self) -> None:
        """What was learnt is of no use where another process added by name since."""
        if not self._begun:
            self._bounds.refresh(named_keys.version(self._connection))
            self._begun = True

    def _move(self) -> None:
        """The version, each time: what a savepoint undid moves nothing."""
        if self._by_time:
            self._begin()
            self._moved_to = named_keys.changed(self._connection)


def _listed(keys: set[tuple[str, str]] | set[tuple[int, str]]) -> tuple[str]:
    return (json.dumps(list(keys)),)


def _recorded(added: Sequence[_Added]) -> list[_Added]:
    """Those whose record has a name that is new."""
    return [(e, row_id) for e, row_id in added if e.record is not None and not e.replaces_held]


def _sender(key: JournalEntry | AnsweredKey) -> tuple[object, ...]:
    return key.gateway_id, key.spool, key.seq, key.digest, key.status, key.code
