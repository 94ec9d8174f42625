"""Conversations: one open with a patient, changed by compare-and-set."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, insert, select, update
from sqlalchemy.exc import IntegrityError

from hub.adapters.sql.tables.checkins import OPEN, conversation_answer
from hub.adapters.sql.tables.checkins import conversation as table
from hub.adapters.sql.upsert import insert_into
from hub.errors import NotFound, Transient
from hub.services.ports import checkins as states
from hub.services.ports.checkins import Asked, Conversation

_FIXED = ("id", "patient_id", "checkin_version_id", "cause", "key")


class SqlConversations:
    """See ``hub.services.ports.checkins.Conversations``."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def open(
        self, patient_id: int, checkin_version_id: int, cause: str, key: str, asked_at: datetime, check_at: datetime
    ) -> int | None:
        """None if its key is known, or another is open with the patient."""
        values = {
            "patient_id": patient_id,
            "checkin_version_id": checkin_version_id,
            "cause": cause,
            "key": key,
            "state": states.OPEN,
            "step": 0,
            "prompts": 0,
            "asked_at": asked_at,
            "check_at": check_at,
            "version": 0,
        }
        statement = insert_into(self._connection, table).values(values).on_conflict_do_nothing()
        added: int | None = self._connection.execute(statement.returning(table.c.id)).scalar_one_or_none()
        return added

    def get(self, conversation_id: int) -> Conversation:
        """Raises ``NotFound``."""
        found = self._first(select(table).where(table.c.id == conversation_id))
        if found is None:
            raise NotFound("no such conversation")
        return found

    def by_key(self, key: str) -> Conversation | None:
        """What a cause has asked."""
        return self._first(select(table).where(table.c.key == key))

    def open_of(self, patient_id: int) -> Conversation | None:
        """The one that waits for an answer."""
        return self._first(select(table).where(table.c.patient_id == patient_id, OPEN))

    def ended_since(self, patient_id: int, since: datetime) -> Sequence[Conversation]:
        """The newest first."""
        these = (table.c.patient_id == patient_id) & (table.c.asked_at >= since) & (table.c.state != states.OPEN)
        found = select(table).where(these).order_by(table.c.id.desc())
        return [Conversation(**row) for row in self._connection.execute(found).mappings()]

    def save(self, conversation: Conversation) -> bool:
        """The next version, if this is the one that stands and no other is open beside it."""
        changes = {name: value for name, value in asdict(conversation).items() if name not in _FIXED}
        changes["version"] = conversation.version + 1
        this = (table.c.id == conversation.id) & (table.c.version == conversation.version)
        if conversation.state == states.OPEN:
            other = table.alias()
            beside = (other.c.patient_id == conversation.patient_id) & (other.c.id != conversation.id)
            this &= ~select(other.c.id).where(beside, other.c.state == states.OPEN).exists()
        try:
            return self._connection.execute(update(table).where(this).values(changes)).rowcount == 1
        except IntegrityError as error:
            raise Transient("another conversation was opened meanwhile") from error

    def due(self, now: datetime, limit: int) -> list[Conversation]:
        """The longest due first."""
        found = select(table).where(OPEN, table.c.check_at <= now).order_by(table.c.check_at, table.c.id).limit(limit)
        return [Conversation(**row) for row in self._connection.execute(found).mappings()]

    def keep_answer(
        self, conversation_id: int, inbound_id: int, step: str, value: str, now: datetime, journal_id: int | None
    ) -> int:
        """The new answer's id."""
        values = {
            "conversation_id": conversation_id,
            "inbound_id": inbound_id,
            "step": step,
            "value": value,
            "answered_at": now,
            "journal_id": journal_id,
        }
        kept = insert(conversation_answer).values(values).returning(conversation_answer.c.id)
        answer_id: int = self._connection.execute(kept).scalar_one()
        return answer_id

    def answers(self, conversation_id: int) -> Sequence[Asked]:
        """In the order they came."""
        these = conversation_answer.c.conversation_id == conversation_id
        found = select(conversation_answer).where(these).order_by(conversation_answer.c.id)
        return [Asked(**row) for row in self._connection.execute(found).mappings()]

    def last_answer(self, patient_id: int, since: datetime) -> Asked | None:
        """The newest that stands."""
        answer = conversation_answer.c
        found = (
            select(conversation_answer)
            .join(table, table.c.id == answer.conversation_id)
            .where(table.c.patient_id == patient_id, answer.answered_at >= since, answer.withdrawn_at.is_(None))
            .order_by(answer.id.desc())
            .limit(1)
        )
        row = self._connection.execute(found).mappings().first()
        return None if row is None else Asked(**row)

    def withdraw(self, answer_id: int, now: datetime) -> bool:
        """Once."""
        this = (conversation_answer.c.id == answer_id) & conversation_answer.c.withdrawn_at.is_(None)
        taken = update(conversation_answer).where(this).values(withdrawn_at=now)
        return self._connection.execute(taken).rowcount == 1

    def _first(self, found: Select[Any]) -> Conversation | None:
        row = self._connection.execute(found).mappings().first()
        return None if row is None else Conversation(**row)
