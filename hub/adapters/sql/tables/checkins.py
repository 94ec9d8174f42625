"""Check-ins: what may be asked, whom it is asked of next, and each conversation with its answers."""

from sqlalchemy import Column, ForeignKey, Index, Integer, PrimaryKeyConstraint, String, Table, Text, text

from hub.adapters.sql.tables.base import RowId, metadata, row_id
from hub.adapters.sql.types import Instant

OPEN = text("state = 'open'")

checkin_version = Table(
    "checkin_version",
    metadata,
    row_id(),
    Column("checkin", String(64), nullable=False, index=True),
    Column("version", Integer, nullable=False),
    Column("title", String(160), nullable=False),
    Column("body", Text, nullable=False),  # canonical JSON copy of the template at signing
    Column("sha256", String(64), nullable=False),
    Column("signed_by", String(120)),  # None: in force unsigned, demo only
    Column("signed_at", Instant, nullable=False),
    Column("retired_at", Instant),
)

# When a patient is asked next by schedule. What is due and no longer applies is deleted when it is looked at.
checkin_due = Table(
    "checkin_due",
    metadata,
    Column("patient_id", RowId, ForeignKey("patient.id"), nullable=False),
    Column("checkin", String(64), nullable=False),
    Column("due_at", Instant, nullable=False, index=True),
    PrimaryKeyConstraint("patient_id", "checkin"),
)

conversation = Table(
    "conversation",
    metadata,
    row_id(),
    Column("patient_id", RowId, ForeignKey("patient.id"), nullable=False, index=True),
    Column("checkin_version_id", RowId, ForeignKey("checkin_version.id"), nullable=False),
    Column("cause", String(16), nullable=False),  # schedule | missing
    Column("key", String(160), nullable=False, unique=True),  # one cause asks once
    # open | answered | expired | not_understood | measured (by a device meanwhile) | not_sent | cancelled
    Column("state", String(16), nullable=False),
    Column("step", Integer, nullable=False),  # of the check-in's questions, from 0
    Column(
        "prompts", Integer, nullable=False
    ),  # how often something was asked anew: bounded for the whole conversation
    Column("asked_at", Instant, nullable=False),  # when its question was to leave
    Column("check_at", Instant),  # the worker looks then: silence is asked about once, then it expires. None: over
    Column("ended_at", Instant),
    Column("version", Integer, nullable=False),  # every change is a compare-and-set on it
    Index("uq_conversation_open", "patient_id", unique=True, sqlite_where=OPEN, postgresql_where=OPEN),
    Index("ix_conversation_check", "check_at"),
)

conversation_answer = Table(
    "conversation_answer",
    metadata,
    row_id(),
    Column("conversation_id", RowId, ForeignKey("conversation.id"), nullable=False, index=True),
    Column("inbound_id", RowId, ForeignKey("inbound.id"), nullable=False),
    Column("step", String(64), nullable=False),
    Column("value", Text, nullable=False),  # JSON: what it was understood as
    Column("answered_at", Instant, nullable=False),
    Column("journal_id", RowId),  # of the reading it became; None: it is no measurement
    Column("withdrawn_at", Instant),  # the patient says that it was mistyped
)
