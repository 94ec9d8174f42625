"""Gateways, devices, assignments."""

from collections.abc import Collection, Sequence
from datetime import datetime
from functools import lru_cache
from sys import intern
from typing import Any

from sqlalchemy import Connection, Integer, Row, bindparam, case, func, insert, literal, or_, select, update

from hub.adapters.sql.many import Many, OfThese
from hub.adapters.sql.registry import changed
from hub.adapters.sql.tables.devices import accepted_on, assignment, device, gateway
from hub.adapters.sql.types import Instant, to_ms
from hub.adapters.sql.upsert import insert_or_ignore
from hub.domain.custody import Assignment
from hub.errors import NotFound
from hub.services.ports.devices import ORDINARY, DeviceRow, GatewayRow, GatewayStatus, Sender

_SEEN = Many(
    lambda _: (
        update(device)
        .where(
            device.c.id == bindparam("this"),
            or_(device.c.last_seen_at.is_(None), device.c.last_seen_at < bindparam("at")),
        )
        .values(
            last_seen_at=bindparam("at"),
            battery_percent=func.coalesce(bindparam("level", type_=Integer()), device.c.battery_percent),
        )
    ),
    ("this", "at", "level"),
)

_SENDER = gateway.c.id, gateway.c.name, gateway.c.purpose, gateway.c.clock_offset_s, gateway.c.spool_dropped_total
_IN_USE = OfThese(lambda these: select(*_SENDER).where(these(gateway.c.id), gateway.c.retired_at.is_(None)))
_HEARD = OfThese(lambda these: update(gateway).where(these(gateway.c.id)).values(heard_at=bindparam("at")), "at")


class SqlGateways:
    """See ``hub.services.ports.devices.Gateways``."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, gateway_id: str, name: str, credential: str, now: datetime, purpose: str = ORDINARY) -> None:
        """A new gateway with its stored credential."""
        row = {"id": gateway_id, "name": name, "credential": credential, "created_at": now, "purpose": purpose}
        self._connection.execute(insert(gateway).values(row))

    def find(self, gateway_id: str) -> GatewayRow | None:
        """The gateway, or None."""
        row = self._connection.execute(select(gateway).where(gateway.c.id == gateway_id)).first()
        return None if row is None else _gateway(row)

    def in_use(self, gateway_ids: Collection[str]) -> dict[str, Sender]:
        """Those that are registered and not retired."""
        return {row[0]: Sender(*row) for row in _IN_USE.rows(self._connection, gateway_ids)}

    def all(self) -> list[GatewayRow]:
        """Every gateway, by name."""
        return [_gateway(row) for row in self._connection.execute(select(gateway).order_by(gateway.c.name))]

    def set_credential(self, gateway_id: str, credential: str) -> None:
        """Replace the stored credential."""
        self._connection.execute(update(gateway).where(gateway.c.id == gateway_id).values(credential=credential))

    def note_status(self, gateway_id: str, status: GatewayStatus, now: datetime, *, heard: bool) -> None:
        """Keep a status message; ``online_changed_at`` moves only when it changed, or where it never stood."""
        same = (gateway.c.online == status.online) & gateway.c.online_changed_at.is_not(None)
        values: dict[str, Any] = {
            "online": status.online,
            "online_changed_at": case((same, gateway.c.online_changed_at), else_=literal(now, Instant())),
            "heard_at": now if heard else func.coalesce(gateway.c.heard_at, literal(now, Instant())),
        }
        if status.devices is not None:
            values["status"] = status.body
        if status.spool_depth is not None:
            values["spool_depth"] = status.spool_depth
        if status.spool_dropped_total is not None:
            values["spool_dropped_total"] = status.spool_dropped_total
        if status.clock_offset_s is not None:
            values["clock_offset_s"] = status.clock_offset_s
        self._connection.execute(update(gateway).where(gateway.c.id == gateway_id).values(values))

    def note_heard(self, gateway_ids: Sequence[str], now: datetime) -> None:
        """A message of these gateways arrived."""
        _HEARD.execute(self._connection, gateway_ids, to_ms(now))


class SqlDevices:
    """See ``hub.services.ports.devices.Devices``."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, address: str, profile: str, now: datetime) -> int:
        """The new device's id."""
        changed(self._connection)
        added: int = self._connection.execute(
            insert(device).values(address=address, profile=profile, added_at=now).returning(device.c.id)
        ).scalar_one()
        return added

    def accept_on(self, device_id: int, gateway_id: str, by: str, now: datetime) -> None:
        """Readings of this device are taken from this gateway from now on."""
        changed(self._connection)
        row = {"device_id": device_id, "gateway_id": gateway_id, "accepted_by": by, "accepted_at": now}
        insert_or_ignore(self._connection, accepted_on, [row])

    def find(self, address: str) -> DeviceRow | None:
        """The device, or None."""
        return self.by_addresses([address]).get(address)

    def get(self, device_id: int) -> DeviceRow:
        """Raises ``NotFound``."""
        row = self._connection.execute(select(device).where(device.c.id == device_id)).first()
        if row is None:
            raise NotFound("no such device")
        return self._with_gateways([row])[0]

    def by_addresses(self, addresses: Sequence[str]) -> dict[str, DeviceRow]:
        """Devices by address; unknown ones are left out."""
        rows = self._connection.execute(select(device).where(device.c.address.in_(addresses))).all()
        return {found.address: found for found in self._with_gateways(rows)}

    def assignments(self, device_ids: Sequence[int]) -> dict[int, list[Assignment]]:
        """Every period of these devices."""
        periods: dict[int, list[Assignment]] = {}
        for r in self._connection.execute(select(assignment).where(assignment.c.device_id.in_(device_ids))):
            period = Assignment(r.id, r.device_id, r.patient_id, r.slot, r.from_at, r.to_at)
            periods.setdefault(r.device_id, []).append(period)
        return periods

    def assign(self, device_id: int, patient_id: int, slot: int | None, since: datetime, by: str) -> int:
        """A new period; the one before it on the same slot ends where this begins."""
        changed(self._connection)
        self.unassign(device_id, slot, since)
        values = {"device_id": device_id, "patient_id": patient_id, "slot": slot, "from_at": since, "assigned_by": by}
        added: int = self._connection.execute(insert(assignment).values(values).returning(assignment.c.id)).scalar_one()
        return added

    def unassign(self, device_id: int, slot: int | None, at: datetime) -> None:
        """End the open period of this slot."""
        changed(self._connection)
        same_slot = assignment.c.slot.is_(None) if slot is None else assignment.c.slot == slot
        self._connection.execute(
            update(assignment)
            .where(assignment.c.device_id == device_id, same_slot, assignment.c.to_at.is_(None))
            .values(to_at=at)
        )

    def unassign_patient(self, patient_id: int, at: datetime) -> int:
        """End every open period of a patient; how many."""
        changed(self._connection)
        return self._connection.execute(
            update(assignment)
            .where(assignment.c.patient_id == patient_id, assignment.c.to_at.is_(None))
            .values(to_at=at)
        ).rowcount

    def of_patient(self, patient_id: int, at: datetime) -> list[DeviceRow]:
        """Devices a patient has at an instant."""
        found = (
            select(device)
            .join(assignment, assignment.c.device_id == device.c.id)
            .where(
                assignment.c.patient_id == patient_id,
                assignment.c.from_at <= at,
                or_(assignment.c.to_at.is_(None), assignment.c.to_at > at),
            )
            .distinct()
        )
        return self._with_gateways(self._connection.execute(found).all())

    def note_seen(self, seen: Sequence[tuple[int, datetime, int | None]]) -> None:
        """Newest wins; a battery level that is not given stays."""
        _SEEN.execute(self._connection, [(one, to_ms(at), battery) for one, at, battery in seen])

    def note_batteries(self, levels: Sequence[tuple[int, int]]) -> None:
        """(device id, percent)."""
        if levels:
            self._connection.execute(
                update(device).where(device.c.id == bindparam("this")).values(battery_percent=bindparam("level")),
                [{"this": device_id, "level": percent} for device_id, percent in levels],
            )

    def _with_gateways(self, rows: Sequence[Row[Any]]) -> list[DeviceRow]:
        accepted: dict[int, list[str]] = {row.id: [] for row in rows}
        found = select(accepted_on.c.device_id, accepted_on.c.gateway_id).where(accepted_on.c.device_id.in_(accepted))
        for device_id, gateway_id in self._connection.execute(found):
            accepted[device_id].append(gateway_id)
        return [
            DeviceRow(r.id, r.address, intern(r.profile), _set(*accepted[r.id]), r.last_seen_at, r.battery_percent)
            for r in rows
        ]


@lru_cache(maxsize=1024)
def _set(*gateways: str) -> frozenset[str]:
    """One for all devices of a home: tens of thousands are kept, and a set is larger than all else of a device."""
    return frozenset(gateways)


def _gateway(r: Row[Any]) -> GatewayRow:
    return GatewayRow(
        id=r.id,
        name=r.name,
        credential=r.credential,
        online=r.online,
        online_changed_at=r.online_changed_at,
        heard_at=r.heard_at,
        retired_at=r.retired_at,
        spool_depth=r.spool_depth,
        spool_dropped_total=r.spool_dropped_total,
        clock_offset_s=r.clock_offset_s,
        purpose=r.purpose,
    )
