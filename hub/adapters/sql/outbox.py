"""The outbox: claimed under a lease, fenced, moved only upwards."""

from dataclasses import fields
from datetime import datetime, timedelta
from operator import attrgetter
from typing import Any

import msgspec
from sqlalchemy import (
    ColumnElement,
    Connection,
    RowMapping,
    Select,
    String,
    Text,
    bindparam,
    cast,
    func,
    literal,
    select,
    update,
)

from hub.adapters.sql.inbound import SqlInbound
from hub.adapters.sql.many import Many, added_if_new, inserted
from hub.adapters.sql.tables.alerting import outbox as table
from hub.adapters.sql.tables.alerting import reply_code
from hub.adapters.sql.types import as_stored, from_ms, to_ms
from hub.domain.messages import LEFT, RANK, Sending
from hub.errors import NotFound
from hub.services.ports.alerting import Inbound, Message, NewMessage, ReplyCode

_NEW = tuple(one.name for one in fields(NewMessage))
_NEW_OF = attrgetter(*_NEW)
_FIELDS = tuple(one.name for one in fields(Message) if one.name != "state")
_PENDING = table.c.state == Sending.PENDING.value
_MAY_BE_ON_A_PHONE = table.c.state.in_([*(state.value for state in LEFT), Sending.PENDING.value])

_ADD = added_if_new(table, *_NEW, "created_at", "state", "rank")
_CODES = Many(
    lambda _: (
        select(reply_code.c.digit, reply_code.c.alert_id, reply_code.c.issued_at)
        .where(reply_code.c.phone == bindparam("phone"), reply_code.c.issued_at >= bindparam("since"))
        .order_by(reply_code.c.issued_at.desc(), reply_code.c.id.desc())
    ),
    ("phone", "since"),
)
_CODE_TOLD = Many(
    lambda _: (
        select(reply_code.c.digit)
        .where(
            reply_code.c.phone == bindparam("phone"),
            reply_code.c.alert_id == bindparam("alert"),
            reply_code.c.issued_at >= bindparam("since"),
        )
        .order_by(reply_code.c.issued_at.desc(), reply_code.c.id.desc())
    ),
    ("phone", "alert", "since"),
)


def _codes_taken(connection: Connection) -> Select[Any]:
    """As one value: a phone that is paged a lot has hundreds."""
    digit = reply_code.c.digit
    on_sqlite = connection.dialect.name == "sqlite"
    digits = func.json_group_array(digit) if on_sqlite else cast(func.json_agg(digit), Text)
    return select(digits).where(reply_code.c.phone == bindparam("phone"), reply_code.c.issued_at >= bindparam("since"))


_CODES_TAKEN = Many(_codes_taken, ("phone", "since"))
_ISSUE_CODE = inserted(reply_code, "phone", "digit", "alert_id", "issued_at")
_LOCK_PHONE = select(func.pg_advisory_xact_lock(func.hashtext(bindparam("phone", type_=String()))))


class SqlOutbox:
    """See ``hub.services.ports.alerting.Outbox``."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.inbound: Inbound = SqlInbound(connection)

    def add(self, message: NewMessage, now: datetime) -> int | None:
        """None if its cause has written it before."""
        row = (*_NEW_OF(message), now, *_state(Sending.PENDING).values())
        new: int | None = _ADD.one(self._connection, tuple(map(as_stored, row)))
        return new

    def get(self, message_id: int) -> Message:
        """Raises ``NotFound``."""
        row = self._connection.execute(select(table).where(table.c.id == message_id)).mappings().first()
        if row is None:
            raise NotFound("no such message")
        return to_message(row)

    def claim(self, now: datetime, lease_until: datetime, channel: str, limit: int) -> list[Message]:
        """Due messages, urgent ones first, now ``sending`` and leased to the caller."""
        alive = table.c.valid_until.is_(None) | (table.c.valid_until > now)
        due = select(table.c.id).where(_PENDING, table.c.send_after <= now, alive)
        # On SQLite FOR UPDATE is left out: the transaction has been the only writer since it began.
        due = due.order_by(table.c.urgent.desc(), table.c.id).limit(limit).with_for_update(skip_locked=True)
        ids = list(self._connection.execute(due).scalars())
        values: dict[Any, Any] = {
            "fence": table.c.fence + 1,
            "lease_until": lease_until,
            "channel": channel,
            "attempts_started": table.c.attempts_started + 1,
            **_state(Sending.SENDING),
        }
        claimed = update(table).where(table.c.id.in_(ids), _PENDING).values(values).returning(table)
        rows = [to_message(row) for row in self._connection.execute(claimed).mappings()] if ids else []
        return sorted(rows, key=lambda message: ids.index(message.id))

    def mine(self, message_id: int, fence: int, now: datetime) -> bool:
        """Whether the lease still holds."""
        held = _attempt(message_id, fence) & (table.c.lease_until > now)
        return self._connection.execute(select(table.c.id).where(held)).first() is not None

    def record(
        self, message_id: int, fence: int, told: Sending, provider_id: str | None, error: str | None, now: datetime
    ) -> bool:
        """How the attempt of this fence ended."""
        values: dict[Any, Any] = {
            "provider_id": func.coalesce(table.c.provider_id, provider_id),
            "error": error,
            "attempts_finished": table.c.attempts_finished + 1,
            "sent_at": now if RANK[told] >= RANK[Sending.ACCEPTED] else None,
            "lease_until": None,
            **_state(told),
        }
        same = _attempt(message_id, fence)
        return self._connection.execute(update(table).where(same).values(values)).rowcount == 1

    def again(self, message_id: int, fence: int, send_after: datetime, error: str | None) -> bool:
        """The attempt of this fence surely did not leave: it becomes pending again."""
        values: dict[Any, Any] = {
            "send_after": send_after,
            "error": error,
            "attempts_finished": table.c.attempts_finished + 1,
            "lease_until": None,
            **_state(Sending.PENDING),
        }
        same = _attempt(message_id, fence)
        return self._connection.execute(update(table).where(same).values(values)).rowcount == 1

    def adopt(self, message_id: int, to: str, provider_id: str) -> None:
        """Only while it is being sent, or nobody knows whether it was."""
        unseen = table.c.state.in_([Sending.SENDING.value, Sending.UNKNOWN.value]) & table.c.provider_id.is_(None)
        taken = select(table.c.id).where(table.c.provider_id == provider_id).exists()
        same = (table.c.id == message_id) & (table.c.to == to) & unseen & ~taken
        self._connection.execute(update(table).where(same).values(provider_id=provider_id))

    def status(self, provider_id: str, told: Sending, error: str | None, now: datetime) -> Message | None:
        """A provider's word: the message if it moved."""
        below = (table.c.provider_id == provider_id) & (table.c.rank < RANK[told])
        first = func.coalesce(table.c.sent_at, literal(now, table.c.sent_at.type))
        values: dict[Any, Any] = {"error": error, "sent_at": first, **_state(told)}
        row = self._connection.execute(update(table).where(below).values(values).returning(table)).mappings().first()
        return None if row is None else to_message(row)

    def lapsed(self, now: datetime, limit: int) -> list[Message]:
        """Being sent by somebody whose lease is over."""
        over = (table.c.state == Sending.SENDING.value) & (table.c.lease_until <= now)
        found = select(table).where(over).order_by(table.c.id).limit(limit)
        return [to_message(row) for row in self._connection.execute(found).mappings()]

    def expire(self, now: datetime) -> int:
        """Pending messages past their time become stale."""
        late = _PENDING & (table.c.valid_until <= now)
        return self._connection.execute(update(table).where(late).values(_state(Sending.STALE))).rowcount

    def set_back(self, by: timedelta) -> int:
        """Pending messages of alerts."""
        return self._move("send_after", -by)

    def keep_longer(self, by: timedelta) -> int:
        """Pending messages of alerts."""
        return self._move("valid_until", by)

    def _move(self, name: str, by: timedelta) -> int:
        waiting = _PENDING & table.c.alert_id.is_not(None) & table.c[name].is_not(None)
        rows = self._connection.execute(select(table.c.id, table.c[name].label("at")).where(waiting)).all()
        for row in rows:
            self._connection.execute(update(table).where(table.c.id == row.id).values({name: row.at + by}))
        return len(rows)

    def all_stale(self, why: str) -> int:
        """Pending ones, and those whose sending nobody saw the end of."""
        open_ones = table.c.state.in_([Sending.PENDING.value, Sending.SENDING.value])
        values: dict[Any, Any] = {"error": why, "lease_until": None, **_state(Sending.STALE)}
        return self._connection.execute(update(table).where(open_ones).values(values)).rowcount

    def cancel_of_alert(self, alert_id: int) -> int:
        """Pages not yet being sent."""
        return self._cancel((table.c.alert_id == alert_id) & (table.c.kind == "page"))

    def cancel_of_patient(self, patient_id: int) -> int:
        """Everything not yet being sent."""
        return self._cancel(table.c.patient_id == patient_id)

    def cancel_texts(self, patient_id: int) -> int:
        """Texts to the patient that need consent."""
        return self._cancel((table.c.patient_id == patient_id) & table.c.consent.is_not(None))

    def cancel_of_conversation(self, conversation_id: int) -> int:
        """Texts of one conversation."""
        return self._cancel(table.c.conversation_id == conversation_id)

    def of_conversation(self, conversation_id: int) -> list[Message]:
        """In the order they were written."""
        found = select(table).where(table.c.conversation_id == conversation_id).order_by(table.c.id)
        return [to_message(row) for row in self._connection.execute(found).mappings()]

    def texts_to(self, patient_id: int, kind: str, since: datetime) -> int:
        """How many that may have left, or may yet."""
        theirs = (table.c.patient_id == patient_id) & (table.c.kind == kind) & (table.c.created_at >= since)
        found = select(func.count()).select_from(table).where(theirs, _MAY_BE_ON_A_PHONE)
        counted: int = self._connection.execute(found).scalar_one()
        return counted

    def of_alert(self, alert_id: int) -> list[Message]:
        """In the order they were written."""
        found = select(table).where(table.c.alert_id == alert_id).order_by(table.c.id)
        return [to_message(row) for row in self._connection.execute(found).mappings()]

    def pages_to(self, phone: str, since: datetime) -> list[Message]:
        """Pages that may be on this phone."""
        theirs = (table.c.to == phone) & (table.c.kind == "page") & (table.c.created_at >= since)
        found = select(table).where(theirs, _MAY_BE_ON_A_PHONE).order_by(table.c.id)
        return [to_message(row) for row in self._connection.execute(found).mappings()]

    def codes(self, phone: str, since: datetime) -> list[ReplyCode]:
        """The newest first."""
        rows = _CODES.rows(self._connection, (phone, to_ms(since)))
        return [ReplyCode(phone, digit, alert_id, from_ms(at)) for digit, alert_id, at in rows]

    def code_told(self, phone: str, alert_id: int, since: datetime) -> int | None:
        """The last of them."""
        told = _CODE_TOLD.rows(self._connection, (phone, alert_id, to_ms(since)))
        return told[0][0] if told else None

    def codes_taken(self, phone: str, since: datetime) -> set[int]:
        """Whatever alerts they are of."""
        return set(msgspec.json.decode(_CODES_TAKEN.one(self._connection, (phone, to_ms(since))) or "[]"))

    def issue_code(self, code: ReplyCode) -> None:
        """Keep it; the caller chose the number under ``lock_phone``."""
        _ISSUE_CODE.execute(self._connection, [(code.phone, code.digit, code.alert_id, to_ms(code.issued_at))])

    def lock_phone(self, phone: str) -> None:
        """Until the transaction ends nobody else issues a code for this phone."""
        if self._connection.dialect.name == "postgresql":
            self._connection.execute(_LOCK_PHONE, {"phone": phone})

    def _cancel(self, which: ColumnElement[bool]) -> int:
        cancelled = update(table).where(which, _PENDING).values(_state(Sending.CANCELLED))
        return self._connection.execute(cancelled).rowcount


def _state(state: Sending) -> dict[str, Any]:
    return {"state": state.value, "rank": RANK[state]}


def _attempt(message_id: int, fence: int) -> ColumnElement[bool]:
    return (table.c.id == message_id) & (table.c.fence == fence) & (table.c.state == Sending.SENDING.value)


def to_message(row: RowMapping) -> Message:
    """A row of the outbox."""
    return Message(**{name: row[name] for name in _FIELDS}, state=Sending(row["state"]))
