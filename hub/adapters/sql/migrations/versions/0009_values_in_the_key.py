"""On PostgreSQL the key of the readings holds what charts draw; SQLite's tables are their keys anyway.

A patient's samples lie as far apart as they came: 90 days of a point each 5 minutes were 26,000 pages, and are 260.
"""

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_KEY = "PRIMARY KEY (patient_id, metric, at, reading_id)"


def upgrade() -> None:
    """Forward."""
    _key(f"{_KEY} INCLUDE (value, comparator, flags)")


def downgrade() -> None:
    """Back."""
    _key(_KEY)


def _key(key: str) -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute("ALTER TABLE reading DROP CONSTRAINT pk_reading")
        op.execute(f"ALTER TABLE reading ADD CONSTRAINT pk_reading {key}")
