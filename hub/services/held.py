"""Held readings: a person decides whose they are (SF18). The time they were measured stays theirs."""

from datetime import datetime

from hub.domain.custody import Held, owner
from hub.domain.patients import Monitoring
from hub.errors import Conflict, Invalid, NotFound
from hub.services.hub import CLINICAL, OPERATORS, Actor, Hub, require
from hub.services.ingest.decode import read_again
from hub.services.ingest.evaluate import Came, evaluate
from hub.services.ingest.samples import screen_reading
from hub.services.ports.measuring import HeldEntry
from hub.services.ports.storage import UnitOfWork


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


def accept_gateway(hub: Hub, actor: Actor, device: str, gateway_id: str) -> int:
    """Take this device's readings from this gateway too; how many held ones found their owner by it."""
    require(actor, CLINICAL | OPERATORS)
    now = hub.clock.now()
    with hub.unit_of_work() as uow:
        known = uow.devices.find(device)
        if known is None or uow.gateways.find(gateway_id) is None:
            raise NotFound("no such device or gateway")
        uow.devices.accept_on(known.id, gateway_id, actor.name, now)
        uow.audit.write(now, actor.name, "device.accept", f"device:{known.id}", {"gateway": gateway_id})
        periods = uow.devices.assignments([known.id]).get(known.id, [])
        released = 0
        for entry in uow.journal.held_of(device):
            if entry.code == "foreign_gateway" and entry.gateway_id == gateway_id:
                whose = owner(periods, entry.effective_at, read_again(entry.body).user_index)
                if not isinstance(whose, Held):
                    _release(uow, hub, actor, entry, whose.patient_id, now)
                    released += 1
        uow.commit()
    return released


def _release(uow: UnitOfWork, hub: Hub, actor: Actor, entry: HeldEntry, patient_id: int, now: datetime) -> None:
    patient = uow.patients.get(patient_id)
    if patient.state is Monitoring.ENDED:
        raise Invalid({"patient": "monitoring of this patient has ended"})
    device = uow.devices.find(entry.device)
    device_id = None if device is None else device.id
    if not uow.journal.release(entry.id, patient_id, device_id, "stored"):
        raise Conflict("somebody has decided on this reading before")
    versions = uow.patients.evaluation_versions([patient_id])
    reading = screen_reading(
        read_again(entry.body), entry.flags, entry.id, device_id, entry.effective_at, now - entry.effective_at
    )
    evaluate(uow, hub, [Came(patient, [reading])], now)
    if not uow.patients.judged(versions):
        raise Conflict("readings of this patient came in at this moment; try again")
    uow.audit.write(now, actor.name, "reading.assign", f"journal:{entry.id}", {"patient": patient_id})
