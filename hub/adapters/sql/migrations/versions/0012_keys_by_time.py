"""Both keys have a second tree, by time: thousands of gateways that send one reading each changed a page for each.

What is there stays where it is.
"""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

_ROW = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_CLOCK = """CASE WHEN substr(NEW.record, 5, 1) = '-' AND substr(NEW.record, 11, 1) = 'T' THEN substr(NEW.record, 1, 19)
    ELSE substr(NEW.record, instr(NEW.record, '/') + 1, 19) END"""
_SENT = "there.gateway_id = NEW.gateway_id AND there.spool = NEW.spool AND there.seq = NEW.seq"
_RECORD = f"there.clock = {_CLOCK} AND there.device = NEW.device AND there.record = NEW.record"
_ONCE = (
    # table, the other one, the same key
    ("transport_key", "transport_by_time", _SENT),
    ("record_key", "record_by_time", _RECORD),
)
_COPIED = (
    # table, where from, columns
    ("transport_key", "transport_by_time", "gateway_id, spool, seq, digest, status, code"),
    ("record_key", "record_by_time", "device, record, digest, journal_id"),
)


def upgrade() -> None:
    """Forward."""
    op.create_table(
        "transport_by_time",
        sa.Column("gateway_id", sa.String(length=40), nullable=False),
        sa.Column("spool", sa.String(length=64), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.LargeBinary(length=16), nullable=False),
        sa.Column("status", sa.String(length=10), nullable=False),
        sa.Column("code", sa.String(length=24), nullable=True),
        sa.PrimaryKeyConstraint("seq", "gateway_id", "spool", name=op.f("pk_transport_by_time")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "record_by_time",
        sa.Column("clock", sa.String(length=19), nullable=False),
        sa.Column("device", sa.String(length=64), nullable=False),
        sa.Column("record", sa.String(length=128), nullable=False),
        sa.Column("digest", sa.LargeBinary(length=16), nullable=False),
        sa.Column("journal_id", _ROW, nullable=False),
        sa.PrimaryKeyConstraint("clock", "device", "record", name=op.f("pk_record_by_time")),
        sqlite_with_rowid=False,
    )
    if op.get_bind().dialect.name == "sqlite":
        for table, other, same in _ONCE:
            op.execute(
                f"""CREATE TRIGGER {table}_once BEFORE INSERT ON {table}
                WHEN EXISTS (SELECT 1 FROM {other} AS there WHERE {same})
                BEGIN SELECT RAISE(ABORT, 'UNIQUE constraint failed: {other}.'); END"""
            )


def downgrade() -> None:
    """Back: the keys go to the trees that stay."""
    if op.get_bind().dialect.name == "sqlite":
        for table, _, _ in _ONCE:
            op.execute(f"DROP TRIGGER {table}_once")
    for table, other, columns in _COPIED:
        op.execute(f"INSERT INTO {table} ({columns}) SELECT {columns} FROM {other} WHERE true ON CONFLICT DO NOTHING")
    op.drop_table("record_by_time")
    op.drop_table("transport_by_time")
