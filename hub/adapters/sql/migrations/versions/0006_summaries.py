"""What was expected of patients and what came, and every state a patient was in."""

import sqlalchemy as sa
from alembic import op

from hub.adapters.sql.types import Instant

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_OPEN = sa.text("outcome = 'open'")

# Every change of state was audited; the state a patient began in was not, and is the same for all.
_BEGAN = "INSERT INTO patient_state (patient_id, state, since) SELECT id, 'active', created_at FROM patient"
_CHANGED = """INSERT INTO patient_state (patient_id, state, since)
    SELECT p.id, CASE a.act WHEN 'patient.end' THEN 'ended' ELSE substr(a.act, 9) END, a.at
    FROM audit a JOIN patient p ON a.subject = 'patient:' || p.id
    WHERE a.act IN ('patient.paused', 'patient.active', 'patient.end') ORDER BY a.id"""


def upgrade() -> None:
    """Forward."""
    op.create_table(
        "patient_state",
        sa.Column("id", _ID, autoincrement=True, nullable=False),
        sa.Column("patient_id", _ID, nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("since", Instant(), nullable=False),
        sa.ForeignKeyConstraint(["patient_id"], ["patient.id"], name=op.f("fk_patient_state_patient_id_patient")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_patient_state")),
    )
    op.create_index("ix_patient_state_patient", "patient_state", ["patient_id", "since"])
    op.create_table(
        "expected_reading",
        sa.Column("patient_id", _ID, nullable=False),
        sa.Column("slot_id", sa.String(length=80), nullable=False),
        sa.Column("due_at", Instant(), nullable=False),
        sa.Column("metric", sa.Integer(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("opens_at", Instant(), nullable=False),
        sa.Column("late_at", Instant(), nullable=False),
        sa.Column("no_data_at", Instant(), nullable=False),
        sa.Column("outcome", sa.String(length=8), nullable=False),
        sa.Column("received", sa.Integer(), nullable=False),
        sa.Column("first_at", Instant(), nullable=True),
        sa.Column("by", sa.String(length=8), nullable=True),
        sa.Column("excuse", sa.String(length=8), nullable=True),
        sa.ForeignKeyConstraint(["patient_id"], ["patient.id"], name=op.f("fk_expected_reading_patient_id_patient")),
        sa.PrimaryKeyConstraint("patient_id", "slot_id", "due_at", name=op.f("pk_expected_reading")),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_expected_reading_window", "expected_reading", ["patient_id", "no_data_at"])
    op.create_index(
        "ix_expected_reading_open", "expected_reading", ["no_data_at"], sqlite_where=_OPEN, postgresql_where=_OPEN
    )
    op.create_table(
        "expected_to",
        sa.Column("patient_id", _ID, nullable=False),
        sa.Column("opened_to", Instant(), nullable=False),
        sa.Column("look_at", Instant(), nullable=False),
        sa.ForeignKeyConstraint(["patient_id"], ["patient.id"], name=op.f("fk_expected_to_patient_id_patient")),
        sa.PrimaryKeyConstraint("patient_id", name=op.f("pk_expected_to")),
    )
    op.create_index("ix_expected_to_look_at", "expected_to", ["look_at"])
    op.execute(_BEGAN)
    op.execute(_CHANGED)


def downgrade() -> None:
    """Back."""
    op.drop_table("expected_to")
    op.drop_table("expected_reading")
    op.drop_table("patient_state")
