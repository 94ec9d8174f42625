"""Signed protocol copies and who is on which."""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import lru_cache

from sqlalchemy import Connection, Row, insert, or_, select, update

from hub.adapters.sql.copies import SqlCopies
from hub.adapters.sql.registry import changed
from hub.adapters.sql.tables.care import patient_protocol, protocol_version
from hub.domain.protocols import Protocol, parse_protocol
from hub.services.ports.care import Enrolment, InForce


class SqlProtocols:
    """See ``hub.services.ports.care.Protocols``."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._copies = SqlCopies(connection, protocol_version, "protocol")

    def sign(
        self, protocol_id: str, version: int, title: str, body: str, sha256: str, signed_by: str | None, now: datetime
    ) -> int:
        """Keep a copy in force; the copy before it is retired for new patients, patients on it stay on it (SF21)."""
        return self._copies.sign(protocol_id, version, title, body, sha256, signed_by, now)

    def current(self, protocol_id: str) -> InForce | None:
        """The copy new patients are put on, or None."""
        row = self._copies.current(protocol_id)
        return None if row is None else _in_force(row)

    def all_current(self) -> list[InForce]:
        """Every copy in force."""
        return [_in_force(row) for row in self._copies.all_current()]

    def assign(self, patient_id: int, version_id: int, by: str, now: datetime) -> None:
        """Put a patient on a copy."""
        changed(self._connection)
        self._connection.execute(
            insert(patient_protocol).values(
                patient_id=patient_id, protocol_version_id=version_id, assigned_by=by, from_at=now
            )
        )

    def end_protocol(self, patient_id: int, protocol_id: str, now: datetime) -> None:
        """Take a patient off every copy of one protocol."""
        changed(self._connection)
        copies = select(protocol_version.c.id).where(protocol_version.c.protocol == protocol_id)
        this = patient_protocol.c.patient_id == patient_id
        this &= patient_protocol.c.to_at.is_(None) & patient_protocol.c.protocol_version_id.in_(copies)
        self._connection.execute(update(patient_protocol).where(this).values(to_at=now))

    def end_all(self, patient_id: int, now: datetime) -> None:
        """Take a patient off every protocol."""
        changed(self._connection)
        self._connection.execute(
            update(patient_protocol)
            .where(patient_protocol.c.patient_id == patient_id, patient_protocol.c.to_at.is_(None))
            .values(to_at=now)
        )

    def of_patient(self, patient_id: int, at: datetime) -> list[Enrolment]:
        """Protocols of a patient at an instant."""
        return self._enrolments(at, [patient_id]).get(patient_id, [])

    def of_patients(self, patient_ids: Sequence[int], at: datetime) -> Mapping[int, list[Enrolment]]:
        """Protocols of patients at an instant; one without any is absent."""
        return self._enrolments(at, patient_ids)

    def enrolled(self, now: datetime) -> Mapping[int, list[Enrolment]]:
        """Every patient's protocols, by patient id."""
        return self._enrolments(now, None)

    def _enrolments(self, at: datetime, patient_ids: Sequence[int] | None) -> dict[int, list[Enrolment]]:
        on = patient_protocol.c
        found = (
            select(on.patient_id, on.protocol_version_id, on.from_at)
            .where(on.from_at <= at, or_(on.to_at.is_(None), on.to_at > at))
            .order_by(on.id)
        )
        if patient_ids is not None:
            found = found.where(on.patient_id.in_(patient_ids))
        rows = self._connection.execute(found).all()
        versions = self._versions({row.protocol_version_id for row in rows})
        enrolments: dict[int, list[Enrolment]] = {}
        for patient_id, version_id, from_at in rows:
            enrolments.setdefault(patient_id, []).append(Enrolment(versions[version_id], from_at))
        return enrolments

    def _versions(self, version_ids: Collection[int]) -> dict[int, InForce]:
        """Each once: a body is thousands of bytes, and all patients of a programme are on the same few."""
        found = select(protocol_version).where(protocol_version.c.id.in_(sorted(version_ids)))
        return {row.id: _in_force(row) for row in self._connection.execute(found)} if version_ids else {}


def _in_force(row: Row[tuple[object, ...]]) -> InForce:
    protocol = replace(_parsed(row.sha256, row.body), signed_by=row.signed_by)
    return InForce(row.id, protocol, row.sha256, row.signed_at)


@lru_cache(maxsize=256)
def _parsed(_sha256: str, body: str) -> Protocol:
    """Copies never change, so a body is parsed once a process."""
    return parse_protocol(json.loads(body))
