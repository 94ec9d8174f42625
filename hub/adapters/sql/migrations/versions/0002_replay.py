"""Gateways that replay recordings, and a time line of its own for what they send."""

import sqlalchemy as sa
from alembic import op

from hub.adapters.sql.types import Instant

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Forward."""
    op.create_table(
        "replayed",
        sa.Column("patient_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("metric", sa.Integer(), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("reading_id", sa.BigInteger(), nullable=False),
        sa.Column("value", sa.Float(), nullable=False),
        sa.Column("comparator", sa.String(length=1), nullable=True),
        sa.Column("device_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("profile", sa.String(length=20), nullable=False),
        sa.Column("flags", sa.Text(), nullable=False),
        sa.Column("shown_value", sa.Float(), nullable=True),
        sa.Column("shown_unit", sa.String(length=16), nullable=True),
        sa.Column("voided_at", Instant(), nullable=True),
        sa.PrimaryKeyConstraint("patient_id", "metric", "at", "reading_id", name=op.f("pk_replayed")),
        sqlite_with_rowid=False,
    )
    op.add_column("gateway", sa.Column("purpose", sa.String(length=10), server_default="ordinary", nullable=False))
    op.add_column("finding", sa.Column("replayed", sa.Integer(), server_default="0", nullable=False))


def downgrade() -> None:
    """Back."""
    with op.batch_alter_table("finding", schema=None) as batch_op:
        batch_op.drop_column("replayed")
    with op.batch_alter_table("gateway", schema=None) as batch_op:
        batch_op.drop_column("purpose")
    op.drop_table("replayed")
