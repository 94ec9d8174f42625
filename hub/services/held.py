"""Held readings: a person decides whose they are (SF18). The time they were measured stays theirs."""

from datetime import datetime

from hub.domain.patients import Monitoring
from hub.errors import Conflict, Invalid, NotFound
from hub.services.equipment import check_purpose
from hub.services.hub import CLINICAL, OPERATORS, Actor, Hub, require
from hub.services.ports.measuring import HeldEntry
from hub.services.ports.storage import UnitOfWork
from hub.services.releasing import release


def assign(hub: Hub, actor: Actor, journal_id: int, patient_id: int) -> None:
    """This reading is this patient's. It is judged as of now: what is too old to page is put on the list for review."""
    require(actor, CLINICAL)
    now = hub.clock.now()
    with hub.unit_of_work() as uow:
        entry = uow.journal.get_held(journal_id)
        if entry is None:
            raise Conflict("somebody has decided on this reading before")
        _release(uow, hub, actor, entry, patient_id, now)
        uow.commit()


def discard(hub: Hub, actor: Actor, journal_id: int, reason: str) -> None:
    """This reading is nobody's here (a visitor, a test). It stays in the journal, with who said so and why."""
    require(actor, CLINICAL)
    if not reason.strip():
        raise Invalid({"reason": "say why, for whoever reads this next"})
    now = hub.clock.now()
    with hub.unit_of_work() as uow:
        if not uow.journal.release(journal_id, None, None, "void"):
            raise Conflict("somebody has decided on this reading before")
        uow.audit.write(now, actor.name, "reading.void", f"journal:{journal_id}", {"reason": reason.strip()})
        uow.commit()


def accept_gateway(hub: Hub, actor: Actor, device: str, gateway_id: str) -> None:
    """Take this device's readings from this gateway too. The engine releases those held for it."""
    require(actor, CLINICAL | OPERATORS)
    now = hub.clock.now()
    with hub.unit_of_work() as uow:
        known = uow.devices.find(device)
        gateway = uow.gateways.find(gateway_id)
        if known is None or gateway is None:
            raise NotFound("no such device or gateway")
        check_purpose(uow, known, gateway)
        uow.devices.accept_on(known.id, gateway_id, actor.name, now)
        uow.audit.write(now, actor.name, "device.accept", f"device:{known.id}", {"gateway": gateway_id})
        uow.commit()


def _release(uow: UnitOfWork, hub: Hub, actor: Actor, entry: HeldEntry, patient_id: int, now: datetime) -> None:
    if uow.patients.get(patient_id).state is Monitoring.ENDED:
        raise Invalid({"patient": "monitoring of this patient has ended"})
    released = release(uow, hub, patient_id, [entry], now)
    if released is None:
        raise Conflict("readings of this patient came in at this moment; try again")
    if not released:
        raise Conflict("somebody has decided on this reading before")
    uow.audit.write(now, actor.name, "reading.assign", f"journal:{entry.id}", {"patient": patient_id})
