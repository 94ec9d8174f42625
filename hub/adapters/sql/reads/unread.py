"""Texts that wait for a person, those that speak of danger first."""

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Connection, Row, func, or_, select

from hub.adapters.sql.reads.alerts import OPEN
from hub.adapters.sql.reads.people import PATIENT_COLUMNS, joined_tag
from hub.adapters.sql.tables.alerting import alert, inbound
from hub.adapters.sql.tables.people import patient
from hub.domain import danger
from hub.services.views.people import PatientTag
from hub.services.views.texts import DANGER
from hub.services.views.worklist import UnreadText

MOST = 100
_WAITS = (inbound.c.understood.is_(None), inbound.c.read_at.is_(None), inbound.c.staff_id.is_(None))


def unread_texts(connection: Connection) -> tuple[UnreadText, ...]:
    """The oldest, and whatever their age those of whom an alert about words of danger is open; danger first."""
    alerts = _danger_alerts(connection)
    rows = {row.id: row for row in [*_oldest(connection), *_of_alerts(connection, alerts)]}
    owners = _owners(connection, {row.sender for row in rows.values() if row.patient_tag_id is None})
    texts = [_text(row, owners.get(row.sender, ()), alerts) for row in rows.values()]
    return tuple(sorted(texts, key=lambda text: (text.danger is None and text.alert_ref is None, text.id)))


def count_unread(connection: Connection) -> int:
    """How many wait in all."""
    counted: int = connection.execute(select(func.count()).select_from(inbound).where(*_WAITS)).scalar_one()
    return counted


def _oldest(connection: Connection) -> Sequence[Row[Any]]:
    return connection.execute(_found().order_by(inbound.c.id).limit(MOST)).all()


def _of_alerts(connection: Connection, alerts: dict[str, str]) -> Sequence[Row[Any]]:
    if not alerts:
        return []
    ids = [int(subject.partition(":")[2]) for subject in alerts if subject.startswith("patient:")]
    phones = [subject.partition(":")[2] for subject in alerts if subject.startswith("phone:")]
    theirs = or_(inbound.c.patient_id.in_(ids), inbound.c["from"].in_(phones))
    return connection.execute(_found().where(theirs).order_by(inbound.c.id.desc()).limit(MOST)).all()


def _found() -> Any:
    c = inbound.c
    columns = (c.id, c.received_at, c.body, c.media, c.handled_at, c["from"].label("sender"), *PATIENT_COLUMNS)
    return select(*columns).outerjoin(patient, patient.c.id == c.patient_id).where(*_WAITS)


def _danger_alerts(connection: Connection) -> dict[str, str]:
    """Reference of each open alert about words of danger, by whom or which number it is about."""
    found = select(alert.c.subject, alert.c.ref).where(OPEN, alert.c.problem == DANGER).order_by(alert.c.id)
    return {row.subject: row.ref for row in connection.execute(found)}


def _owners(connection: Connection, phones: Iterable[str]) -> dict[str, tuple[PatientTag, ...]]:
    """Patients not ended by number: whose a text may be that is nobody's yet."""
    found = select(patient.c.phone, *PATIENT_COLUMNS).where(
        patient.c.phone.in_(sorted(phones)), patient.c.state != "ended"
    )
    by_phone: dict[str, tuple[PatientTag, ...]] = {}
    for row in connection.execute(found.order_by(patient.c.id)):
        tag = joined_tag(row)
        if tag is not None:
            by_phone[row.phone] = (*by_phone.get(row.phone, ()), tag)
    return by_phone


def _text(row: Row[Any], owners: tuple[PatientTag, ...], alerts: dict[str, str]) -> UnreadText:
    known = joined_tag(row)
    one = known or (owners[0] if len(owners) == 1 else None)
    subjects = [f"patient:{one.id}" if one else "", f"phone:{row.sender}"]
    spoken = danger.found(row.body)
    return UnreadText(
        id=row.id,
        received_at=row.received_at,
        body=row.body,
        sender=row.sender,
        patient=one,
        may_be=() if one else owners,
        media=row.media,
        handled=row.handled_at is not None,
        danger=spoken,
        alert_ref=next((alerts[subject] for subject in subjects if subject in alerts), None) if spoken else None,
    )
