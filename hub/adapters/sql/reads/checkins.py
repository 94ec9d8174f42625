"""Conversations of a patient, and what they are asked."""

import json
from datetime import datetime
from functools import lru_cache

from sqlalchemy import Connection, select

from hub.adapters.sql.reads.care import enrolled
from hub.adapters.sql.tables.checkins import checkin_due, checkin_version, conversation
from hub.domain.checkins import CheckIn, parse_checkin
from hub.domain.patients import Patient
from hub.errors import BrokenProtocol
from hub.services.checkins.missing import waited_for
from hub.services.views.texts import AskedCheckIn, Exchange

MOST = 200
"""Conversations of one patient, the newest."""


def exchanges(connection: Connection, patient_id: int) -> dict[int, Exchange]:
    """The newest conversations by id, the newest first."""
    c = conversation.c
    found = (
        select(conversation, checkin_version.c.title, checkin_version.c.version.label("number"))
        .add_columns(checkin_version.c.body, checkin_version.c.sha256)
        .join(checkin_version, checkin_version.c.id == c.checkin_version_id)
        .where(c.patient_id == patient_id)
        .order_by(c.id.desc())
        .limit(MOST)
    )
    return {
        row.id: Exchange(
            id=row.id,
            title=row.title,
            version=row.number,
            cause=row.cause,
            state=row.state,
            due_at=_due_at(row.key),
            asked_at=row.asked_at,
            check_at=row.check_at,
            ended_at=row.ended_at,
            choices=_choices(checkin_of(row.sha256, row.body)),
        )
        for row in connection.execute(found)
    }


def _due_at(key: str) -> datetime | None:
    waited = waited_for(key)
    return waited[1] if waited is not None else None


def _choices(checkin: CheckIn | None) -> dict[str, dict[str, str]]:
    steps = checkin.steps if checkin else ()
    return {step.id: {choice.digit: choice.words for choice in step.choices} for step in steps}


def asked(connection: Connection, one: Patient, now: datetime) -> tuple[AskedCheckIn, ...]:
    """The check-ins in force for the protocols this patient is on, by title."""
    on = {version.name for version, _ in enrolled(connection, [one.id], now).get(one.id, ())}
    due = dict(
        connection.execute(
            select(checkin_due.c.checkin, checkin_due.c.due_at).where(checkin_due.c.patient_id == one.id)
        ).all()
    )
    c = checkin_version.c
    found = []
    for row in connection.execute(select(checkin_version).where(c.retired_at.is_(None)).order_by(c.title, c.id)):
        checkin = checkin_of(row.sha256, row.body)
        if checkin is not None and on.intersection(checkin.for_protocols):
            next_at = due.get(row.checkin)
            found.append(
                AskedCheckIn(row.title, row.version, row.signed_by, checkin.missing, checkin.schedule, next_at)
            )
    return tuple(found)


@lru_cache(maxsize=256)
def checkin_of(_sha256: str, body: str) -> CheckIn | None:
    """A signed copy as it is to be read; None if it cannot be any more."""
    try:
        return parse_checkin(json.loads(body))
    except (BrokenProtocol, ValueError):
        return None  # whoever asks by it raises the alarm; a page must still show the patient
