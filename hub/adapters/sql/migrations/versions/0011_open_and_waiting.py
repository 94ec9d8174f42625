"""Indexes of what is open or waited for hold nothing else: all that was is more by far, and grows.

SQLite looked through every patient's open alerts and deadlines to find one patient's, with each reading.
"""

from alembic import op
from sqlalchemy import text

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

Indexes = tuple[tuple[str, str, list[str], str | None], ...]
"""Name, table, columns, and of which rows; None: of all."""

_BEFORE: Indexes = (
    ("ix_alert_due", "alert", ["state", "next_page_at"], None),
    ("ix_alert_lapse", "alert", ["state", "lapses_at"], None),
    ("ix_deadline_due", "deadline", ["state", "due_at"], None),
    ("ix_outbox_conversation_id", "outbox", ["conversation_id"], None),
)
_AFTER: Indexes = (
    ("ix_alert_due", "alert", ["next_page_at"], "state = 'open'"),
    ("ix_alert_lapse", "alert", ["lapses_at"], "state = 'acknowledged'"),
    ("ix_alert_patient_open", "alert", ["patient_id"], "state IN ('open', 'acknowledged')"),
    ("ix_alert_unseen", "alert", ["id"], "state = 'closed' AND closing_seen_at IS NULL"),
    ("ix_deadline_due", "deadline", ["due_at"], "state = 'waiting'"),
    ("ix_deadline_waiting", "deadline", ["patient_id", "metric"], "state = 'waiting'"),
    ("ix_outbox_conversation_id", "outbox", ["conversation_id"], "conversation_id IS NOT NULL"),
)


def upgrade() -> None:
    """Forward."""
    _instead(_BEFORE, _AFTER)


def downgrade() -> None:
    """Back."""
    _instead(_AFTER, _BEFORE)


def _instead(old: Indexes, new: Indexes) -> None:
    for name, table, _, _ in old:
        op.drop_index(name, table_name=table)
    for name, table, columns, where in new:
        only = None if where is None else text(where)
        op.create_index(name, table, columns, sqlite_where=only, postgresql_where=only)
