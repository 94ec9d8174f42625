"""Gateways, devices, and who had a device when."""

from sqlalchemy import Boolean, Column, Float, ForeignKey, Index, Integer, PrimaryKeyConstraint, String, Table, Text

from hub.adapters.sql.tables.base import RowId, metadata, row_id
from hub.adapters.sql.types import Instant

gateway = Table(
    "gateway",
    metadata,
    Column("id", String(40), primary_key=True),  # what stands in its topics; no name in it
    Column("name", String(120), nullable=False),
    Column("purpose", String(10), nullable=False, server_default="ordinary"),  # ordinary | replay
    Column("credential", Text, nullable=False),  # mosquitto's PBKDF2 form, never the password
    Column("created_at", Instant, nullable=False),
    Column("retired_at", Instant),
    # Last status as the gateway told it, and when the hub heard it.
    Column("online", Boolean, nullable=False, server_default="0"),
    Column("online_changed_at", Instant),
    Column("heard_at", Instant),
    Column("status", Text),  # JSON of the last status message that told of devices
    Column("spool_depth", Integer),
    Column("spool_dropped_total", Integer, nullable=False, server_default="0"),
    Column("clock_offset_s", Float),
)

device = Table(
    "device",
    metadata,
    row_id(),
    Column("address", String(64), nullable=False, unique=True),  # opaque stable identity
    Column("profile", String(24), nullable=False),
    Column("added_at", Instant, nullable=False),
    Column("last_seen_at", Instant),  # when it measured last: what comes from its memory makes nothing look used
    Column("battery_percent", Integer),
)

accepted_on = Table(
    "device_accepted_on",
    metadata,
    Column("device_id", RowId, ForeignKey("device.id"), nullable=False),
    Column("gateway_id", String(40), ForeignKey("gateway.id"), nullable=False),
    Column("accepted_at", Instant, nullable=False),
    Column("accepted_by", String(120), nullable=False),
    PrimaryKeyConstraint("device_id", "gateway_id"),
)

assignment = Table(
    "assignment",
    metadata,
    row_id(),
    Column("device_id", RowId, ForeignKey("device.id"), nullable=False, index=True),
    Column("patient_id", RowId, ForeignKey("patient.id"), nullable=False, index=True),
    Column("slot", Integer),  # the user number on a shared device; None: any
    Column("from_at", Instant, nullable=False),
    Column("to_at", Instant),
    Column("assigned_by", String(120), nullable=False),
    Index("ix_assignment_period", "device_id", "from_at", "to_at"),
)
