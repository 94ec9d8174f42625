"""Preparing a patient for a recording: the gateway that replays it, and a device that was theirs meanwhile (SF20)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from hub.domain.patients import Monitoring
from hub.errors import Conflict, Invalid, Unsafe
from hub.services.equipment import add_device, add_gateway
from hub.services.hub import CLINICAL, OPERATORS, Actor, Hub, require
from hub.services.ports.devices import REPLAY

GATEWAY_ID = "replay"
_NAME = "Replay of recordings"
_AFTER_THE_LAST = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Recorded:
    """What a recording holds of one device, at the times at which it will be replayed."""

    device: str
    profile: str
    first: datetime
    last: datetime


def check_replay(hub: Hub, patient_id: int) -> None:
    """Raise ``Unsafe`` where no recording may be replayed: production, and not a test patient. ``Conflict``: ended."""
    with hub.unit_of_work() as uow:
        patient = uow.patients.get(patient_id)
    if not hub.site.demo and not patient.is_test:
        raise Unsafe("SF20", "in production a recording is replayed on a patient marked as test only (--test)")
    if patient.state is Monitoring.ENDED:
        raise Conflict("monitoring of this patient has ended")


def replay_gateway(hub: Hub, actor: Actor, credential: str) -> bool:
    """Register the one gateway that replays, unless it stands so; whether that is new. ``credential``: hashed."""
    with hub.unit_of_work() as uow:
        known = uow.gateways.find(GATEWAY_ID)
    if known is None:
        add_gateway(hub, actor, _NAME, credential, GATEWAY_ID, REPLAY)
    elif not known.replays or known.retired_at is not None:
        raise Invalid({"gateway": f"{GATEWAY_ID} is retired, or carries patients' own readings: it replays nothing"})
    elif known.credential != credential:
        with hub.unit_of_work() as uow:
            uow.gateways.set_credential(GATEWAY_ID, credential)
            uow.audit.write(hub.clock.now(), actor.name, "gateway.credential", f"gateway:{GATEWAY_ID}", {})
            uow.commit()
    return known is None or known.credential != credential


def prepare(hub: Hub, actor: Actor, patient_id: int, recorded: Sequence[Recorded]) -> None:
    """The recording's devices become this patient's for the time that it covers, and for no longer."""
    require(actor, OPERATORS | CLINICAL)
    check_replay(hub, patient_id)
    for one in recorded:
        device_id = add_device(hub, actor, one.device, one.profile, GATEWAY_ID)
        now = hub.clock.now()
        with hub.unit_of_work() as uow:
            first = one.first.replace(microsecond=0)  # on the wire a time has no more than milliseconds
            uow.devices.assign(device_id, patient_id, None, first, actor.name)
            uow.devices.unassign(device_id, None, one.last + _AFTER_THE_LAST)
            span = {"patient": patient_id, "from": one.first.isoformat(), "to": one.last.isoformat()}
            uow.audit.write(now, actor.name, "replay.prepare", f"device:{device_id}", span)
            uow.commit()
