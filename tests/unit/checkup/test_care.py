"""Is anybody there, and are readings judged by what a clinician signed?"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import update

from hub.adapters.sql.tables.people import patient as patient_table
from hub.domain.protocols import Protocol, canonical
from hub.services import signing
from hub.services.checkup import care
from hub.services.checkup.finding import Finding, Need
from hub.services.hub import Actor, Hub
from hub.services.paging import care_team
from tests.unit.alerting.clinic import ANA, BEN, Clinic, clinics
from tests.unit.checkup.subjects import only, wrong
from tests.unit.domain.builders import TEMPLATES

ADMIN = Actor("Rita Invented", "admin")
Templates = Mapping[str, tuple[bytes, Protocol]]


@pytest.fixture
def clinic(tmp_path: Path) -> Iterator[Clinic]:
    yield from clinics(tmp_path)


@pytest.fixture
def shipped() -> Templates:
    template = TEMPLATES["hypertension"]
    return {"hypertension": (canonical(template.document), template.protocol)}


def signed(clinic: Clinic, templates: Templates) -> int:
    hub: Hub = replace(clinic.hub, templates=lambda: templates)
    return signing.sign_protocol(hub, ADMIN, "hypertension", "Dr Invented")


def another(templates: Templates) -> Templates:
    body, protocol = templates["hypertension"]
    return {"hypertension": (body + b" ", protocol)}


def people(clinic: Clinic) -> list[Finding]:
    with clinic.hub.unit_of_work() as uow:
        return list(care.people(uow))


def in_force(clinic: Clinic, templates: Templates) -> list[Finding]:
    with clinic.hub.unit_of_work() as uow:
        return list(care.in_force(uow, templates))


def enrolled(clinic: Clinic, templates: Templates) -> list[Finding]:
    with clinic.hub.unit_of_work() as uow:
        return list(care.enrolled(uow, templates, clinic.now))


def test_nobody_with_a_phone_must_be_mended(clinic: Clinic) -> None:
    clinic.staff("Ana Invented", None)
    first, second = people(clinic)
    assert (first.need, first.what) == (Need.MUST, "No nurse or physician has a phone.")
    assert first.mend.startswith("rpmhub user add --role nurse --phone")
    assert (second.need, second.what) == (Need.SHOULD, "No operator has a phone.")
    assert second.mend.startswith("rpmhub user add --role operator --phone")


def test_one_phone_is_one_person_away_from_nobody(clinic: Clinic) -> None:
    clinic.staff("Ana Invented", ANA)
    clinic.staff("Olga Invented", BEN, "operator")
    assert only(people(clinic)).what == "One nurse or physician has a phone."
    clinic.staff("Ben Invented", ANA)  # the same phone: still one
    assert only(people(clinic)).need is Need.SHOULD


def test_two_phones_are_fine_and_are_whom_the_hub_pages(clinic: Clinic) -> None:
    for name, phone, role in (("Ana", ANA, "nurse"), ("Ben", BEN, "physician"), ("Olga", "+15550103", "operator")):
        clinic.staff(name, phone, role)
    assert wrong(people(clinic)) == []
    with clinic.hub.unit_of_work() as uow:
        assert [person.phone for person in care_team(uow, None)] == [ANA, BEN]


def test_without_a_protocol_no_reading_is_judged(clinic: Clinic, shipped: Templates) -> None:
    found = only(in_force(clinic, shipped))
    assert (found.need, found.what) == (Need.MUST, "No protocol is in force.")
    assert "rpmhub protocol sign" in found.mend


def test_a_signed_copy_is_fine_until_its_file_is_another(clinic: Clinic, shipped: Templates) -> None:
    signed(clinic, shipped)
    assert wrong(in_force(clinic, shipped)) == []
    found = only(in_force(clinic, another(shipped)))
    assert (found.need, found.what) == (
        Need.SHOULD,
        "The file of protocol hypertension differs from the copy in force.",
    )
    assert "rpmhub protocol sign hypertension --by NAME" in found.mend
    assert wrong(in_force(clinic, {})) == []  # its file is gone: the copy runs


def test_an_unsigned_copy_must_be_signed(clinic: Clinic, shipped: Templates) -> None:
    demo = replace(clinic.hub, templates=lambda: shipped, site=replace(clinic.hub.site, mode="demo"))
    signing.sign_protocol(demo, ADMIN, "hypertension", None)
    assert wrong(in_force(clinic, shipped)) == [(Need.MUST, "Protocol hypertension is in force unsigned.")]


def test_patients_are_told_by_number(clinic: Clinic, shipped: Templates) -> None:
    assert enrolled(clinic, shipped) == []
    version = signed(clinic, shipped)
    one, two = clinic.patient(mrn="A1"), clinic.patient(mrn="A2")
    clinic.patient(mrn="T1", is_test=True)
    found = only(enrolled(clinic, shipped))
    assert (found.need, found.what) == (Need.MUST, f"On no protocol: patients {one.id}, {two.id}.")
    assert found.mend == f"rpmhub patient assign {one.id} PROTOCOL"
    with clinic.hub.unit_of_work() as uow:
        for patient in (one, two):
            uow.protocols.assign(patient.id, version, "Dr Invented", clinic.now)
        uow.commit()
    assert wrong(enrolled(clinic, shipped)) == []
    found = only(enrolled(clinic, another(shipped)))
    assert found.need is Need.SHOULD
    assert found.what == f"On another copy of hypertension than its file now: patients {one.id}, {two.id}."


def test_a_zone_that_is_unknown_here_is_named(clinic: Clinic) -> None:
    patient = clinic.patient()
    with clinic.engine.begin() as connection:
        connection.execute(
            update(patient_table).where(patient_table.c.id == patient.id).values(zone="Mars/Olympus_Mons")
        )
    with clinic.hub.unit_of_work() as uow:
        found = only(care.zones(uow))
    assert (found.need, "Mars/Olympus_Mons" in found.what) == (Need.MUST, True)
