"""What stands beside the series: which samples hold no more, what changed, and how far copies of it have come."""

from sqlalchemy import BigInteger, Column, Index, Integer, String, Table, Text

from hub.adapters.sql.tables.base import RowId, metadata, row_id
from hub.adapters.sql.types import Instant

# A sample's value is never changed: one that is void, or replaced by another sample, is named here and left out.
amendment = Table(
    "amendment",
    metadata,
    row_id(),
    Column("patient_id", RowId, nullable=False),
    Column("metric", Integer, nullable=False),
    Column("at", Instant, nullable=False),
    Column("reading_id", BigInteger, nullable=False),
    Column("kind", String(8), nullable=False),  # void | correct
    Column("by_reading_id", BigInteger),  # the sample that stands in its place
    Column("reason", Text, nullable=False),
    Column("made_by", String(120), nullable=False),
    Column("made_at", Instant, nullable=False),
    Index("ix_amendment_sample", "patient_id", "metric", "at", "reading_id", unique=True),
)

# Samples that were there changed. New ones are found by their rows of the journal and need none here.
series_change = Table(
    "series_change",
    metadata,
    row_id(),
    Column("patient_id", RowId, nullable=False),
    Column("since", Instant, nullable=False),
    Column("until", Instant, nullable=False),  # samples at this instant, too
    Column("reason", String(16), nullable=False),  # release | mark | void | correct | erase
)

projection = Table(
    "projection",
    metadata,
    Column("name", String(40), primary_key=True),
    Column("journal_id", BigInteger, nullable=False),
    Column("change_id", BigInteger, nullable=False),
    Column("moved_at", Instant, nullable=False),
)
