"""What came of a recording that was replayed: whatever is newer than the marks."""

from datetime import datetime
from itertools import pairwise

from sqlalchemy import Connection, Table, func, select

from hub.adapters.sql.tables.alerting import alert, outbox
from hub.adapters.sql.tables.care import task
from hub.adapters.sql.tables.keys import transport_key
from hub.adapters.sql.tables.measurements import finding, replayed
from hub.domain.severity import Severity
from hub.services.views.replays import APART, Found, Marks, Outcome


def marks(connection: Connection, gateway_id: str) -> Marks:
    """Where the tables end now."""
    key = transport_key.c
    counted = select(key.status, key.code, func.count()).where(key.gateway_id == gateway_id)
    answered = connection.execute(counted.group_by(key.status, key.code)).all()
    ends = [_end(connection, table) for table in (finding, alert, task, outbox)]
    return Marks({(status, code): count for status, code, count in answered}, *ends)


def outcome(connection: Connection, patient_id: int, gateway_id: str, since: Marks) -> Outcome:
    """What this patient's recording made, and what else came for this patient meanwhile."""
    now = marks(connection, gateway_id)
    answered = {
        f"{status} {code}" if code else status: count - since.answered.get((status, code), 0)
        for (status, code), count in sorted(now.answered.items(), key=str)
    }
    return Outcome(
        answered={words: count for words, count in answered.items() if count},
        found=found(connection, patient_id, since.findings),
        alerts=_newer(connection, alert, patient_id, since.alerts),
        tasks=_newer(connection, task, patient_id, since.tasks),
        messages=_newer(connection, outbox, patient_id, since.messages),
    )


def _end(connection: Connection, table: Table) -> int:
    end: int = connection.execute(select(func.coalesce(func.max(table.c.id), 0))).scalar_one()
    return end


def _newer(connection: Connection, table: Table, patient_id: int, since: int) -> int:
    these = select(func.count()).where(table.c.id > since, table.c.patient_id == patient_id)
    count: int = connection.execute(these).scalar_one()
    return count


def found(connection: Connection, patient_id: int, since: int = 0) -> tuple[Found, ...]:
    """What the rules found in this patient's recordings, worst first. Who has none is not asked about."""
    if connection.execute(select(replayed.c.at).where(replayed.c.patient_id == patient_id).limit(1)).first() is None:
        return ()
    c = finding.c
    these = select(c.rule, c.severity, c.at).where(c.id > since, c.patient_id == patient_id, c.replayed == 1)
    times: dict[tuple[int, str], list[datetime]] = {}
    for rule, severity, at in connection.execute(these.order_by(c.at)):
        times.setdefault((-severity, rule), []).append(at)
    return tuple(
        Found(rule, Severity(-minus), len(ats), _episodes(ats), ats[0], ats[-1])
        for (minus, rule), ats in sorted(times.items())
    )


def _episodes(times: list[datetime]) -> int:
    return 1 + sum(later - earlier >= APART for earlier, later in pairwise(times))
