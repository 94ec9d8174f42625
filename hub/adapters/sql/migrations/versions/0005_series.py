"""Samples that are void or replaced are named beside the series; what changed is told to those who copy it."""

import sqlalchemy as sa
from alembic import op

from hub.adapters.sql.types import Instant

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

_VOIDED = """INSERT INTO amendment (patient_id, metric, at, reading_id, kind, reason, made_by, made_at)
    SELECT patient_id, metric, at, reading_id, 'void', 'void before there were reasons', 'hub', voided_at
    FROM {} WHERE voided_at IS NOT NULL"""


def upgrade() -> None:
    """Forward."""
    op.create_table(
        "amendment",
        sa.Column("id", _ID, autoincrement=True, nullable=False),
        sa.Column("patient_id", _ID, nullable=False),
        sa.Column("metric", sa.Integer(), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("reading_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("by_reading_id", sa.BigInteger(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("made_by", sa.String(length=120), nullable=False),
        sa.Column("made_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_amendment")),
    )
    op.create_index("ix_amendment_sample", "amendment", ["patient_id", "metric", "at", "reading_id"], unique=True)
    op.create_table(
        "series_change",
        sa.Column("id", _ID, autoincrement=True, nullable=False),
        sa.Column("patient_id", _ID, nullable=False),
        sa.Column("since", Instant(), nullable=False),
        sa.Column("until", Instant(), nullable=False),
        sa.Column("reason", sa.String(length=16), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_series_change")),
    )
    op.create_table(
        "projection",
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("journal_id", sa.BigInteger(), nullable=False),
        sa.Column("change_id", sa.BigInteger(), nullable=False),
        sa.Column("moved_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_projection")),
    )
    for line in ("reading", "replayed"):
        op.execute(_VOIDED.format(line))
        op.execute(f"ALTER TABLE {line} DROP COLUMN voided_at")


def downgrade() -> None:
    """Back."""
    for line in ("reading", "replayed"):
        op.execute(f"ALTER TABLE {line} ADD COLUMN voided_at BIGINT")
        same = f"amendment.reading_id = {line}.reading_id"
        made_at = f"(SELECT made_at FROM amendment WHERE {same})"
        op.execute(f"UPDATE {line} SET voided_at = {made_at} WHERE reading_id IN (SELECT reading_id FROM amendment)")
    op.drop_table("projection")
    op.drop_table("series_change")
    op.drop_table("amendment")
