"""Alerts, what happened to them, and every message that has to leave."""

from sqlalchemy import Boolean, Column, ForeignKey, Index, Integer, String, Table, Text, text

from hub.adapters.sql.tables.base import RowId, metadata, row_id
from hub.adapters.sql.types import Instant

OPEN = text("state IN ('open', 'acknowledged')")
NOT_TAKEN = text("state = 'open'")
TAKEN = text("state = 'acknowledged'")
UNSEEN = text("state = 'closed' AND closing_seen_at IS NULL")
"""Closed by itself, and nobody has looked (SF11)."""
OF_TALK = text("conversation_id IS NOT NULL")
UNHANDLED = text("handled_at IS NULL")

alert = Table(
    "alert",
    metadata,
    row_id(),
    Column("ref", String(8), nullable=False, unique=True),  # what a person reads out: K7Q2
    Column("kind", String(10), nullable=False),  # clinical | missing | technical
    Column("patient_id", RowId, ForeignKey("patient.id"), index=True),  # None: technical, not about one patient
    Column("problem", String(120), nullable=False),
    Column("subject", String(160), nullable=False),  # "patient:7" or "gateway:g-…": what the problem is of
    Column("severity", Integer, nullable=False),
    Column("state", String(14), nullable=False),  # open | acknowledged | resolved | closed (by itself) | ended
    Column("sentence", Text, nullable=False),  # of the finding that set the severity
    Column("confirmed", Boolean, nullable=False),
    Column("signed_off", Boolean, nullable=False),  # False: "not signed off" stands on it
    Column("opened_at", Instant, nullable=False),
    Column("triggered_at", Instant, nullable=False),  # effective time of the first finding
    Column("last_finding_at", Instant, nullable=False),
    Column("findings", Integer, nullable=False),
    Column("rules", Text, nullable=False),  # JSON: ids of the rules that spoke
    Column(
        "worst", Text, nullable=False
    ),  # JSON: by metric the worst value so far, what "worse" is measured from (SF13)
    Column("version", Integer, nullable=False),  # every change is a compare-and-set on it
    Column(
        "worse_version", Integer, nullable=False
    ),  # version at which it last became worse: a page read before is too old
    Column("worse_at", Instant),  # when the hub raised it or last found it worse: the time a page names
    # Escalation: the chain is frozen when the alert opens.
    Column("chain", Text, nullable=False),  # JSON, see hub.domain.escalation
    Column("round", Integer, nullable=False),  # counts how often the chain began anew
    Column("step", Integer, nullable=False),  # the step that comes next; past the chain's end the last one repeats
    Column("next_page_at", Instant),  # None: nothing is due
    Column("acknowledged_by", RowId, ForeignKey("staff.id")),
    Column("acknowledged_name", String(120)),  # as it was then; the last resort contact has no staff row
    Column("acknowledged_at", Instant),
    Column("lapses_at", Instant),  # the acknowledgement lapses then (SF13)
    Column("chart_opened_at", Instant),
    Column("contacted_at", Instant),
    Column("over_at", Instant),  # what raised it is over; a red waits for a person all the same
    Column("closed_at", Instant),
    Column("closed_by", RowId, ForeignKey("staff.id")),
    Column("closed_name", String(120)),
    Column("outcome", String(24)),
    Column("outcome_note", Text),
    Column("closing_seen_at", Instant),  # "closed by itself, unseen" until somebody looks (SF11)
    Column("nobody_reached_at", Instant),
    Index("uq_alert_open", "subject", "problem", unique=True, sqlite_where=OPEN, postgresql_where=OPEN),
    Index("ix_alert_due", "next_page_at", sqlite_where=NOT_TAKEN, postgresql_where=NOT_TAKEN),
    Index("ix_alert_lapse", "lapses_at", sqlite_where=TAKEN, postgresql_where=TAKEN),
    Index("ix_alert_patient_open", "patient_id", sqlite_where=OPEN, postgresql_where=OPEN),
    Index("ix_alert_unseen", "id", sqlite_where=UNSEEN, postgresql_where=UNSEEN),
)

alert_event = Table(
    "alert_event",
    metadata,
    row_id(),
    Column("alert_id", RowId, ForeignKey("alert.id"), nullable=False, index=True),
    Column("at", Instant, nullable=False),
    Column("transition", String(12), nullable=False),  # "ACK-1": logged, audited, asserted
    Column("actor", String(120), nullable=False),  # a person's name, or "hub"
    Column("words", Text, nullable=False),
)

outbox = Table(
    "outbox",
    metadata,
    row_id(),
    Column("dedupe", String(120), nullable=False, unique=True),  # "alert:12:round:1:step:0:page"
    Column(
        "kind", String(16), nullable=False
    ),  # page | taken | stand_down | reply | task; to patients: checkin | answer
    Column("alert_id", RowId, ForeignKey("alert.id"), index=True),
    Column("patient_id", RowId, index=True),
    Column("staff_id", RowId, ForeignKey("staff.id")),
    Column("round", Integer),
    Column("step", Integer),
    Column("to", String(20), nullable=False),  # E.164
    Column("body", Text, nullable=False),
    Column("channel", String(16)),
    # pending | sending | accepted | sent | delivered | undelivered | failed | cancelled | stale | unknown
    Column("state", String(12), nullable=False),
    Column("rank", Integer, nullable=False),  # a lattice: a late or doubled status never goes back
    Column("created_at", Instant, nullable=False),
    Column("send_after", Instant, nullable=False),
    Column("valid_until", Instant),
    Column("attempts_started", Integer, nullable=False, server_default="0"),
    Column("attempts_finished", Integer, nullable=False, server_default="0"),
    Column("fence", Integer, nullable=False, server_default="0"),
    Column("lease_until", Instant),
    Column("provider_id", String(64), unique=True),
    Column("error", Text),
    Column("sent_at", Instant),
    Column("urgent", Boolean, nullable=False),  # the first red jumps the queue
    Column("consent", String(20)),  # the scope that must still stand when it leaves; None: it needs none
    Column("conversation_id", RowId),
    Index("ix_outbox_due", "state", "send_after"),
    Index("ix_outbox_conversation_id", "conversation_id", sqlite_where=OF_TALK, postgresql_where=OF_TALK),
)

reply_code = Table(
    "reply_code",
    metadata,
    row_id(),
    Column("phone", String(20), nullable=False),
    Column("digit", Integer, nullable=False),  # "Reply 1a": not reused on a phone for 7 days (SF14)
    Column("alert_id", RowId, ForeignKey("alert.id"), nullable=False),
    Column("issued_at", Instant, nullable=False),
    Index("ix_reply_code_phone", "phone", "digit", "issued_at"),
)

inbound = Table(
    "inbound",
    metadata,
    row_id(),
    Column("provider_id", String(64), nullable=False, unique=True),
    Column("from", String(20), nullable=False),
    Column("to", String(20)),
    Column("body", Text, nullable=False),
    Column("media", Integer, nullable=False, server_default="0"),  # pictures and the like that came with it: not kept
    Column("opt_out", String(8)),  # STOP | START | HELP, where the provider has dealt with it by itself
    Column("received_at", Instant, nullable=False),
    Column("handled_at", Instant),  # None: the worker has not looked at it yet
    Column("staff_id", RowId),
    Column("patient_id", RowId),
    Column("understood", String(24)),  # the transition it made, or what it was answered; None: unread
    Column("read_at", Instant),
    Index("ix_inbound_unhandled", "id", sqlite_where=UNHANDLED, postgresql_where=UNHANDLED),
    Index("ix_inbound_from", "from", "received_at"),
)

# The demo's phones. Production never writes here.
demo_phone = Table(
    "demo_phone",
    metadata,
    row_id(),
    Column("outbox_id", RowId, unique=True),  # a resend after a crash shows once
    Column("phone", String(20), nullable=False, index=True),
    Column("inward", Boolean, nullable=False),  # True: the person wrote it
    Column("body", Text, nullable=False),
    Column("at", Instant, nullable=False),
)
