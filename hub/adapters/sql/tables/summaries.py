"""What is summed up of the readings: made from them, and made anew from them whenever they change."""

from sqlalchemy import (
    Column,
    Date,
    ForeignKey,
    Index,
    Integer,
    PrimaryKeyConstraint,
    String,
    Table,
    text,
)

from hub.adapters.sql.tables.base import RowId, metadata
from hub.adapters.sql.types import Instant

OPEN = text("outcome = 'open'")
"""Spelled out and not as a parameter: else the index of open ones would not be used."""

# One occurrence of a slot, and what came for it.
expected_reading = Table(
    "expected_reading",
    metadata,
    Column("patient_id", RowId, ForeignKey("patient.id"), nullable=False),
    Column("slot_id", String(80), nullable=False),  # protocol version and slot, as in expectation
    Column("due_at", Instant, nullable=False),
    Column("metric", Integer, nullable=False),
    Column("day", Date, nullable=False),  # the patient's own
    Column("opens_at", Instant, nullable=False),
    Column("late_at", Instant, nullable=False),
    Column("no_data_at", Instant, nullable=False),
    Column("outcome", String(8), nullable=False),  # open | met | late | missed | excused
    Column("received", Integer, nullable=False),
    Column("first_at", Instant),
    Column("by", String(8)),  # device | patient
    Column("excuse", String(8)),  # paused | ended | gateway
    PrimaryKeyConstraint("patient_id", "slot_id", "due_at"),
    Index("ix_expected_reading_window", "patient_id", "no_data_at"),
    Index("ix_expected_reading_open", "no_data_at", sqlite_where=OPEN, postgresql_where=OPEN),
    sqlite_with_rowid=False,
)

# How far a patient's occurrences are written, and when to look for the next.
expected_to = Table(
    "expected_to",
    metadata,
    Column("patient_id", RowId, ForeignKey("patient.id"), primary_key=True),
    Column("opened_to", Instant, nullable=False),  # every window that opens before it has its row
    Column("look_at", Instant, nullable=False, index=True),
)
