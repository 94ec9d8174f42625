"""Bad messages, and readings that wait for a person."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, func, select

from hub.adapters.sql.devices import SqlDevices
from hub.adapters.sql.reads.people import tags
from hub.adapters.sql.tables.devices import gateway
from hub.adapters.sql.tables.measurements import HELD, journal, quarantine
from hub.adapters.sql.tables.people import staff
from hub.domain.custody import covers
from hub.services.ports.devices import DeviceRow
from hub.services.views.intake import BadMessage, HeldReading, Inbox
from hub.services.views.people import PatientTag

_LISTED = [column for column in quarantine.c if column.name != "raw"]


def bad_messages(connection: Connection, *, seen: bool, limit: int) -> tuple[BadMessage, ...]:
    """Newest first, without their bytes."""
    looked_at = quarantine.c.seen_at.is_not(None) if seen else quarantine.c.seen_at.is_(None)
    found = (
        select(*_LISTED, gateway.c.name.label("gateway_name"), staff.c.name.label("staff_name"))
        .outerjoin(gateway, gateway.c.id == quarantine.c.gateway_id)
        .outerjoin(staff, staff.c.id == quarantine.c.seen_by)
        .where(looked_at)
        .order_by(quarantine.c.received_at.desc(), quarantine.c.id.desc())
        .limit(limit)
    )
    return tuple(_message(row, b"") for row in connection.execute(found).all())


def bad_message(connection: Connection, quarantine_id: int) -> BadMessage | None:
    """One with its bytes, or None."""
    found = (
        select(quarantine, gateway.c.name.label("gateway_name"), staff.c.name.label("staff_name"))
        .outerjoin(gateway, gateway.c.id == quarantine.c.gateway_id)
        .outerjoin(staff, staff.c.id == quarantine.c.seen_by)
        .where(quarantine.c.id == quarantine_id)
    )
    row = connection.execute(found).first()
    return None if row is None else _message(row, row.raw)


def _message(r: Any, raw: bytes) -> BadMessage:
    return BadMessage(
        id=r.id,
        received_at=r.received_at,
        gateway_id=r.gateway_id,
        gateway=r.gateway_name,
        topic=r.topic,
        code=r.code,
        detail=r.detail,
        size=r.size,
        seen_at=r.seen_at,
        seen_by=r.staff_name,
        note=r.note,
        raw=raw,
    )


def inbox(connection: Connection, now: datetime, limit: int) -> Inbox:
    """Held readings, the newest of each device and reason, with how many more wait behind it."""
    grouped = (
        select(func.max(journal.c.id).label("id"), func.count().label("how_many"))
        .where(HELD)
        .group_by(journal.c.device, journal.c.code, journal.c.gateway_id)
        .subquery()
    )
    found = (
        select(journal, grouped.c.how_many, gateway.c.name.label("gateway_name"))
        .join(grouped, grouped.c.id == journal.c.id)
        .outerjoin(gateway, gateway.c.id == journal.c.gateway_id)
        .order_by(journal.c.id.desc())
        .limit(limit)
    )
    rows = connection.execute(found).all()
    people = tags(connection)
    known = SqlDevices(connection).by_addresses([row.device for row in rows])
    rows = [row for row in rows if not _on_its_way(row, known.get(row.device))]
    candidates = _candidates(connection, known, now)
    held = tuple(_held(row, known.get(row.device), candidates.get(row.device, set()), people) for row in rows)
    return Inbox(held, tuple(people.values()))


def _on_its_way(r: Row[Any], device: DeviceRow | None) -> bool:
    """Its gateway was accepted: the engine is about to release it."""
    return r.code == "foreign_gateway" and device is not None and r.gateway_id in device.accepted_on


def _candidates(connection: Connection, known: Mapping[str, DeviceRow], now: datetime) -> dict[str, set[int]]:
    periods = SqlDevices(connection).assignments([device.id for device in known.values()])
    return {
        address: {period.patient_id for period in periods.get(device.id, ()) if covers(period, now)}
        for address, device in known.items()
    }


def _held(r: Row[Any], device: DeviceRow | None, candidates: set[int], people: Mapping[int, PatientTag]) -> HeldReading:
    body = json.loads(r.body)["reading"]
    return HeldReading(
        id=r.id,
        code=r.code or "unassigned",
        gateway_id=r.gateway_id,
        gateway=r.gateway_name,
        device=r.device,
        profile=device.profile if device else body.get("profile"),
        effective_at=r.effective_at,
        received_at=r.hub_received_at,
        values=tuple((value["metric"], value["value"], value["unit"]) for value in body.get("values", ())),
        candidates=tuple(people[key] for key in sorted(candidates) if key in people),
        others=r.how_many - 1,
    )
