"""Devices and gateways."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, or_, select

from hub.adapters.sql.reads.people import PATIENT_COLUMNS, joined_tag
from hub.adapters.sql.tables.devices import accepted_on, assignment, device, gateway
from hub.adapters.sql.tables.people import patient
from hub.services.ingest.status import devices_told
from hub.services.ports.devices import ORDINARY, REPLAY
from hub.services.views.equipment import DeviceLine, Equipment, GatewayLine, Told
from hub.services.views.people import PatientTag


def equipment(connection: Connection, now: datetime) -> Equipment:
    """Everything that measures and carries; what replays recordings does neither (SF20)."""
    told = _told(connection)
    devices = _devices(connection, now, told)
    known = {one for device in devices for one in device.told}
    return Equipment(_gateways(connection), devices, tuple(one for one in told if one not in known))


def _told(connection: Connection) -> list[Told]:
    """What the gateways in use told last, by the gateway's name."""
    c = gateway.c
    in_use = (c.status.is_not(None), c.retired_at.is_(None), c.purpose == ORDINARY)
    found = select(c.id, c.name, c.status).where(*in_use).order_by(c.name, c.id)
    return [Told(row.id, row.name, said) for row in connection.execute(found) for said in devices_told(row.status)]


def _gateways(connection: Connection) -> tuple[GatewayLine, ...]:
    c = gateway.c
    found = select(
        c.id,
        c.name,
        c.online,
        c.online_changed_at,
        c.heard_at,
        c.spool_depth,
        c.spool_dropped_total,
        c.clock_offset_s,
        c.retired_at,
    ).where(c.purpose == ORDINARY)
    return tuple(GatewayLine(*row) for row in connection.execute(found.order_by(c.name, c.id)))


def _devices(connection: Connection, now: datetime, told: Sequence[Told]) -> tuple[DeviceLine, ...]:
    holders = _holders(connection, now)
    accepted: dict[int, dict[str, str]] = {}
    names = (
        select(accepted_on.c.device_id, gateway.c.id, gateway.c.name)
        .join(gateway, gateway.c.id == accepted_on.c.gateway_id)
        .order_by(gateway.c.name)
    )
    for device_id, gateway_id, name in connection.execute(names):
        accepted.setdefault(device_id, {})[gateway_id] = name
    by_address: dict[str, list[Told]] = {}
    for one in told:
        by_address.setdefault(one.said.address, []).append(one)
    replays = select(accepted_on.c.device_id).join(gateway).where(gateway.c.purpose == REPLAY)
    found = select(device).where(device.c.id.not_in(replays)).order_by(device.c.profile, device.c.id)
    return tuple(
        DeviceLine(
            id=row.id,
            address=row.address,
            profile=row.profile,
            battery_percent=row.battery_percent,
            last_seen_at=row.last_seen_at,
            holders=tuple(holders.get(row.id, ())),
            gateways=tuple(accepted.get(row.id, {}).values()),
            told=tuple(t for t in by_address.get(row.address, ()) if t.gateway_id in accepted.get(row.id, {})),
        )
        for row in connection.execute(found)
    )


def _holders(connection: Connection, now: datetime) -> dict[int, list[tuple[PatientTag, int | None]]]:
    found = (
        select(assignment.c.device_id, assignment.c.slot, *PATIENT_COLUMNS)
        .join(patient, patient.c.id == assignment.c.patient_id)
        .where(assignment.c.from_at <= now, or_(assignment.c.to_at.is_(None), assignment.c.to_at > now))
        .order_by(assignment.c.id)
    )
    holders: dict[int, list[tuple[PatientTag, int | None]]] = {}
    for row in connection.execute(found):
        tag = joined_tag(row)
        if tag is not None:
            holders.setdefault(row.device_id, []).append((tag, row.slot))
    return holders
