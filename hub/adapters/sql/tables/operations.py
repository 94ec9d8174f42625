"""What the hub keeps about itself."""

from sqlalchemy import (
    BigInteger,
    Column,
    Float,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    text,
)

from hub.adapters.sql.tables.base import metadata, row_id
from hub.adapters.sql.types import Instant

stamp = Table(
    "stamp",
    metadata,
    Column("name", String(32), primary_key=True),  # mode | site
    Column("value", Text, nullable=False),
)

UNSEALED = text("position IS NULL")

audit = Table(
    "audit",
    metadata,
    row_id(),
    Column("at", Instant, nullable=False),
    Column("actor", String(120), nullable=False),
    Column("act", String(40), nullable=False),
    Column("subject", String(160), nullable=False),
    Column("detail", Text, nullable=False),  # JSON
    # Sealed into the chain by the worker; empty in the act's own transaction. Positions count from 1: ids do not tell
    # the order of the chain, for a transaction may commit late with a lower id.
    Column("position", BigInteger, unique=True),
    Column("hash", LargeBinary(32)),
    Index("ix_audit_unsealed", "id", sqlite_where=UNSEALED, postgresql_where=UNSEALED),
    Index("ix_audit_subject", "subject", "id"),
)

heartbeat = Table(
    "heartbeat",
    metadata,
    Column("role", String(20), nullable=False),  # ingest | worker | web | tick:<module>
    Column("instance", String(40), nullable=False),
    Column("at", Instant, nullable=False),
    Column("detail", Text, nullable=False),  # JSON: queue length, broker connected, …
    PrimaryKeyConstraint("role", "instance"),
)

counter = Table(
    "counter",
    metadata,
    Column("name", String(64), nullable=False),
    Column("label", String(64), nullable=False),
    Column("value", BigInteger, nullable=False),
    PrimaryKeyConstraint("name", "label"),
)

histogram = Table(
    "histogram",
    metadata,
    Column("name", String(64), nullable=False),
    Column("le", Float, nullable=False),  # upper bound in seconds
    Column("count", Integer, nullable=False),
    Column("sum", Float, nullable=False),
    PrimaryKeyConstraint("name", "le"),
)
