"""The first page, of one snapshot."""

from datetime import datetime

from sqlalchemy import Connection, func, literal_column, select

from hub.adapters.sql.operations import SqlOperations
from hub.adapters.sql.reads.alerts import OPEN, alert_rows
from hub.adapters.sql.reads.patients import watched
from hub.adapters.sql.reads.tasks import open_tasks
from hub.adapters.sql.reads.unread import count_unread, unread_texts
from hub.adapters.sql.staff import SqlStaff
from hub.adapters.sql.tables.alerting import alert, outbox
from hub.adapters.sql.tables.devices import gateway
from hub.adapters.sql.tables.measurements import HELD, journal, quarantine
from hub.services.ports.devices import REPLAY
from hub.services.restored import last_of
from hub.services.views.worklist import SiteState, Worklist

UNSEEN = (alert.c.state == literal_column("'closed'"), alert.c.closing_seen_at.is_(None))
"""Closed by itself, and nobody has looked (SF11)."""


def worklist(connection: Connection, now: datetime) -> Worklist:
    """What needs a person now, and how every watched patient is."""
    return Worklist(
        site=_site(connection, now),
        alerts=tuple(alert_rows(connection, [OPEN], now)),
        closed_unseen=tuple(alert_rows(connection, UNSEEN, now, limit=50)),
        tasks=open_tasks(connection),
        texts=unread_texts(connection),
        texts_unread=count_unread(connection),
        patients=watched(connection, now),
    )


def _site(connection: Connection, now: datetime) -> SiteState:
    unsent = select(func.count()).where(outbox.c.state.in_(["pending", "sending"]), outbox.c.send_after <= now)
    unseen = select(func.count()).select_from(quarantine).where(quarantine.c.seen_at.is_(None))
    held = select(func.count()).select_from(journal).where(HELD)
    recordings = select(gateway.c.id).where(gateway.c.purpose == REPLAY)  # no sign of life (SF20)
    real = select(journal.c.hub_received_at).where(journal.c.gateway_id.not_in(recordings))
    last = real.order_by(journal.c.id.desc()).limit(1)
    known = last_of(SqlOperations(connection))
    return SiteState(
        last_received_at=connection.execute(last).scalar(),
        unsent=connection.execute(unsent).scalar_one(),
        on_call=_on_call(connection),
        quarantined=connection.execute(unseen).scalar_one(),
        held=connection.execute(held).scalar_one(),
        restored_from=known.made_at if known is not None and not known.over else None,
    )


def _on_call(connection: Connection) -> str | None:
    """As ``hub.services.paging.care_team`` begins: the first nurse or physician with a phone."""
    return next((one.name for one in SqlStaff(connection).reachable("nurse", "physician")), None)
