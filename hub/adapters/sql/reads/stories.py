"""One alert with its whole story: what it rests on, what was sent, who did what."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, func, select, union

from hub.adapters.sql.reads.alerts import OPEN, alert_rows
from hub.adapters.sql.reads.care import Version, versions
from hub.adapters.sql.reads.readings import of_readings
from hub.adapters.sql.tables.alerting import alert, alert_event, outbox
from hub.adapters.sql.tables.care import contact
from hub.adapters.sql.tables.devices import device
from hub.adapters.sql.tables.measurements import finding
from hub.adapters.sql.tables.people import patient, staff
from hub.domain.escalation import Chain
from hub.domain.samples import Sample
from hub.domain.severity import Severity
from hub.services.views.alerts import AlertPage, AlertRow, ContactLine, Event, FindingLine, Message

MOST_FINDINGS = 50
MOST_LINES = 500
"""Events, messages and contacts of one alert, the newest."""
_READING = 16
"""A reading's values share the part of their id above this (``measurements.reading``)."""


def alert_row(connection: Connection, ref: str, now: datetime) -> AlertRow | None:
    """One alert as a row."""
    rows = alert_rows(connection, [alert.c.ref == ref], now)
    return rows[0] if rows else None


def story(connection: Connection, ref: str, now: datetime) -> AlertPage | None:
    """One alert, whole."""
    row = alert_row(connection, ref, now)
    if row is None:
        return None
    alike = [alert.c.subject == row.subject, alert.c.problem == row.problem, alert.c.id != row.id, ~OPEN]
    return AlertPage(
        alert=row,
        phone=_phone(connection, row),
        findings=_findings(connection, row),
        found=_found(connection, row.id),
        events=_events(connection, row.id),
        messages=_messages(connection, row.id),
        contacts=_contacts(connection, row.id),
        similar=tuple(alert_rows(connection, alike, now, limit=3)),
    )


def _phone(connection: Connection, row: AlertRow) -> str | None:
    if row.patient is None:
        return None
    return connection.execute(select(patient.c.phone).where(patient.c.id == row.patient.id)).scalar()


def _findings(connection: Connection, row: AlertRow) -> tuple[FindingLine, ...]:
    of_alert = finding.c.alert_id == row.id
    newest = select(finding.c.id).where(of_alert).order_by(finding.c.id.desc()).limit(MOST_FINDINGS)
    by_rule = select(func.max(finding.c.id)).where(of_alert).group_by(finding.c.rule, finding.c.severity)
    setter = select(func.min(finding.c.id)).where(of_alert, finding.c.sentence == row.sentence)
    wanted = union(*(select(one.subquery()) for one in (newest, by_rule, setter)))
    found = select(finding).where(finding.c.id.in_(wanted)).order_by(finding.c.id.desc())
    rows = connection.execute(found).all()
    known = versions(connection, {r.protocol_version_id for r in rows if r.protocol_version_id is not None})
    samples = of_readings(connection, row.patient.id, [r.at for r in rows]) if row.patient else []
    by_reading: dict[int, list[Sample]] = {}
    for sample in samples:
        by_reading.setdefault(sample.reading_id // _READING, []).append(sample)
    addresses = _addresses(connection, {s.device_id for s in samples if s.device_id is not None})
    return tuple(_finding(r, known, by_reading, addresses) for r in rows)


def _found(connection: Connection, alert_id: int) -> tuple[datetime, ...]:
    times = select(finding.c.found_at).where(finding.c.alert_id == alert_id).order_by(finding.c.found_at)
    return tuple(connection.execute(times).scalars())


def _addresses(connection: Connection, device_ids: set[int]) -> dict[int, str]:
    found = select(device.c.id, device.c.profile, device.c.address).where(device.c.id.in_(device_ids))
    return {r.id: f"{r.profile} {r.address}" for r in connection.execute(found)}


def _finding(
    r: Row[Any],
    known: Mapping[int, Version],
    by_reading: Mapping[int, list[Sample]],
    addresses: Mapping[int, str],
) -> FindingLine:
    version = known.get(r.protocol_version_id)
    values = tuple(by_reading.get(r.reading_id // _READING, ())) if r.reading_id is not None else ()
    device_id = next((s.device_id for s in values if s.device_id is not None), None)
    return FindingLine(
        id=r.id,
        at=r.at,
        found_at=r.found_at,
        severity=Severity(r.severity),
        sentence=r.sentence,
        rule=r.rule,
        protocol=version.name if version else None,
        protocol_title=version.title if version else None,
        protocol_version=version.number if version else None,
        signed_by=version.signed_by if version else None,
        signed_at=version.signed_at if version else None,
        confirmed=bool(r.confirmed),
        retrospective=bool(r.retrospective),
        superseded_at=r.superseded_at,
        inputs=json.loads(r.inputs),
        samples=values,
        device=addresses.get(device_id) if device_id is not None else None,
    )


def _events(connection: Connection, alert_id: int) -> tuple[Event, ...]:
    """The newest; lines that only say "one more" never push out what somebody did."""
    this, added = alert_event.c.alert_id == alert_id, alert_event.c.transition == "ADD-1"
    newest = [select(alert_event).where(this, one).order_by(alert_event.c.id.desc()) for one in (added, ~added)]
    rows = [row for found in newest for row in connection.execute(found.limit(MOST_LINES))]
    return tuple(Event(r.at, r.actor, r.transition, r.words) for r in sorted(rows, key=lambda row: row.id))


def _messages(connection: Connection, alert_id: int) -> tuple[Message, ...]:
    found = (
        select(outbox, staff.c.name.label("staff_name"))
        .outerjoin(staff, staff.c.id == outbox.c.staff_id)
        .where(outbox.c.alert_id == alert_id)
        .order_by(outbox.c.id.desc())
        .limit(MOST_LINES)
    )
    chain = Chain.from_json(connection.execute(select(alert.c.chain).where(alert.c.id == alert_id)).scalar_one())
    names = {step.phone: step.name for step in chain.steps}  # the last resort has no row of its own
    return tuple(
        Message(r.created_at, r.kind, r.staff_name or names.get(r.to) or _hidden(r.to), r.state, r.sent_at, r.error)
        for r in reversed(connection.execute(found).all())
    )


def _hidden(phone: str) -> str:
    return f"…{phone[-4:]}"


def _contacts(connection: Connection, alert_id: int) -> tuple[ContactLine, ...]:
    found = (
        select(contact, staff.c.name.label("staff_name"))
        .join(staff, staff.c.id == contact.c.staff_id)
        .where(contact.c.alert_id == alert_id)
        .order_by(contact.c.id.desc())
        .limit(MOST_LINES)
    )
    rows = reversed(connection.execute(found).all())
    return tuple(ContactLine(r.at, r.staff_name, r.way, bool(r.reached), r.note) for r in rows)
