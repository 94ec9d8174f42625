"""Which protocols patients are on, for many patients in two questions."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, Row, or_, select

from hub.adapters.sql.tables.care import patient_protocol, protocol_version
from hub.domain.patients import Patient
from hub.domain.protocols import Protocol, parse_protocol
from hub.domain.ruling import Band, Rule
from hub.errors import BrokenProtocol
from hub.services.views.cadence import longest_interval


@dataclass(frozen=True, slots=True)
class Version:
    """A signed copy. ``protocol`` is None where the copy cannot be read any more: then it watches nothing."""

    id: int
    name: str
    number: int
    title: str
    signed_by: str | None
    signed_at: datetime
    protocol: Protocol | None


Enrolled = Mapping[int, tuple[tuple[Version, datetime], ...]]
"""By patient: each version and since when."""


def enrolled(connection: Connection, patient_ids: Iterable[int], now: datetime) -> Enrolled:
    """What these patients are on at ``now``."""
    period = patient_protocol.c
    found = (
        select(period.patient_id, period.protocol_version_id, period.from_at)
        .where(period.patient_id.in_(set(patient_ids)), period.from_at <= now)
        .where(or_(period.to_at.is_(None), period.to_at > now))
        .order_by(period.id)
    )
    rows = connection.execute(found).all()
    known = versions(connection, {row.protocol_version_id for row in rows})
    by_patient: dict[int, tuple[tuple[Version, datetime], ...]] = {}
    for row in rows:
        here = by_patient.get(row.patient_id, ())
        by_patient[row.patient_id] = (*here, (known[row.protocol_version_id], row.from_at))
    return by_patient


def versions(connection: Connection, ids: Iterable[int]) -> dict[int, Version]:
    """Signed copies by id."""
    found = select(protocol_version).where(protocol_version.c.id.in_(set(ids)))
    return {row.id: _version(row) for row in connection.execute(found)}


def _version(row: Row[Any]) -> Version:
    protocol = _parsed(row.sha256, row.body)
    return Version(row.id, row.protocol, row.version, row.title, row.signed_by, row.signed_at, protocol)


@lru_cache(maxsize=256)
def _parsed(_sha256: str, body: str) -> Protocol | None:
    try:
        return parse_protocol(json.loads(body))
    except (BrokenProtocol, ValueError):
        return None  # ingest raises the technical alarm; a page must still show the patient


def rules(on: Iterable[tuple[Version, datetime]]) -> list[Rule]:
    """Every rule in force for one patient."""
    return [rule for version, _ in on if version.protocol for rule in version.protocol.rules]


def bands(on: Iterable[tuple[Version, datetime]], patient: Patient, metrics: Iterable[str]) -> tuple[Band, ...]:
    """Limits in force for one patient and these metrics."""
    wanted = set(metrics)
    return tuple(band for rule in rules(on) for band in rule.bands(patient) if band.metric in wanted)


def intervals(on: Iterable[tuple[Version, datetime]]) -> dict[str, timedelta]:
    """How often a reading of each metric is expected; a metric without slots is left out."""
    slots = [slot for version, _ in on if version.protocol for slot in version.protocol.slots]
    found = {metric: longest_interval(s for s in slots if s.metric == metric) for metric in {s.metric for s in slots}}
    return {metric: interval for metric, interval in found.items() if interval is not None}
