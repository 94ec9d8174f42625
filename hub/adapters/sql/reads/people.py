"""Staff, sessions and patients as lines."""

from typing import Any

from sqlalchemy import Connection, Row, func, select

from hub.adapters.sql.tables.people import patient, session, staff
from hub.services.views.people import PatientTag, StaffTag

PATIENT_COLUMNS = tuple(
    column.label(f"patient_{name}")
    for name, column in (
        ("tag_id", patient.c.id),
        ("mrn", patient.c.mrn),
        ("name", patient.c.name),
        ("born", patient.c.born),
        ("zone", patient.c.zone),
    )
)
"""To be joined to rows that are about a patient; read back by ``joined_tag``."""


def joined_tag(row: Row[Any]) -> PatientTag | None:
    """The patient that was joined by ``PATIENT_COLUMNS``, or None."""
    if row.patient_tag_id is None:
        return None
    return PatientTag(row.patient_tag_id, row.patient_mrn, row.patient_name, row.patient_born, row.patient_zone)


def tags(connection: Connection, patient_ids: set[int] | None = None) -> dict[int, PatientTag]:
    """Patients by id; None: everybody who is not ended, by name."""
    found = select(patient.c.id, patient.c.mrn, patient.c.name, patient.c.born, patient.c.zone)
    if patient_ids is None:
        found = found.where(patient.c.state != "ended").order_by(patient.c.name, patient.c.id)
    else:
        found = found.where(patient.c.id.in_(patient_ids))
    return {row.id: PatientTag(*row) for row in connection.execute(found)}


def staff_tags(connection: Connection) -> tuple[StaffTag, ...]:
    """Everybody who works here now, by name."""
    found = select(staff.c.id, staff.c.name, staff.c.role).where(staff.c.disabled_at.is_(None)).order_by(staff.c.name)
    return tuple(StaffTag(*row) for row in connection.execute(found))


def browser_knows(connection: Connection, token_hash: bytes, staff_id: int) -> bool:
    """Whether this token ever was a session of this member."""
    found = select(func.count()).where(session.c.token_hash == token_hash, session.c.staff_id == staff_id)
    return connection.execute(found).scalar_one() > 0
