"""The two keys that make a replay harmless: narrow, unpartitioned. Those of transport are pruned, those of records not.

Each stands in one of two trees (decision 29): what comes to one by name must not stand in the other, says a trigger;
who adds by time looks at those by name. PostgreSQL has the trees by time too, and leaves them empty.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import DDL, BigInteger, Column, LargeBinary, PrimaryKeyConstraint, String, Table, event

from hub.adapters.sql.tables.base import RowId, metadata


def _transport(name: str, *key: str) -> Table:
    return Table(
        name,
        metadata,
        Column("gateway_id", String(40), nullable=False),
        Column("spool", String(64), nullable=False),
        Column("seq", BigInteger, nullable=False),
        Column("digest", LargeBinary(16), nullable=False),  # of the content: same key with other content is a conflict
        Column("status", String(10), nullable=False),  # what was answered, so that a replay gets the same answer's kind
        Column("code", String(24)),
        PrimaryKeyConstraint(*key),
        sqlite_with_rowid=False,
    )


def _record(name: str, place: Sequence[Column[Any]], *key: str) -> Table:
    """``place``: a column more, of where in the tree it lies."""
    return Table(
        name,
        metadata,
        *place,
        Column("device", String(64), nullable=False),
        Column("record", String(128), nullable=False),
        Column("digest", LargeBinary(16), nullable=False),  # of the values alone: gateways may hear one device twice
        Column("journal_id", RowId, nullable=False),
        PrimaryKeyConstraint(*key),
        sqlite_with_rowid=False,
    )


transport_key = _transport("transport_key", "gateway_id", "spool", "seq")
# By the number: gateways begin with the time, and what several of them send just now lies together.
transport_by_time = _transport("transport_by_time", "seq", "gateway_id", "spool")

record_key = _record("record_key", (), "device", "record")
record_by_time = _record("record_by_time", (Column("clock", String(19), nullable=False),), "clock", "device", "record")

CLOCK = """CASE WHEN substr({record}, 5, 1) = '-' AND substr({record}, 11, 1) = 'T' THEN substr({record}, 1, 19)
    ELSE substr({record}, instr({record}, '/') + 1, 19) END"""
"""What ``clock`` is: the device's, by itself or behind its own number in the record's name; else any piece of that.

Part of the key: another expression finds nothing of what stands. It changes with all rows and the trigger, or never.
"""

_ONCE = """CREATE TRIGGER {table}_once BEFORE INSERT ON {table}
    WHEN EXISTS (SELECT 1 FROM {other} AS there WHERE {same})
    BEGIN SELECT RAISE(ABORT, 'UNIQUE constraint failed: {other}.'); END"""
_SENT = "there.gateway_id = NEW.gateway_id AND there.spool = NEW.spool AND there.seq = NEW.seq"
_RECORD = f"""there.clock = {CLOCK.format(record="NEW.record")} AND there.device = NEW.device
    AND there.record = NEW.record"""

for _table, _other, _same in (transport_key, transport_by_time, _SENT), (record_key, record_by_time, _RECORD):
    _once = DDL(_ONCE.format(table=_table.name, other=_other.name, same=_same))  # type: ignore[no-untyped-call]
    event.listen(_table, "after_create", _once.execute_if(dialect="sqlite"))
