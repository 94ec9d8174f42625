"""All texts to and from one patient, in the order they came and left."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, and_, func, or_, select

from hub.adapters.sql.consents import SqlConsents
from hub.adapters.sql.patients import to_patient
from hub.adapters.sql.reads.alerts import OPEN
from hub.adapters.sql.reads.checkins import asked, exchanges
from hub.adapters.sql.tables.alerting import alert, inbound, outbox
from hub.adapters.sql.tables.checkins import conversation_answer
from hub.adapters.sql.tables.people import patient
from hub.domain import danger
from hub.domain.patients import Patient
from hub.services.texting import TO_PATIENTS
from hub.services.views.texts import DANGER, AnswerLine, Exchange, TextLine, TextsPage


def texts(connection: Connection, patient_id: int, now: datetime, limit: int) -> TextsPage | None:
    """The newest texts of one patient; None if there is no such patient."""
    found = connection.execute(select(patient).where(patient.c.id == patient_id)).first()
    if found is None:
        return None
    one = to_patient(found)
    sharing = _sharing(connection, one)
    lines = [*_went_out(connection, one, limit + 1, shared=sharing > 0), *_came_in(connection, one, limit + 1)]
    newest = sorted(lines, key=lambda line: (line.at, not line.inward, line.id))[-limit:]
    talks = exchanges(connection, patient_id)
    return TextsPage(
        patient=one,
        consents=tuple(SqlConsents(connection).of_patient(patient_id)),
        lines=tuple(_placed(line, talks.values()) for line in newest),
        more=len(lines) > limit,
        unread=_unread(connection, one),
        exchanges=talks,
        asked=asked(connection, one, now),
        sharing=sharing,
        danger_ref=_danger_ref(connection, one),
    )


def _sharing(connection: Connection, one: Patient) -> int:
    if one.phone is None:
        return 0
    others = (patient.c.phone == one.phone, patient.c.id != one.id, patient.c.state != "ended")
    counted: int = connection.execute(select(func.count()).select_from(patient).where(*others)).scalar_one()
    return counted


def _went_out(connection: Connection, one: Patient, limit: int, *, shared: bool) -> list[TextLine]:
    """Also what went to a number that several patients have, and is of no one of them."""
    c = outbox.c
    theirs: ColumnElement[bool] = c.patient_id == one.id
    if shared:
        theirs = or_(theirs, and_(c.patient_id.is_(None), c.to == one.phone))
    at = func.coalesce(c.sent_at, c.send_after)
    found = select(outbox).where(theirs, c.kind.in_(sorted(TO_PATIENTS))).order_by(at.desc(), c.id.desc()).limit(limit)
    return [
        TextLine(
            id=row.id,
            inward=False,
            body=row.body,
            at=row.sent_at or row.send_after,
            wrote_at=row.created_at,
            conversation_id=row.conversation_id,
            kind=row.kind,
            urgent=bool(row.urgent),
            state=row.state,
            error=row.error,
            whose=row.patient_id is not None,
        )
        for row in connection.execute(found)
    ]


def _came_in(connection: Connection, one: Patient, limit: int) -> list[TextLine]:
    """Also what came from their number and could not be told to be theirs."""
    found = select(inbound).where(_theirs(one)).order_by(inbound.c.id.desc()).limit(limit)
    rows = connection.execute(found).all()
    answers = _answers(connection, [row.id for row in rows])
    return [_heard(row, answers.get(row.id, ())) for row in rows]


def _theirs(one: Patient) -> ColumnElement[bool]:
    c = inbound.c
    if one.phone is None:
        return c.patient_id == one.id
    nobodys = and_(c["from"] == one.phone, c.patient_id.is_(None), c.staff_id.is_(None))
    return or_(c.patient_id == one.id, nobodys)


def _unread(connection: Connection, one: Patient) -> int:
    c = inbound.c
    found = select(func.count()).select_from(inbound).where(_theirs(one), c.understood.is_(None), c.read_at.is_(None))
    counted: int = connection.execute(found).scalar_one()
    return counted


def _heard(row: Row[Any], answers: Sequence[tuple[int, AnswerLine]]) -> TextLine:
    return TextLine(
        id=row.id,
        inward=True,
        body=row.body,
        at=row.received_at,
        wrote_at=row.received_at,
        conversation_id=answers[0][0] if answers else None,
        media=row.media,
        handled=row.handled_at is not None,
        understood=row.understood,
        read_at=row.read_at,
        answers=tuple(line for _, line in answers),
        danger=danger.found(row.body),
        whose=row.patient_id is not None or row.handled_at is None,
    )


def _answers(connection: Connection, inbound_ids: Sequence[int]) -> dict[int, list[tuple[int, AnswerLine]]]:
    c = conversation_answer.c
    found = select(conversation_answer).where(c.inbound_id.in_(inbound_ids)).order_by(c.id)
    by_text: dict[int, list[tuple[int, AnswerLine]]] = {}
    for row in connection.execute(found):
        line = AnswerLine(row.step, row.value, row.journal_id is not None, row.withdrawn_at)
        by_text.setdefault(row.inbound_id, []).append((row.conversation_id, line))
    return by_text


def _placed(line: TextLine, talks: Iterable[Exchange]) -> TextLine:
    """A text of no conversation belongs to the one that was open when it came: a patient has one at a time."""
    if line.conversation_id is not None:
        return line
    for talk in talks:
        if talk.asked_at <= line.wrote_at and (talk.ended_at is None or line.wrote_at <= talk.ended_at):
            return replace(line, conversation_id=talk.id)
    return line


def _danger_ref(connection: Connection, one: Patient) -> str | None:
    subjects = [f"patient:{one.id}", f"phone:{one.phone}"]
    found = select(alert.c.ref).where(OPEN, alert.c.problem == DANGER, alert.c.subject.in_(subjects))
    ref: str | None = connection.execute(found.order_by(alert.c.id.desc()).limit(1)).scalar()
    return ref
