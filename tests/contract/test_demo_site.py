"""The demo's clinic is set up around the list of homes that the other program prints."""

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from dashboards.viewmodels.patient_state import state_of
from hub.adapters.checkin_files import load_checkins
from hub.adapters.sql.tables import metadata
from hub.cli.demo import GATEWAY_ID, simulated_devices
from hub.domain.patients import Monitoring, OxygenTarget, Patient
from hub.domain.protocols import canonical
from hub.errors import Conflict, NotPermitted, Unsafe
from hub.services.demo_site import Device, Facts, Person, seed
from hub.services.engine.checkins import CheckIns
from hub.services.views.equipment import Equipment
from hub.settings import config_dir
from tests.web.ward import ZONE, Ward

CAST: Mapping[str, Any] = tomllib.loads((config_dir() / "settings" / "demo.toml").read_text())
HEART = Facts(dry_weight_kg=Decimal("78.2"))
COPD = Facts(oxygen_target="88-92")


@pytest.fixture
def ward(tmp_path: Path) -> Iterator[Ward]:
    ward = Ward(tmp_path, fill=False)
    metadata.create_all(ward.engine)
    yield ward
    ward.engine.dispose()


def sow(ward: Ward, *devices: Device) -> None:
    seed(ward.hub, CAST, devices, GATEWAY_ID, "invented-password")


def patients(ward: Ward) -> list[Patient]:
    with ward.hub.unit_of_work() as uow:
        return uow.patients.in_state(*Monitoring)


def equipment(ward: Ward) -> Equipment:
    with ward.hub.reads() as reads:
        return reads.equipment(ward.clock.now())


def states(ward: Ward) -> dict[str, tuple[str, str]]:
    """By first name, the state of each patient in the panel and the words beside it."""
    with ward.hub.reads() as reads:
        rows = reads.worklist(ward.clock.now()).patients
    found = {row.patient.name.split()[0]: state_of(row, ward.clock.now(), ZONE) for row in rows}
    return {name: (state.code, state.detail) for name, state in found.items()}


def test_everybody_in_the_simulated_homes_becomes_a_patient(ward: Ward) -> None:
    devices = simulated_devices(1)
    sow(ward, *devices)
    people = {person.person: person for device in devices for person in device.people}
    assert len({person.condition for person in people.values()}) >= 4
    enrolled = patients(ward)
    assert [patient.mrn for patient in enrolled] == [f"DEMO-{number:04}" for number in sorted(people)]
    assert all((patient.phone or "").startswith("+15555550") for patient in enrolled)
    for patient, person in zip(enrolled, (people[number] for number in sorted(people)), strict=True):
        with ward.hub.unit_of_work() as uow:
            (enrolment,) = uow.protocols.of_patient(patient.id, ward.clock.now())
        assert enrolment.in_force.protocol.id == person.condition
        assert enrolment.in_force.protocol.signed_by == CAST["clinician"]
        assert (patient.dry_weight is not None) == (person.condition == "heart-failure")
        assert (patient.oxygen_target is not None) == (person.condition == "copd")
    known = equipment(ward)
    assert {line.address for line in known.devices} == {device.device for device in devices}
    assert all(line.holders for line in known.devices)


def test_a_shared_device_is_assigned_by_slot(ward: Ward) -> None:
    both = Person(1, "heart-failure", "stable", 1, HEART), Person(2, "hypertension", "stable", 2)
    sow(ward, Device("C1:00:00:00:00:01", "weight-scale", both))
    (line,) = equipment(ward).devices
    assert [(tag.name.split()[0], slot) for tag, slot in line.holders] == [("Ada", 1), ("Bruno", 2)]
    ada, bruno = patients(ward)
    assert ada.dry_weight is not None
    assert (ada.dry_weight.kg, ada.dry_weight.set_by) == (Decimal("78.2"), "Dr Dora Invented")
    assert (bruno.dry_weight, bruno.insulin_or_su) == (None, False)


def test_what_a_device_remembers_of_thirty_days_is_its_patients(ward: Ward) -> None:
    sow(ward, Device("C3:00:00:00:00:01", "pulse-oximeter", (Person(1, "copd", "stable", facts=COPD),)))
    with ward.hub.unit_of_work() as uow:
        device = uow.devices.find("C3:00:00:00:00:01")
        assert device is not None
        (period,) = uow.devices.assignments([device.id])[device.id]
    assert period.since <= ward.clock.now() - timedelta(days=30, hours=23)
    assert patients(ward)[0].oxygen_target is OxygenTarget.HYPERCAPNIC


def test_who_is_silent_is_grey_at_once_and_everybody_else_is_only_waited_for(ward: Ward) -> None:
    silent, fresh = Person(1, "copd", "silent", facts=COPD), Person(2, "copd", "desaturating", facts=COPD)
    sow(
        ward,
        Device("C3:00:00:00:00:01", "pulse-oximeter", (silent,)),
        Device("C3:00:00:00:00:02", "pulse-oximeter", (fresh,)),
    )
    assert states(ward)["Ada"][0] == "no_data"
    assert states(ward)["Bruno"][0] == "waiting"
    with ward.hub.reads() as reads:
        (alert,) = reads.worklist(ward.clock.now()).alerts
    assert (alert.kind, alert.severity.word, alert.next_page) == ("missing", "low", None)
    assert alert.sentence.startswith("No data: SpO2 was due")
    ward.arrives(b'{"v": 1, "online": true}', gateway=GATEWAY_ID, lane="status")
    ward.forward(timedelta(seconds=1))
    with ward.hub.reads() as reads:
        assert reads.worklist(ward.clock.now()).tasks == ()


def test_one_whose_devices_are_silent_and_one_who_is_well_are_asked_at_once(ward: Ward) -> None:
    found = load_checkins([config_dir() / "checkins"])
    shipped = {name: (canonical(one.document), one.checkin) for name, one in found.items()}
    ward.hub = replace(ward.hub, checkin_templates=lambda: shipped)
    stories = ("desaturating", "silent", "stable", "stable")
    sow(
        ward,
        *(
            Device(f"C3:00:00:00:00:0{number}", "pulse-oximeter", (Person(number, "copd", story, facts=COPD),))
            for number, story in enumerate(stories, start=1)
        ),
    )
    enrolled = patients(ward)
    with ward.hub.unit_of_work() as uow:
        assert {one.checkin.signed_by for one in uow.checkins.all_current()} == {CAST["clinician"]}
        assert all(uow.consents.stands(one.id, "sms", one.phone) for one in enrolled)
    CheckIns().run(ward.hub, ward.clock.now())
    with ward.hub.unit_of_work() as uow:
        asked = [one.name.split()[0] for one in enrolled if uow.conversations.open_of(one.id) is not None]
    assert asked == ["Bruno", "Cora"]


def test_a_second_start_changes_nothing_and_an_interrupted_one_says_so(ward: Ward) -> None:
    device = Device("SIM-CUFF-0001", "blood-pressure", (Person(1, "hypertension", "stable"),))
    sow(ward, device)
    before = patients(ward)
    sow(ward, device)
    assert patients(ward) == before
    with ward.engine.begin() as connection:
        connection.execute(metadata.tables["stamp"].delete())
    with pytest.raises(Conflict, match="--fresh"):
        sow(ward, device)


def test_what_a_plan_needs_is_not_guessed(ward: Ward) -> None:
    with pytest.raises(Unsafe, match="SF6"):
        sow(ward, Device("C1:00:00:00:00:01", "weight-scale", (Person(1, "heart-failure", "stable"),)))


def test_no_production_database_takes_invented_patients(ward: Ward) -> None:
    ward.hub = replace(ward.hub, site=replace(ward.hub.site, mode="production"))
    with pytest.raises(NotPermitted):
        sow(ward)
