"""The journal (the truth), the readings, and what was refused."""

from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    text,
)

from hub.adapters.sql.tables.base import RowId, metadata, row_id
from hub.adapters.sql.types import Instant

HELD = text("status = 'held'")
"""Spelled out and not as a parameter: else the index of held readings would not be used."""
WAITING = text("state = 'waiting'")
"""Likewise of deadlines."""

journal = Table(
    "journal",
    metadata,
    row_id(),
    Column("gateway_id", String(40), nullable=False),
    Column("spool", String(64), nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("device", String(64), nullable=False),
    Column("status", String(10), nullable=False),  # stored | held (later also released, void, erased)
    Column("code", String(24)),  # why it is held
    Column("device_id", RowId),
    Column("patient_id", RowId),
    Column("effective_at", Instant, nullable=False),
    Column("hub_received_at", Instant, nullable=False),
    Column("age_s", Float, nullable=False),  # age at receipt, right even where the gateway's clock is wrong
    Column("flags", Text, nullable=False),  # space separated, the hub's own added to the device's
    Column(
        "body", LargeBinary, nullable=False
    ),  # the reading as it came: JSON bytes, with all four times and raw packets
    Index("ix_journal_held", "gateway_id", "code", "hub_received_at", sqlite_where=HELD, postgresql_where=HELD),
    Index("ix_journal_held_device", "device", "gateway_id", sqlite_where=HELD, postgresql_where=HELD),
)

METRIC_CODES: dict[str, int] = {
    "body_weight": 1,
    "body_fat": 2,
    "oxygen_saturation": 3,
    "pulse_rate": 4,
    "perfusion_index": 5,
    "blood_glucose": 6,
    "systolic_blood_pressure": 7,
    "diastolic_blood_pressure": 8,
    "mean_arterial_pressure": 9,
    "body_temperature": 10,
    "heart_rate": 11,
    "respiratory_rate": 12,
    "step_count": 13,
}
"""Metric as a small integer in the clustered key: text keys cost 1.8 times the disk. Append only, never renumber."""

PROFILE_CODES: dict[str, int] = {
    "weight-scale": 1,
    "body-composition": 2,
    "glucose-meter": 3,
    "cgm": 4,
    "pulse-oximeter": 5,
    "blood-pressure": 6,
    "thermometer": 7,
    "heart-rate": 8,
    "manual": 9,
}
"""Profile as a part of a sample's ``source``. Append only, never renumber."""


def _said() -> list[Column[Any]]:
    """Of a sample, beside its key; ``hub.adapters.sql.sample_rows`` reads and writes it."""
    return [
        Column("centi", BigInteger, nullable=False),  # the value in hundredths of the metric's unit
        Column("source", BigInteger, nullable=False),  # device and profile
        Column("words", Text, nullable=False),  # flags, a bound's comparator, what the device showed; mostly none
    ]


def _time_line(name: str, *in_key: str) -> Table:
    """``in_key``: columns that PostgreSQL keeps beside the key, so that it answers without a look at the table."""
    return Table(
        name,
        metadata,
        Column("patient_id", RowId, nullable=False),
        Column("metric", Integer, nullable=False),
        Column("at", Instant, nullable=False),  # effective time
        Column("reading_id", BigInteger, nullable=False),  # journal id * 16 + position of the value
        *_said(),
        PrimaryKeyConstraint("patient_id", "metric", "at", "reading_id", postgresql_include=in_key),
        sqlite_with_rowid=False,
    )


# There the samples of a patient lie as far apart as they came: each was a page of its own to read.
reading = _time_line("reading", "centi", "words")
# Of recordings that are replayed. Nothing that watches a patient looks here.
replayed = _time_line("replayed")

latest = Table(
    "latest",
    metadata,
    Column("patient_id", RowId, nullable=False),
    Column("metric", Integer, nullable=False),
    Column("at", Instant, nullable=False),
    Column("reading_id", BigInteger, nullable=False),
    *_said(),
    PrimaryKeyConstraint("patient_id", "metric"),
    sqlite_with_rowid=False,
)

quarantine = Table(
    "quarantine",
    metadata,
    row_id(),
    Column("received_at", Instant, nullable=False, index=True),
    Column("gateway_id", String(40), nullable=False),
    Column("topic", String(200), nullable=False),
    Column("code", String(24), nullable=False),
    Column("detail", Text, nullable=False),  # the sentence; no value of the payload in it
    Column("raw", LargeBinary, nullable=False),
    Column("size", Integer, nullable=False),  # of the payload; `raw` is cut at 256 KiB
    # A sender that gets no answer sends for ever: its last unseen row takes the newest message, and counts.
    Column("times", Integer, nullable=False, server_default="1"),
    Column("seen_at", Instant),
    Column("seen_by", RowId, ForeignKey("staff.id")),
    Column("note", Text),
    Index("ix_quarantine_topic", "topic", "code", "id"),
)

# A message the writer is working on: found again after a crash, it has one more attempt, then goes to quarantine.
attempt = Table(
    "ingest_attempt",
    metadata,
    Column("digest", LargeBinary(32), primary_key=True),
    Column("started", Integer, nullable=False),
    Column("started_at", Instant, nullable=False),
)

finding = Table(
    "finding",
    metadata,
    row_id(),
    Column("patient_id", RowId, ForeignKey("patient.id")),  # None: a held reading's, nobody's yet
    Column("rule", String(64), nullable=False),
    Column("problem", String(64), nullable=False),
    Column("severity", Integer, nullable=False),
    Column("at", Instant, nullable=False),
    Column("found_at", Instant, nullable=False),
    Column("reading_id", BigInteger),
    Column("sentence", Text, nullable=False),
    Column("inputs", Text, nullable=False),  # JSON
    Column("confirmed", Integer, nullable=False),
    Column("retrospective", Integer, nullable=False),  # too old to page, or replaced data: for review
    Column("replayed", Integer, nullable=False, server_default="0"),  # about a recording: nobody's duty
    Column("protocol_version_id", RowId),
    Column("alert_id", RowId, index=True),
    Column("superseded_at", Instant),
    Index("ix_finding_patient", "patient_id", "at"),
    Index("ix_finding_reading", "reading_id"),
)

deadline = Table(
    "deadline",
    metadata,
    row_id(),
    Column("patient_id", RowId, ForeignKey("patient.id"), nullable=False),
    Column("kind", String(40), nullable=False),
    Column("key", String(160), nullable=False),
    Column("metric", Integer, nullable=False),
    Column("from_at", Instant, nullable=False),  # a credible sample of the metric after this cancels it
    Column("due_at", Instant, nullable=False),
    Column("finding", Text, nullable=False),  # JSON of the finding to raise
    Column("state", String(10), nullable=False),  # waiting | raised | cancelled
    Index("ix_deadline_due", "due_at", sqlite_where=WAITING, postgresql_where=WAITING),
    Index("ix_deadline_waiting", "patient_id", "metric", sqlite_where=WAITING, postgresql_where=WAITING),
    Index("ix_deadline_key", "patient_id", "kind", "key", unique=True),
)

# A try that gave no value has no reading; "cannot obtain a reading" is judged from both.
failed_attempt = Table(
    "failed_attempt",
    metadata,
    Column("patient_id", RowId, nullable=False),
    Column("metric", Integer, nullable=False),
    Column("at", Instant, nullable=False),
    Column("reading_id", BigInteger, nullable=False),
    Column("flags", Text, nullable=False),
    PrimaryKeyConstraint("patient_id", "metric", "at", "reading_id"),
    sqlite_with_rowid=False,
)

expectation = Table(
    "expectation",
    metadata,
    Column("patient_id", RowId, ForeignKey("patient.id"), nullable=False),
    Column("slot_id", String(64), nullable=False),
    Column("metric", Integer, nullable=False),
    Column("counted_from", Instant, nullable=False),  # the assignment: "never sent" alarms too
    Column("due_at", Instant, nullable=False),  # of the occurrence that is waited for
    Column("state", String(8), nullable=False),  # due | late | no_data
    Column("check_at", Instant, nullable=False, index=True),
    PrimaryKeyConstraint("patient_id", "slot_id"),
)
