"""Nobody asks the journal for a device's readings in order; each reading paid for the index."""

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Forward."""
    op.drop_index("ix_journal_device", table_name="journal")


def downgrade() -> None:
    """Back."""
    op.create_index("ix_journal_device", "journal", ["device", "effective_at"])
