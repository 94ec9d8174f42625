"""Gateways and devices: adding, accepting, assigning."""

import re
from datetime import datetime

from hub.errors import Invalid, NotFound
from hub.services.hub import CLINICAL, OPERATORS, Actor, Hub, require
from hub.services.ports.devices import ORDINARY, TEXTS, DeviceRow, GatewayRow
from hub.services.ports.storage import UnitOfWork

_TOPIC_WORD = re.compile(r"[A-Za-z0-9_-]{1,40}")
_MAC = re.compile(r"([0-9A-Fa-f]{2}:){5}[0-9A-Fa-f]{2}")

PROFILES = frozenset(
    {
        "weight-scale",
        "body-composition",
        "glucose-meter",
        "cgm",
        "pulse-oximeter",
        "blood-pressure",
        "thermometer",
        "heart-rate",
        "manual",
    }
)


def add_gateway(
    hub: Hub, actor: Actor, name: str, credential: str, gateway_id: str | None = None, purpose: str = ORDINARY
) -> str:
    """Register a gateway; its id, which is what stands in its topics. ``credential`` is the hashed password."""
    require(actor, OPERATORS)
    if not name.strip():
        raise Invalid({"name": "is needed"})
    new_id = gateway_id or hub.ids.gateway_id()
    if not _TOPIC_WORD.fullmatch(new_id):
        raise Invalid({"id": "stands in topics: up to 40 letters, digits, - and _"})
    if new_id == TEXTS:
        raise Invalid({"id": "stands for what patients type, and can be no gateway's"})
    now = hub.clock.now()
    with hub.unit_of_work() as uow:
        if uow.gateways.find(new_id) is not None:
            raise Invalid({"id": "another gateway has this id"})
        uow.gateways.add(new_id, name.strip(), credential, now, purpose)
        uow.audit.write(now, actor.name, "gateway.add", f"gateway:{new_id}", {"purpose": purpose})
        uow.commit()
    return new_id


def add_device(hub: Hub, actor: Actor, address: str, profile: str, gateway_id: str) -> int:
    """Register a device on a gateway; its id. An address that stands already is accepted on this gateway too."""
    require(actor, OPERATORS | CLINICAL)
    if profile not in PROFILES:
        raise Invalid({"profile": f"is one of {', '.join(sorted(PROFILES))}"})
    if not 1 <= len(address) <= 64:
        raise Invalid({"address": "is 1 to 64 characters, as the gateway reports it"})
    if _MAC.fullmatch(address):
        address = address.upper()  # as gateways report it
    now = hub.clock.now()
    with hub.unit_of_work() as uow:
        gateway = uow.gateways.find(gateway_id)
        if gateway is None:
            raise NotFound(f"no gateway {gateway_id}")
        known = uow.devices.find(address)
        check_purpose(uow, known, gateway)
        if known is not None and known.profile != profile:
            raise Invalid({"profile": f"this device is known as {known.profile}"})
        device_id = known.id if known else uow.devices.add(address, profile, now)
        uow.devices.accept_on(device_id, gateway_id, actor.name, now)
        uow.audit.write(now, actor.name, "device.add", f"device:{device_id}", {"gateway": gateway_id})
        uow.commit()
    return device_id


def check_purpose(uow: UnitOfWork, device: DeviceRow | None, gateway: GatewayRow) -> None:
    """Raise ``Invalid`` for a device that measures and is replayed: its readings must be one or the other (SF20)."""
    others = [uow.gateways.find(known) for known in sorted(device.accepted_on)] if device else []
    if any(other is not None and other.replays != gateway.replays for other in others):
        raise Invalid({"gateway": "a recording has a device of its own, which no other gateway may send for"})


def assign_device(
    hub: Hub, actor: Actor, device_id: int, patient_id: int, slot: int | None = None, since: datetime | None = None
) -> int:
    """Give a device to a patient from ``since`` (default: now); the period's id."""
    require(actor, OPERATORS | CLINICAL)
    now = hub.clock.now()
    with hub.unit_of_work() as uow:
        uow.devices.get(device_id)
        patient = uow.patients.get(patient_id)
        if patient.state.value == "ended":
            raise Invalid({"patient": "monitoring of this patient has ended"})
        start = since or now.replace(microsecond=0)  # devices tell whole seconds: a reading of this second is in it
        period = uow.devices.assign(device_id, patient_id, slot, start, actor.name)
        detail = {"patient": patient_id, "slot": slot}
        uow.audit.write(now, actor.name, "device.assign", f"device:{device_id}", detail)
        uow.commit()
    return period
