"""Readings expected and received, of one patient."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, select

from hub.adapters.sql.adherence import SqlAdherence
from hub.adapters.sql.tables.people import patient
from hub.domain.adherence import PERIODS
from hub.services.views.adherence import PatientAdherence, of_patient

_LONGEST = timedelta(days=max(PERIODS) + 2)
"""A local day may begin 26 hours before its UTC day."""


def adherence(connection: Connection, patient_id: int, now: datetime) -> PatientAdherence | None:
    """What the rows of the longest period say; None if there is no such patient."""
    zone = connection.execute(select(patient.c.zone).where(patient.c.id == patient_id)).scalar()
    if zone is None:
        return None
    source = SqlAdherence(connection)
    rows = source.rows(patient_id, now - _LONGEST, now)
    return of_patient(rows, ZoneInfo(zone), now, source.opened_to(patient_id))
