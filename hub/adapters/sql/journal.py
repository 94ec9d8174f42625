"""The journal, and with each row the keys that make a replay harmless."""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime

from sqlalchemy import Connection, Row, func, insert, select, tuple_, update
from sqlalchemy.exc import IntegrityError

from hub.adapters.sql.among import among
from hub.adapters.sql.feed import write_along
from hub.adapters.sql.key_bounds import KeyBounds
from hub.adapters.sql.key_trees import KeyTrees
from hub.adapters.sql.many import Many, added
from hub.adapters.sql.tables.devices import accepted_on, device
from hub.adapters.sql.tables.keys import record_by_time, record_key, transport_by_time, transport_key
from hub.adapters.sql.tables.measurements import HELD, journal
from hub.adapters.sql.types import to_ms
from hub.services.ports.measuring import AnsweredKey, HeldEntry, JournalEntry, KeyTaken, KnownKey, KnownRecord, Owned

_JOURNAL = (
    "gateway_id",
    "spool",
    "seq",
    "device",
    "status",
    "code",
    "device_id",
    "patient_id",
    "effective_at",
    "hub_received_at",
    "age_s",
    "flags",
    "body",
)
_ROWS = Many(lambda _: insert(journal), ("id", *_JOURNAL))
_ROW = added(journal, *_JOURNAL)

_HIGHEST = select(func.coalesce(func.max(journal.c.id), 0))

_KEY_TABLES = frozenset(table.name for table in (transport_key, transport_by_time, record_key, record_by_time))
_TWICE = re.compile(rf"UNIQUE constraint failed: ({'|'.join(sorted(_KEY_TABLES))})\.")
_UNIQUE_VIOLATION = "23505"


class SqlJournal:
    """See ``hub.services.ports.measuring.Journal``."""

    def __init__(self, connection: Connection, bounds: KeyBounds | None = None) -> None:
        """``bounds``: what this process has learnt of the keys until now."""
        self._connection = connection
        self._keys = KeyTrees(connection, KeyBounds() if bounds is None else bounds)

    def committed(self) -> None:
        """What was written stands."""
        self._keys.committed()

    def transport_keys(self, keys: Sequence[tuple[str, str, int]]) -> Mapping[tuple[str, str, int], KnownKey]:
        """What was answered for these keys before."""
        return self._keys.transport(keys)

    def record_keys(self, keys: Sequence[tuple[str, str]]) -> Mapping[tuple[str, str], KnownRecord]:
        """What is known of (device, record). One whose row of the journal is gone by now was not held."""
        known = self._keys.records(keys)
        # Asked by itself: most readings are new, and the journal may have many partitions.
        held = self._held([journal_id for _, journal_id in known.values()])
        return {key: KnownRecord(digest, journal_id in held) for key, (digest, journal_id) in known.items()}

    def _held(self, ids: Sequence[int]) -> set[int]:
        """Those of them that are held."""
        if not ids:
            return set()
        found = select(journal.c.id).where(among(journal.c.id), HELD)
        return set(self._connection.execute(found, {"ids": ids}).scalars())

    def append(self, entries: Sequence[JournalEntry]) -> list[int]:
        """Rows and keys; ids in the entries' order."""
        if not entries:
            return []
        write_along(self._connection)
        with _taken_keys():
            ids = self._insert(entries)
            self._keys.add(entries, ids)
        for entry, row_id in zip(entries, ids, strict=True):
            if entry.replaces_held:
                self._replace_held(entry, row_id)
        return ids

    def _insert(self, entries: Sequence[JournalEntry]) -> list[int]:
        if len(entries) == 1:
            return [_ROW.one(self._connection, _journal_values(entries[0]))]
        if self._connection.dialect.name != "sqlite":
            statement = insert(journal).returning(journal.c.id, sort_by_parameter_order=True)
            named = [dict(zip(_JOURNAL, _journal_values(e), strict=True)) for e in entries]
            instants = [
                values | {"effective_at": e.effective_at, "hub_received_at": e.received_at}
                for values, e in zip(named, entries, strict=True)
            ]
            return [row.id for row in self._connection.execute(statement, instants)]
        # To tell the ids in order SQLite would be given row by row. Here nobody else writes, so they can be foretold.
        highest: int = self._connection.execute(_HIGHEST).scalar_one()
        ids = list(range(highest + 1, highest + 1 + len(entries)))
        _ROWS.execute(self._connection, [(n, *_journal_values(e)) for n, e in zip(ids, entries, strict=True)])
        return ids

    def _replace_held(self, entry: JournalEntry, row_id: int) -> None:
        """The key moves to this row. The held copy is settled by it, unless it says otherwise: a person decides."""
        known = self._keys.records([(entry.device, entry.record or "")]).values()
        before = [journal_id for digest, journal_id in known if digest == entry.record_digest]
        held = journal.c.id.in_(before) & (journal.c.status == "held")
        self._connection.execute(update(journal).where(held).values(status="released"))
        self._keys.move(entry, row_id)

    def note_answered(self, keys: Sequence[AnsweredKey]) -> None:
        """Keys of readings that are not in the journal."""
        with _taken_keys():
            self._keys.note(keys)

    def held_since(self, before: datetime) -> list[tuple[str, str]]:
        """(gateway, code) with a reading held since ``before`` or longer: from group to group along the index."""
        key = (journal.c.gateway_id, journal.c.code)
        columns = select(*key, journal.c.hub_received_at).where(HELD).order_by(*key, journal.c.hub_received_at).limit(1)
        groups: list[tuple[str, str]] = []
        oldest = self._connection.execute(columns).first()
        while oldest is not None:
            group = (oldest.gateway_id, oldest.code)
            if oldest.hub_received_at <= before:
                groups.append(group)
            oldest = self._connection.execute(columns.where(tuple_(*key) > tuple_(*group))).first()
        return groups

    def accepted(self, after: int, limit: int) -> list[HeldEntry]:
        """Held for their gateway, on which their device is accepted by now."""
        by_row = journal.c.id + 0  # an expression: else the whole journal would be walked in the order of its ids
        same = (device.c.id == accepted_on.c.device_id) & (accepted_on.c.gateway_id == journal.c.gateway_id)
        found = (
            select(journal)
            .join(device, device.c.address == journal.c.device)
            .join(accepted_on, same)
            .where(HELD, journal.c.code == "foreign_gateway", by_row > after)
        )
        return [_held(row) for row in self._connection.execute(found.order_by(by_row).limit(limit))]

    def hold_for(self, journal_id: int, code: str) -> None:
        """Change the reason of a reading that is still held."""
        self._connection.execute(update(journal).where(journal.c.id == journal_id, HELD).values(code=code))

    def get_held(self, journal_id: int) -> HeldEntry | None:
        """A held reading, or None if it is none (any more)."""
        found = select(journal).where(journal.c.id == journal_id, journal.c.status == "held")
        row = self._connection.execute(found).first()
        return None if row is None else _held(row)

    def owned(self, journal_id: int) -> Owned | None:
        """Whose reading it is."""
        whose = journal.c.patient_id
        found = select(whose, journal.c.effective_at).where(journal.c.id == journal_id, whose.is_not(None))
        row = self._connection.execute(found).first()
        return None if row is None else Owned(row.patient_id, row.effective_at)

    def release(self, journal_id: int, patient_id: int | None, device_id: int | None, status: str) -> bool:
        """Compare-and-set from ``held``."""
        changed = self._connection.execute(
            update(journal)
            .where(journal.c.id == journal_id, journal.c.status == "held")
            .values(status=status, patient_id=patient_id, device_id=device_id)
        )
        return changed.rowcount == 1


@contextmanager
def _taken_keys() -> Iterator[None]:
    try:
        yield
    except IntegrityError as error:
        if _is_of_a_key(error):
            raise KeyTaken("one of these readings was stored before") from error
        raise


def _is_of_a_key(error: IntegrityError) -> bool:
    """Whether a row with one of the two keys stands. Whatever else the database refuses, it refuses the next time too.

    The primary key is all that is unique in these tables. The newer SQLite driver gives no extended code.
    """
    diagnostics = getattr(error.orig, "diag", None)
    if diagnostics is None:
        return _TWICE.match(str(error.orig)) is not None
    return diagnostics.sqlstate == _UNIQUE_VIOLATION and diagnostics.table_name in _KEY_TABLES


def _journal_values(e: JournalEntry) -> tuple[object, ...]:
    return (
        e.gateway_id,
        e.spool,
        e.seq,
        e.device,
        e.status,
        e.code,
        e.device_id,
        e.patient_id,
        to_ms(e.effective_at),
        to_ms(e.received_at),
        e.age.total_seconds(),
        " ".join(sorted(e.flags)),
        e.body,
    )


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
