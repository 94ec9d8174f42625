"""On PostgreSQL the journal and the readings are partitioned by month; on SQLite nothing changes."""

from dataclasses import dataclass
from datetime import UTC, datetime

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


@dataclass(frozen=True)
class _Long:
    table: str
    key: str
    """The instant that says which month a row belongs to, in milliseconds since 1970."""
    primary: str
    primary_before: str
    indexes: tuple[str, ...] = ()


_SAMPLE = "patient_id, metric, at, reading_id"
_HELD = "WHERE status = 'held'"
_LONG = (
    _Long(
        "journal",
        "hub_received_at",
        "id, hub_received_at",
        "id",
        (
            f"CREATE INDEX ix_journal_held ON journal (gateway_id, code, hub_received_at) {_HELD}",
            f"CREATE INDEX ix_journal_held_device ON journal (device, gateway_id) {_HELD}",
            "CREATE INDEX ix_journal_device ON journal (device, effective_at)",
        ),
    ),
    _Long("reading", "at", _SAMPLE, _SAMPLE),
    _Long("replayed", "at", _SAMPLE, _SAMPLE),
)


def upgrade() -> None:
    """Forward."""
    if op.get_bind().dialect.name != "postgresql":
        return
    for long in _LONG:
        _make_way(long)
        op.execute(f"CREATE TABLE {long.table} (LIKE before INCLUDING DEFAULTS) PARTITION BY RANGE ({long.key})")
        op.execute(f"CREATE TABLE {long.table}_default PARTITION OF {long.table} DEFAULT")
        for month in _months(long):
            name = f"{long.table}_{month:%Y_%m}"
            bounds = f"FROM ({_ms(month)}) TO ({_ms(_next(month))})"
            op.execute(f"CREATE TABLE {name} PARTITION OF {long.table} FOR VALUES {bounds}")
        _fill(long, long.primary)


def downgrade() -> None:
    """Back."""
    if op.get_bind().dialect.name != "postgresql":
        return
    for long in _LONG:
        _make_way(long)
        op.execute(f"CREATE TABLE {long.table} (LIKE before INCLUDING DEFAULTS)")
        _fill(long, long.primary_before)


def _make_way(long: _Long) -> None:
    """The table as it was is called ``before``; names of indexes are free for the one that takes its place."""
    op.execute(f"ALTER TABLE {long.table} RENAME TO before")
    op.execute(f"ALTER TABLE before DROP CONSTRAINT pk_{long.table}")
    for index in long.indexes:
        op.execute(f"DROP INDEX {index.split()[2]}")


def _fill(long: _Long, primary: str) -> None:
    op.execute(f"INSERT INTO {long.table} SELECT * FROM before")
    op.execute(f"ALTER TABLE {long.table} ADD CONSTRAINT pk_{long.table} PRIMARY KEY ({primary})")
    for index in long.indexes:
        op.execute(index)
    if long.table == "journal":
        op.execute("ALTER SEQUENCE journal_id_seq OWNED BY journal.id")
    op.execute("DROP TABLE before")


def _months(long: _Long) -> list[datetime]:
    """Those of which there are rows; later ones are made where the hub starts."""
    when = f"to_timestamp({long.key} / 1000.0) AT TIME ZONE 'UTC'"
    found = op.get_bind().exec_driver_sql(f"SELECT DISTINCT date_trunc('month', {when}) FROM before")
    return [month.replace(tzinfo=UTC) for (month,) in found]


def _next(month: datetime) -> datetime:
    return month.replace(year=month.year + month.month // 12, month=month.month % 12 + 1)


def _ms(at: datetime) -> int:
    return round(at.timestamp()) * 1000
