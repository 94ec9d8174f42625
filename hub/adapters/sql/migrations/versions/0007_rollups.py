"""Hours and days of each metric, and the sums of what was thinned away."""

from typing import Any

import sqlalchemy as sa
from alembic import op

from hub.adapters.sql.types import Instant

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def _sums() -> list[sa.Column[Any]]:
    return [
        sa.Column("end_at", Instant(), nullable=False),
        sa.Column("counted", sa.Integer(), nullable=False),
        sa.Column("total", sa.Float(), nullable=False),
        sa.Column("low", sa.Float(), nullable=True),
        sa.Column("high", sa.Float(), nullable=True),
        sa.Column("last", sa.Float(), nullable=True),
        sa.Column("last_at", Instant(), nullable=True),
        sa.Column("last_id", sa.BigInteger(), nullable=False),
    ]


def upgrade() -> None:
    """Forward."""
    op.create_table(
        "rollup",
        sa.Column("patient_id", _ID, nullable=False),
        sa.Column("metric", sa.Integer(), nullable=False),
        sa.Column("grain", sa.Integer(), nullable=False),
        sa.Column("start_at", Instant(), nullable=False),
        *_sums(),
        sa.Column("below", sa.Integer(), nullable=False),
        sa.Column("above", sa.Integer(), nullable=False),
        sa.Column("left_out", sa.Integer(), nullable=False),
        sa.Column("thinned", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("patient_id", "metric", "grain", "start_at", name=op.f("pk_rollup")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "rollup_zone",
        sa.Column("patient_id", _ID, autoincrement=False, nullable=False),
        sa.Column("zone", sa.String(length=64), nullable=False),
        sa.Column("made_to", Instant(), nullable=True),
        sa.PrimaryKeyConstraint("patient_id", name=op.f("pk_rollup_zone")),
    )
    op.create_index("ix_rollup_zone_made_to", "rollup_zone", ["made_to"])
    op.create_table(
        "thinned",
        sa.Column("patient_id", _ID, nullable=False),
        sa.Column("metric", sa.Integer(), nullable=False),
        sa.Column("start_at", Instant(), nullable=False),
        *_sums(),
        sa.PrimaryKeyConstraint("patient_id", "metric", "start_at", name=op.f("pk_thinned")),
        sqlite_with_rowid=False,
    )


def downgrade() -> None:
    """Back."""
    op.drop_table("thinned")
    op.drop_table("rollup_zone")
    op.drop_table("rollup")
