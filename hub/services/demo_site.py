"""The demo's clinic: invented staff and patients around whatever homes the simulator plays."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from hub.errors import Conflict, NotPermitted
from hub.services import enrolment, equipment, signing, staffing
from hub.services.hub import Actor, Hub
from hub.services.ports.care import NewPatient

STAMP = "demo-seeded"
_SETTER = Actor("demo", "admin")
PROTOCOL = "hypertension"
REMEMBERED = timedelta(days=30)
"""How long the invented patients have had their devices: what these still remember is theirs."""


@dataclass(frozen=True, slots=True)
class Home:
    """A simulated device."""

    serial: str
    profile: str


def seed(hub: Hub, cast: Mapping[str, Any], homes: Sequence[Home], gateway_id: str, password: str) -> None:
    """Staff, a signed protocol, one patient a home, its device accepted and assigned. Does nothing the second time."""
    if not hub.site.demo:
        raise NotPermitted("invented patients have no place in a production database")
    with hub.unit_of_work() as uow:
        if uow.operations.stamp(STAMP) is not None:
            return
        if uow.staff.all():
            raise Conflict("The demo's set-up was interrupted. Start over: rpmhub demo --fresh")
    staff = [
        staffing.add_staff(hub, _SETTER, m["login"], m["name"], m["role"], password, m["phone"]) for m in cast["staff"]
    ]
    signing.sign_protocol(hub, _SETTER, PROTOCOL, cast["signed_by"])
    equipment.add_gateway(hub, _SETTER, "Simulated homes", "demo", gateway_id)
    had_since = hub.clock.now() - REMEMBERED
    for number, (home, person) in enumerate(zip(homes, cast["patient"], strict=False), start=1):
        new = NewPatient(
            mrn=f"DEMO-{number:04}",
            name=person["name"],
            born=person["born"],
            zone=hub.site.zone,
            phone=f"+1555555{100 + number + 10:04}",
            care_manager_id=staff[0],
        )
        patient_id = enrolment.add_patient(hub, _SETTER, new, protocols=(PROTOCOL,))
        enrolment.add_goal(hub, _SETTER, patient_id, person["goal"])
        device_id = equipment.add_device(hub, _SETTER, home.serial, home.profile, gateway_id)
        equipment.assign_device(hub, _SETTER, device_id, patient_id, since=had_since)
    with hub.unit_of_work() as uow:
        uow.operations.set_stamp(STAMP, "1")
        uow.commit()
