"""Texts from and to patients: the consent ledger, texts that wait for the worker, check-ins and their conversations."""

import sqlalchemy as sa
from alembic import op

from hub.adapters.sql.types import Instant

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Forward."""
    op.create_table(
        "checkin_version",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("checkin", sa.String(length=64), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("title", sa.String(length=160), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("signed_by", sa.String(length=120), nullable=True),
        sa.Column("signed_at", Instant(), nullable=False),
        sa.Column("retired_at", Instant(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_checkin_version")),
    )
    with op.batch_alter_table("checkin_version", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_checkin_version_checkin"), ["checkin"], unique=False)

    op.create_table(
        "checkin_due",
        sa.Column("patient_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("checkin", sa.String(length=64), nullable=False),
        sa.Column("due_at", Instant(), nullable=False),
        sa.ForeignKeyConstraint(["patient_id"], ["patient.id"], name=op.f("fk_checkin_due_patient_id_patient")),
        sa.PrimaryKeyConstraint("patient_id", "checkin", name=op.f("pk_checkin_due")),
    )
    with op.batch_alter_table("checkin_due", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_checkin_due_due_at"), ["due_at"], unique=False)

    op.create_table(
        "conversation",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("patient_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("checkin_version_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("cause", sa.String(length=16), nullable=False),
        sa.Column("key", sa.String(length=160), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("step", sa.Integer(), nullable=False),
        sa.Column("prompts", sa.Integer(), nullable=False),
        sa.Column("asked_at", Instant(), nullable=False),
        sa.Column("check_at", Instant(), nullable=True),
        sa.Column("ended_at", Instant(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["checkin_version_id"],
            ["checkin_version.id"],
            name=op.f("fk_conversation_checkin_version_id_checkin_version"),
        ),
        sa.ForeignKeyConstraint(["patient_id"], ["patient.id"], name=op.f("fk_conversation_patient_id_patient")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_conversation")),
        sa.UniqueConstraint("key", name=op.f("uq_conversation_key")),
    )
    with op.batch_alter_table("conversation", schema=None) as batch_op:
        batch_op.create_index("ix_conversation_check", ["check_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_conversation_patient_id"), ["patient_id"], unique=False)
        batch_op.create_index(
            "uq_conversation_open",
            ["patient_id"],
            unique=True,
            sqlite_where=sa.text("state = 'open'"),
            postgresql_where=sa.text("state = 'open'"),
        )

    op.create_table(
        "conversation_answer",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("conversation_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("inbound_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("step", sa.String(length=64), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("answered_at", Instant(), nullable=False),
        sa.Column("journal_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("withdrawn_at", Instant(), nullable=True),
        sa.ForeignKeyConstraint(
            ["conversation_id"], ["conversation.id"], name=op.f("fk_conversation_answer_conversation_id_conversation")
        ),
        sa.ForeignKeyConstraint(["inbound_id"], ["inbound.id"], name=op.f("fk_conversation_answer_inbound_id_inbound")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_conversation_answer")),
    )
    with op.batch_alter_table("conversation_answer", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_conversation_answer_conversation_id"), ["conversation_id"], unique=False)

    with op.batch_alter_table("consent", schema=None) as batch_op:
        batch_op.add_column(sa.Column("phone", sa.String(length=20), nullable=True))
        batch_op.add_column(sa.Column("given_by", sa.String(length=120), nullable=True))
        batch_op.add_column(sa.Column("revoked_source", sa.String(length=40), nullable=True))
        batch_op.add_column(sa.Column("revoked_by", sa.String(length=120), nullable=True))

    with op.batch_alter_table("inbound", schema=None) as batch_op:
        batch_op.add_column(sa.Column("to", sa.String(length=20), nullable=True))
        batch_op.add_column(sa.Column("media", sa.Integer(), server_default="0", nullable=False))
        batch_op.add_column(sa.Column("opt_out", sa.String(length=8), nullable=True))
        batch_op.add_column(sa.Column("handled_at", Instant(), nullable=True))
        batch_op.create_index("ix_inbound_from", ["from", "received_at"], unique=False)
        batch_op.create_index(
            "ix_inbound_unhandled",
            ["id"],
            unique=False,
            sqlite_where=sa.text("handled_at IS NULL"),
            postgresql_where=sa.text("handled_at IS NULL"),
        )

    with op.batch_alter_table("outbox", schema=None) as batch_op:
        batch_op.add_column(sa.Column("consent", sa.String(length=20), nullable=True))
        batch_op.add_column(
            sa.Column("conversation_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True)
        )
        batch_op.create_index(batch_op.f("ix_outbox_conversation_id"), ["conversation_id"], unique=False)
    # What came before was dealt with as it came, and a consent was for the number the patient had.
    op.execute("UPDATE inbound SET handled_at = received_at")
    op.execute("UPDATE consent SET phone = (SELECT phone FROM patient WHERE patient.id = consent.patient_id)")


def downgrade() -> None:
    """Back."""
    with op.batch_alter_table("outbox", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_outbox_conversation_id"))
        batch_op.drop_column("conversation_id")
        batch_op.drop_column("consent")

    with op.batch_alter_table("inbound", schema=None) as batch_op:
        batch_op.drop_index(
            "ix_inbound_unhandled",
            sqlite_where=sa.text("handled_at IS NULL"),
            postgresql_where=sa.text("handled_at IS NULL"),
        )
        batch_op.drop_index("ix_inbound_from")
        batch_op.drop_column("handled_at")
        batch_op.drop_column("opt_out")
        batch_op.drop_column("media")
        batch_op.drop_column("to")

    with op.batch_alter_table("consent", schema=None) as batch_op:
        batch_op.drop_column("revoked_by")
        batch_op.drop_column("revoked_source")
        batch_op.drop_column("given_by")
        batch_op.drop_column("phone")

    with op.batch_alter_table("conversation_answer", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_conversation_answer_conversation_id"))

    op.drop_table("conversation_answer")
    with op.batch_alter_table("conversation", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_conversation_open", sqlite_where=sa.text("state = 'open'"), postgresql_where=sa.text("state = 'open'")
        )
        batch_op.drop_index(batch_op.f("ix_conversation_patient_id"))
        batch_op.drop_index("ix_conversation_check")

    op.drop_table("conversation")
    with op.batch_alter_table("checkin_due", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_checkin_due_due_at"))

    op.drop_table("checkin_due")
    with op.batch_alter_table("checkin_version", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_checkin_version_checkin"))

    op.drop_table("checkin_version")
