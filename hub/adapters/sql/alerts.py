"""Alerts and their history."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import fields
from datetime import datetime, timedelta
from decimal import Decimal
from functools import cache
from operator import attrgetter
from typing import Any

from sqlalchemy import Boolean, ColumnElement, Connection, TextClause, bindparam, func, select, update

from hub.adapters.sql.many import Many, added_if_new, inserted
from hub.adapters.sql.tables.alerting import NOT_TAKEN, TAKEN, alert_event
from hub.adapters.sql.tables.alerting import OPEN as _LIVE
from hub.adapters.sql.tables.alerting import alert as table
from hub.adapters.sql.types import Instant, from_stored, to_ms, to_stored
from hub.domain.alerts import Alert, State
from hub.domain.escalation import Chain
from hub.domain.severity import Severity
from hub.errors import NotFound
from hub.services.ports.alerting import AlertEvent

_FIELDS = tuple(one.name for one in fields(Alert))
_NEW = tuple(name for name in _FIELDS if name != "id")
_INSTANTS = tuple(name for name in _FIELDS if isinstance(table.c[name].type, Instant))
_WRITE: Mapping[str, Any] = {
    **dict.fromkeys(_INSTANTS, to_stored),
    "severity": int,
    "state": str,
    "chain": Chain.to_json,
    "rules": lambda rules: json.dumps(sorted(rules)),
    "worst": lambda worst: json.dumps({metric: str(value) for metric, value in sorted(worst.items())}),
}
_READ: Mapping[str, Any] = {
    **dict.fromkeys(_INSTANTS, from_stored),
    **{name: bool for name in _FIELDS if isinstance(table.c[name].type, Boolean)},
    "severity": Severity,
    "state": State,
    "chain": Chain.from_json,
    "rules": lambda text: frozenset(json.loads(text)),
    "worst": lambda text: {metric: Decimal(value) for metric, value in json.loads(text).items()},
}
_NEW_OF, _WRITE_NEW = attrgetter(*_NEW), tuple(_WRITE.get(name) for name in _NEW)
_READ_ALL = tuple(_READ.get(name) for name in _FIELDS)
"""In the order of the columns; None: a value is kept as it is."""


def _alerts(names: Sequence[str], *where: ColumnElement[bool] | TextClause) -> Many:
    """Those of which this is so, in id order."""
    return Many(lambda _: select(*(table.c[name] for name in _FIELDS)).where(*where).order_by(table.c.id), names)


_ADD = added_if_new(table, *_NEW)
_BY_ID = _alerts(("this",), table.c.id == bindparam("this"))
_BY_REF = _alerts(("this",), table.c.ref == bindparam("this"))
_OPEN_OF = _alerts(
    ("whose", "what"), table.c.subject == bindparam("whose"), table.c.problem == bindparam("what"), _LIVE
)
_OF_PATIENT = _alerts(("this",), table.c.patient_id == bindparam("this"), _LIVE)

_NOTE = inserted(alert_event, "alert_id", "at", "transition", "actor", "words")
_SUCH = alert_event.c.alert_id == bindparam("alert"), alert_event.c.transition == bindparam("transition")
_LAST_SUCH = select(func.max(alert_event.c.id)).where(*_SUCH).scalar_subquery()
_LAST_NOTED = Many(lambda _: select(alert_event.c.at).where(alert_event.c.id == _LAST_SUCH), ("alert", "transition"))


class SqlAlerts:
    """See ``hub.services.ports.alerting.Alerts``."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, alert: Alert) -> int | None:
        """The new row's id, or None where the unique index of open alerts or of references forbids it."""
        new: int | None = _ADD.one(self._connection, tuple(_each(_WRITE_NEW, _NEW_OF(alert))))
        return new

    def get(self, alert_id: int) -> Alert:
        """Raises ``NotFound``."""
        for alert in self._found(_BY_ID, alert_id):
            return alert
        raise NotFound("no such alert")

    def by_ref(self, ref: str) -> Alert:
        """Raises ``NotFound``."""
        for alert in self._found(_BY_REF, ref.strip().upper()):
            return alert
        raise NotFound("no alert has this reference")

    def open_of(self, subject: str, problem: str) -> Alert | None:
        """The one open or acknowledged alert of this problem."""
        return next(iter(self._found(_OPEN_OF, subject, problem)), None)

    def of_patient(self, patient_id: int) -> list[Alert]:
        """Open and acknowledged ones."""
        return self._found(_OF_PATIENT, patient_id)

    def open_subjects(self, prefix: str) -> list[str]:
        """Subjects with an open alert that begin so."""
        found = select(table.c.subject).where(table.c.subject.startswith(prefix, autoescape=True), _LIVE).distinct()
        return list(self._connection.execute(found).scalars())

    def save(self, alert_id: int, seen: int, fields: Mapping[str, Any]) -> bool:
        """Compare-and-set on version ``seen``."""
        values = _each(map(_WRITE.get, fields), fields.values())
        return _save(tuple(fields)).execute(self._connection, [(alert_id, seen, *values)]) == 1

    def due_pages(self, now: datetime, limit: int) -> list[int]:
        """Open alerts whose next page is due, reds first."""
        due = select(table.c.id).where(NOT_TAKEN, table.c.next_page_at <= now)
        due = due.order_by(table.c.severity.desc(), table.c.next_page_at).limit(limit)
        return list(self._connection.execute(due).scalars())

    def due_lapses(self, now: datetime, limit: int) -> list[int]:
        """Acknowledged alerts whose time is up."""
        due = select(table.c.id).where(TAKEN, table.c.lapses_at <= now)
        return list(self._connection.execute(due.order_by(table.c.lapses_at).limit(limit)).scalars())

    def set_back(self, by: timedelta) -> int:
        """Pages and lapses of alerts that are not resolved."""
        waiting = table.c.next_page_at.is_not(None) | table.c.lapses_at.is_not(None)
        columns = select(table.c.id, table.c.next_page_at, table.c.lapses_at)
        rows = self._connection.execute(columns.where(waiting, _LIVE)).all()
        for row in rows:
            sooner = {name: at and at - by for name, at in (("next_page_at", row[1]), ("lapses_at", row[2]))}
            self._connection.execute(update(table).where(table.c.id == row.id).values(sooner))
        return len(rows)

    def note(self, alert_id: int, *events: AlertEvent) -> None:
        """The next lines of the alert's history."""
        rows = [(alert_id, to_ms(one.at), one.transition, one.actor, one.words) for one in events]
        _NOTE.execute(self._connection, rows)

    def last_noted(self, alert_id: int, transition: str) -> datetime | None:
        """When its history last had this transition."""
        at: int | None = _LAST_NOTED.one(self._connection, (alert_id, transition))
        return from_stored(at)

    def history(self, alert_id: int) -> list[AlertEvent]:
        """Oldest first."""
        found = select(alert_event).where(alert_event.c.alert_id == alert_id).order_by(alert_event.c.id)
        return [AlertEvent(row.at, row.transition, row.actor, row.words) for row in self._connection.execute(found)]

    def _found(self, question: Many, *asked: object) -> list[Alert]:
        return [Alert(*_each(_READ_ALL, row)) for row in question.rows(self._connection, asked)]


def _each(ways: Iterable[Callable[[Any], Any] | None], values: Iterable[Any]) -> list[Any]:
    return [value if way is None else way(value) for way, value in zip(ways, values, strict=True)]


@cache
def _save(names: tuple[str, ...]) -> Many:
    """There are as many as kinds of transitions."""
    same = table.c.id == bindparam("this"), table.c.version == bindparam("seen")
    new = {name: f"new_{name}" for name in names}
    return Many(
        lambda _: update(table).where(*same).values({name: bindparam(as_new) for name, as_new in new.items()}),
        ("this", "seen", *new.values()),
    )
