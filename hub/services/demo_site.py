"""The demo's clinic: invented staff and patients around whatever homes the simulator plays."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import msgspec

from hub.errors import Conflict, NotPermitted
from hub.services import enrolment, equipment, signing, staffing
from hub.services.engine.missing import Missing
from hub.services.hub import Actor, Hub
from hub.services.ports.base import Clock
from hub.services.ports.care import NewPatient

STAMP = "demo-seeded"
STORED_DAYS = 30
"""What the devices remember from before the demo: a chart with nothing on it teaches nothing."""

_SETTER = Actor("demo", "admin")
_REMEMBERED = timedelta(days=STORED_DAYS + 1)
"""How long the invented patients have had their devices: what these still remember is theirs."""
_ASKED_AT_ONCE = ("silent", "stable")
"""Of whose stories one patient each is asked how they are as soon as the demo begins."""
_SILENT = timedelta(days=2)
"""Since when whoever is silent is waited for; of everybody else the next reading is the first expected."""


class Facts(msgspec.Struct, frozen=True):
    """What a clinician would have recorded, as far as a protocol needs it."""

    dry_weight_kg: Decimal | None = None
    oxygen_target: str | None = None
    insulin_or_su: bool = False


class Person(msgspec.Struct, frozen=True):
    """Somebody in a simulated home, as a user of one device."""

    person: int
    condition: str
    """The protocol of the same name watches them."""
    story: str
    slot: int | None = None
    facts: Facts = Facts()


class Device(msgspec.Struct, frozen=True):
    """A simulated device and who uses it."""

    device: str
    profile: str
    people: tuple[Person, ...]


def seed(hub: Hub, cast: Mapping[str, Any], devices: Sequence[Device], gateway_id: str, password: str) -> None:
    """Staff, signed protocols, the people of the homes with their devices. Does nothing the second time."""
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
    people = {person.person: person for device in devices for person in device.people}
    for protocol_id in sorted({person.condition for person in people.values()}):
        signing.sign_protocol(hub, _SETTER, protocol_id, cast["clinician"])
    equipment.add_gateway(hub, _SETTER, "Simulated homes", "demo", gateway_id)
    patients = {number: _enrol(hub, cast, person, staff[0]) for number, person in sorted(people.items())}
    _hand_out(hub, devices, patients, gateway_id)
    _say_who_is_silent(hub)
    for checkin_id in sorted(hub.checkin_templates()):
        signing.sign_checkin(hub, _SETTER, checkin_id, cast["clinician"])
    _ask_at_once(hub, people, patients)
    with hub.unit_of_work() as uow:
        uow.operations.set_stamp(STAMP, "1")
        uow.commit()


def _enrol(hub: Hub, cast: Mapping[str, Any], person: Person, care_manager_id: int) -> int:
    """A patient on the protocol of their condition; a silent one since before their silence, so that it shows."""
    if person.story == "silent":
        hub = replace(hub, clock=_Earlier(hub.clock, _SILENT))
    known, facts = cast["patient"][person.person - 1], person.facts
    new = NewPatient(
        mrn=f"DEMO-{person.person:04}",
        name=known["name"],
        born=known["born"],
        zone=hub.site.zone,
        phone=f"+1555555{110 + person.person:04}",
        dry_weight_kg=facts.dry_weight_kg,
        dry_weight_by=cast["clinician"] if facts.dry_weight_kg is not None else None,
        oxygen_state="air" if facts.oxygen_target else "unknown",
        oxygen_target=facts.oxygen_target,
        insulin_or_su=facts.insulin_or_su,
        care_manager_id=care_manager_id,
    )
    consent = enrolment.Consent("sms", cast["consent"], "paper")
    patient_id = enrolment.add_patient(hub, _SETTER, new, consents=(consent,), protocols=(person.condition,))
    enrolment.add_goal(hub, _SETTER, patient_id, known["goal"])
    return patient_id


def _hand_out(hub: Hub, devices: Sequence[Device], patients: Mapping[int, int], gateway_id: str) -> None:
    since = hub.clock.now() - _REMEMBERED
    for one in devices:
        device_id = equipment.add_device(hub, _SETTER, one.device, one.profile, gateway_id)
        for person in one.people:
            equipment.assign_device(hub, _SETTER, device_id, patients[person.person], person.slot, since)


def _say_who_is_silent(hub: Hub) -> None:
    """Judge what was due before the demo, one occurrence a round: it is grey before anybody looks."""
    while Missing().run(hub, hub.clock.now()):
        pass


def _ask_at_once(hub: Hub, people: Mapping[int, Person], patients: Mapping[int, int]) -> None:
    """The question of the day, now and not tomorrow at nine: to one patient whose devices are silent, and to one who is
    well. Whoever looks at the phones may answer for them; if nobody does, their silence becomes an alert."""
    now = hub.clock.now()
    with hub.unit_of_work() as uow:
        for story in _ASKED_AT_ONCE:
            for number, person in sorted(people.items()):
                planned = uow.checkins.planned(patients[number])
                if person.story == story and planned:
                    uow.checkins.plan(replace(planned[0], due_at=now))
                    break
        uow.commit()


@dataclass(frozen=True, slots=True)
class _Earlier:
    """A clock that is behind another."""

    clock: Clock
    by: timedelta

    def now(self) -> datetime:
        return self.clock.now() - self.by

    def monotonic(self) -> float:
        return self.clock.monotonic()
