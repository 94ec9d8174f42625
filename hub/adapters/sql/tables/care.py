"""Protocols in force, goals, tasks."""

from sqlalchemy import Boolean, Column, ForeignKey, Index, Integer, String, Table, Text

from hub.adapters.sql.tables.base import RowId, metadata, row_id
from hub.adapters.sql.types import Instant

protocol_version = Table(
    "protocol_version",
    metadata,
    row_id(),
    Column("protocol", String(64), nullable=False, index=True),
    Column("version", Integer, nullable=False),
    Column("title", String(160), nullable=False),
    Column("body", Text, nullable=False),  # canonical JSON copy of the template at signing
    Column("sha256", String(64), nullable=False),
    Column("signed_by", String(120)),  # None: in force unsigned, demo only; every alert says so
    Column("signed_at", Instant, nullable=False),
    Column("retired_at", Instant),
)

patient_protocol = Table(
    "patient_protocol",
    metadata,
    row_id(),
    Column("patient_id", RowId, ForeignKey("patient.id"), nullable=False, index=True),
    Column("protocol_version_id", RowId, ForeignKey("protocol_version.id"), nullable=False),
    Column("from_at", Instant, nullable=False),
    Column("to_at", Instant),
    Column("assigned_by", String(120), nullable=False),
)

goal = Table(
    "goal",
    metadata,
    row_id(),
    Column("patient_id", RowId, ForeignKey("patient.id"), nullable=False, index=True),
    Column("words", Text, nullable=False),  # the patient's own
    Column("added_at", Instant, nullable=False),
    Column("added_by", RowId, ForeignKey("staff.id")),
    Column("ended_at", Instant),
)

task = Table(
    "task",
    metadata,
    row_id(),
    Column("kind", String(24), nullable=False),  # follow_up | review | unassigned | home_again | call_patient
    Column("title", Text, nullable=False),
    Column("patient_id", RowId, ForeignKey("patient.id"), index=True),
    Column("alert_id", RowId, index=True),
    Column("owner_id", RowId, ForeignKey("staff.id")),
    Column("role", String(20)),  # the pool, where nobody owns it yet
    Column("due_at", Instant, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("done_at", Instant),
    Column("done_by", RowId, ForeignKey("staff.id")),
    Column("note", Text),
    Column("page_at", Instant),  # somebody is paged about it then; None: it stays on the worklist
    Column("pages", Integer, nullable=False, server_default="0"),  # how many pages went out: first to the owner
    Column("paged_at", Instant),
    Column("key", String(120), unique=True),  # a duty found twice is one task
    Column("cancelled", Boolean, nullable=False, server_default="0"),
    Index("ix_task_open", "done_at", "due_at"),
    Index("ix_task_page", "page_at"),
)

contact = Table(
    "contact",
    metadata,
    row_id(),
    Column("patient_id", RowId, ForeignKey("patient.id"), nullable=False, index=True),
    Column("alert_id", RowId, index=True),
    Column("staff_id", RowId, ForeignKey("staff.id"), nullable=False),
    Column("at", Instant, nullable=False),
    Column("way", String(16), nullable=False),  # phone | visit | video | message
    Column("reached", Integer, nullable=False),
    Column("note", Text),
)
