"""Signed check-ins, and whom they are asked of next."""

import json
from dataclasses import asdict, replace
from datetime import datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, Row, delete, select

from hub.adapters.sql.copies import SqlCopies
from hub.adapters.sql.tables.checkins import OPEN, checkin_due, checkin_version, conversation
from hub.adapters.sql.upsert import upsert
from hub.domain.checkins import CheckIn, parse_checkin
from hub.errors import NotFound
from hub.services.ports.checkins import CheckInDue, CheckInForce


class SqlCheckIns:
    """See ``hub.services.ports.checkins.CheckIns``."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._copies = SqlCopies(connection, checkin_version, "checkin")

    def sign(
        self, checkin_id: str, version: int, title: str, body: str, sha256: str, signed_by: str | None, now: datetime
    ) -> int:
        """Keep a copy in force."""
        return self._copies.sign(checkin_id, version, title, body, sha256, signed_by, now)

    def retire(self, checkin_id: str, now: datetime) -> bool:
        """Have none in force."""
        return self._copies.retire(checkin_id, now)

    def current(self, checkin_id: str) -> CheckInForce | None:
        """The copy in force, or None."""
        row = self._copies.current(checkin_id)
        return None if row is None else _in_force(row)

    def all_current(self) -> list[CheckInForce]:
        """Every copy in force."""
        return [_in_force(row) for row in self._copies.all_current()]

    def get(self, version_id: int) -> CheckInForce:
        """Any copy."""
        row = self._copies.get(version_id)
        if row is None:
            raise NotFound("no such check-in")
        return _in_force(row)

    def plan(self, due: CheckInDue) -> None:
        """One row of a patient and a check-in."""
        upsert(self._connection, checkin_due, asdict(due), ["due_at"])

    def planned(self, patient_id: int) -> list[CheckInDue]:
        """By check-in."""
        found = select(checkin_due).where(checkin_due.c.patient_id == patient_id).order_by(checkin_due.c.checkin)
        return [_due(row) for row in self._connection.execute(found)]

    def forget(self, patient_id: int, checkin: str) -> None:
        """Ask it no more."""
        this = (checkin_due.c.patient_id == patient_id) & (checkin_due.c.checkin == checkin)
        self._connection.execute(delete(checkin_due).where(this))

    def forget_patient(self, patient_id: int) -> None:
        """Ask this patient nothing more."""
        self._connection.execute(delete(checkin_due).where(checkin_due.c.patient_id == patient_id))

    def forget_checkin(self, checkin: str) -> None:
        """Ask it of nobody."""
        self._connection.execute(delete(checkin_due).where(checkin_due.c.checkin == checkin))

    def due(self, now: datetime, limit: int) -> list[CheckInDue]:
        """The longest due first."""
        talks = select(conversation.c.id).where(conversation.c.patient_id == checkin_due.c.patient_id, OPEN).exists()
        found = select(checkin_due).where(checkin_due.c.due_at <= now, ~talks)
        found = found.order_by(checkin_due.c.due_at, checkin_due.c.patient_id, checkin_due.c.checkin).limit(limit)
        return [_due(row) for row in self._connection.execute(found)]


def _due(row: Row[Any]) -> CheckInDue:
    return CheckInDue(row.patient_id, row.checkin, row.due_at)


def _in_force(row: Row[Any]) -> CheckInForce:
    checkin = replace(_parsed(row.sha256, row.body), signed_by=row.signed_by)
    return CheckInForce(row.id, checkin, row.sha256, row.signed_at)


@lru_cache(maxsize=64)
def _parsed(_sha256: str, body: str) -> CheckIn:
    """Copies never change, so a body is parsed once a process."""
    return parse_checkin(json.loads(body))
