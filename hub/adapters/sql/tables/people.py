"""Staff, sessions, patients, consent."""

from sqlalchemy import Boolean, Column, Date, ForeignKey, Index, Integer, LargeBinary, String, Table, Text

from hub.adapters.sql.tables.base import RowId, metadata, row_id
from hub.adapters.sql.types import Instant

staff = Table(
    "staff",
    metadata,
    row_id(),
    Column("login", String(80), nullable=False, unique=True),
    Column("name", String(120), nullable=False),
    Column("role", String(20), nullable=False),  # nurse | physician | pharmacist | social_worker | operator | admin
    Column("password_hash", Text, nullable=False),
    Column("phone", String(20)),  # E.164
    Column("created_at", Instant, nullable=False),
    Column("disabled_at", Instant),
    Column("failed_sign_ins", Integer, nullable=False, server_default="0"),
    Column("sign_in_allowed_at", Instant),  # a soft delay after failures, never a lock-out of the person on call
)

session = Table(
    "session",
    metadata,
    Column("token_hash", LargeBinary(32), primary_key=True),  # SHA-256: the token itself lives in the cookie only
    Column("staff_id", RowId, ForeignKey("staff.id"), nullable=False, index=True),
    Column("csrf", String(64), nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("seen_at", Instant, nullable=False),
    Column("ended_at", Instant),
)

patient = Table(
    "patient",
    metadata,
    row_id(),
    Column("mrn", String(40), nullable=False, unique=True),
    Column("name", String(160), nullable=False),
    Column("born", Date),
    Column("zone", String(64), nullable=False),
    Column("state", String(12), nullable=False),  # invited | active | paused | ended
    Column("state_reason", Text),
    Column("state_since", Instant, nullable=False),
    Column("paused_until", Instant, index=True),
    Column("phone", String(20)),
    Column("dry_weight_g", Integer),
    Column("dry_weight_by", String(120)),
    Column("dry_weight_at", Instant),
    Column("oxygen_state", String(8), nullable=False),
    Column("oxygen_target", String(10)),
    Column("oxygen_floor", Integer),
    Column("insulin_or_su", Boolean, nullable=False),
    Column("pregnant", Boolean),
    Column("recently_discharged_at", Instant),
    Column("care_manager_id", RowId, ForeignKey("staff.id")),
    Column("is_test", Boolean, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("version", Integer, nullable=False, server_default="1"),  # every edit is a compare-and-set on it
    # Bumped by compare-and-set whenever this patient's readings were judged: two ingest processes may meet here.
    Column("evaluation_version", Integer, nullable=False, server_default="0"),
)

# Every state a patient was in: `patient` knows the newest alone.
patient_state = Table(
    "patient_state",
    metadata,
    row_id(),
    Column("patient_id", RowId, ForeignKey("patient.id"), nullable=False),
    Column("state", String(12), nullable=False),
    Column("since", Instant, nullable=False),
    Index("ix_patient_state_patient", "patient_id", "since"),
)

consent = Table(
    "consent",
    metadata,
    row_id(),
    Column("patient_id", RowId, ForeignKey("patient.id"), nullable=False, index=True),
    Column("scope", String(20), nullable=False),  # monitoring | sms | sharing
    Column("phone", String(20)),  # the number it was given for: another number needs another consent
    Column("wording", Text, nullable=False),
    Column("source", String(40), nullable=False),
    Column("given_at", Instant, nullable=False),
    Column("given_by", String(120)),  # who recorded it; None: nobody wrote that down yet
    Column("revoked_at", Instant),
    Column("revoked_source", String(40)),
    Column("revoked_by", String(120)),
)
