"""How the hub itself is doing, from rows: one web process tells about all roles."""

from sqlalchemy import Connection, func, select

from hub.adapters.sql.feed import SqlFeed
from hub.adapters.sql.operations import SqlOperations
from hub.adapters.sql.reads.alerts import OPEN
from hub.adapters.sql.tables.alerting import alert, outbox
from hub.adapters.sql.tables.measurements import HELD, journal, quarantine
from hub.domain.severity import Severity
from hub.services.copying import lag
from hub.services.views.running import Beat, Running


def running(connection: Connection, *, copied: bool = False) -> Running:
    """What ``/readyz`` and ``/metrics`` are made of; ``copied``: there is a copy of the series."""
    operations = SqlOperations(connection)
    beats = tuple(Beat(b.role, b.instance, b.at, b.detail) for b in operations.heartbeats())
    alerts = select(alert.c.kind, alert.c.severity, func.count()).where(OPEN).group_by(alert.c.kind, alert.c.severity)
    messages = select(outbox.c.channel, outbox.c.state, func.count()).group_by(outbox.c.channel, outbox.c.state)
    unseen = select(func.count()).select_from(quarantine).where(quarantine.c.seen_at.is_(None))
    held = select(func.count()).select_from(journal).where(HELD)
    return Running(
        beats=beats,
        counters=operations.counters(),
        histograms=operations.histograms(),
        open_alerts={(kind, Severity(worst).word): count for kind, worst, count in connection.execute(alerts)},
        messages={(channel or "none", state): count for channel, state, count in connection.execute(messages)},
        held=connection.execute(held).scalar_one(),
        quarantined=connection.execute(unseen).scalar_one(),
        copy=lag(SqlFeed(connection)) if copied else None,
    )
