"""What is summed up of the readings: made from them, and made anew from them whenever they change."""

from sqlalchemy import (
    BigInteger,
    Column,
    Date,
    Float,
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


def _sums() -> list[Column[object]]:
    """What a window holds; the numbers are empty where nothing was counted."""
    return [
        Column("end_at", Instant, nullable=False),
        Column("counted", Integer, nullable=False),
        Column("total", Float, nullable=False),
        Column("low", Float),
        Column("high", Float),
        Column("last", Float),
        Column("last_at", Instant),
        Column("last_id", BigInteger, nullable=False),
    ]


# An hour or a day of one metric, in the patient's zone.
rollup = Table(
    "rollup",
    metadata,
    Column("patient_id", RowId, nullable=False),
    Column("metric", Integer, nullable=False),
    Column("grain", Integer, nullable=False),  # 1 hour | 2 day
    Column("start_at", Instant, nullable=False),
    *_sums(),
    Column("below", Integer, nullable=False),  # "LO": how many
    Column("above", Integer, nullable=False),  # "HI"
    Column("left_out", Integer, nullable=False),  # suspect, or typed by the patient
    Column("thinned", Integer, nullable=False),  # of counted: how many are kept as a sum alone
    PrimaryKeyConstraint("patient_id", "metric", "grain", "start_at"),
    sqlite_with_rowid=False,
)

# The zone in which a patient's windows are made.
rollup_zone = Table(
    "rollup_zone",
    metadata,
    Column("patient_id", RowId, primary_key=True, autoincrement=False),
    Column("zone", String(64), nullable=False),
    Column("made_to", Instant, index=True),  # they are made anew and have come to here; empty: all are made
)

# Samples that were thinned away, as the sum of an hour. What is still there one by one is not in it.
thinned = Table(
    "thinned",
    metadata,
    Column("patient_id", RowId, nullable=False),
    Column("metric", Integer, nullable=False),
    Column("start_at", Instant, nullable=False),
    *_sums(),
    PrimaryKeyConstraint("patient_id", "metric", "start_at"),
    sqlite_with_rowid=False,
)
