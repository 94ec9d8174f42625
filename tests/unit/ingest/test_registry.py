"""What ingest keeps between groups is never older than what a person has just changed."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from hub.adapters.sql.engine import Unavailable
from hub.adapters.sql.unit_of_work import SqlUnitOfWork
from hub.domain.patients import EndReason, Monitoring
from hub.domain.same_person import WEIGHT
from hub.domain.samples import Sample
from hub.services import enrolment, equipment, held
from hub.services.checkins.reported import take_reading_back
from hub.services.ingest.commit import process
from hub.services.ingest.registry import Registry, Weighed
from hub.services.ingest.samples import VALUES_PER_READING
from hub.services.ports.care import NewPatient
from hub.services.ports.storage import UnitOfWork
from tests.unit.ingest.home import (
    ADMIN,
    CUFF,
    GATEWAY,
    OXIMETER,
    SCALE,
    Home,
    batch,
    homes,
    kg,
    pressure,
    reading,
    spo2,
)

NEW = NewPatient("N1", "Nel Invented", date(1950, 1, 1), "UTC")


@pytest.fixture
def home(tmp_path: Path, database_url: str | None) -> Iterator[Home]:
    yield from homes(tmp_path, url=database_url)


@pytest.fixture
def sends(home: Home) -> Callable[..., str]:
    """A pressure arrives at an ingest that has lived for a while; what became of it."""
    registry, seqs = Registry(), iter(range(100, 200))

    def send(systolic: float = 120, device: str = CUFF, gateway: str = GATEWAY) -> str:
        home.clinic.clock.forward(timedelta(minutes=1))
        one = reading(next(seqs), home.now, pressure(systolic, 80), device, profile="blood-pressure")
        process(home.hub, [home.message(batch(home.now, one, batch="x"), gateway=gateway)], registry)
        status, code, patient = home.rows("journal", "status", "code", "patient_id")[-1]
        return " ".join(str(word) for word in (status, code, patient) if word is not None)

    return send


def test_a_device_that_is_handed_on_brings_the_next_ones_readings(home: Home, sends: Callable[..., str]) -> None:
    other = home.enrol("N1", "Nel Invented")
    assert sends() == f"stored {home.patient_id}"
    equipment.assign_device(home.hub, ADMIN, home.devices[CUFF], other, since=home.now)
    assert sends() == f"stored {other}"


def test_a_new_device_and_a_new_gateway_are_known_at_once(home: Home, sends: Callable[..., str]) -> None:
    assert sends(device="NEW") == "held unknown_device"
    device = equipment.add_device(home.hub, ADMIN, "NEW", "blood-pressure", GATEWAY)
    assert sends(device="NEW") == "held unassigned"
    equipment.assign_device(home.hub, ADMIN, device, home.patient_id, since=home.now - timedelta(days=1))
    assert sends(device="NEW") == f"stored {home.patient_id}"
    other = equipment.add_gateway(home.hub, ADMIN, "Home 2", "x", "g-2")
    assert sends(device="NEW", gateway=other) == "held foreign_gateway"
    held.accept_gateway(home.hub, ADMIN, "NEW", other)
    assert sends(device="NEW", gateway=other) == f"stored {home.patient_id}"


def test_a_protocol_given_or_taken_changes_what_the_next_reading_means(home: Home, sends: Callable[..., str]) -> None:
    other = home.enrol("N1", "Nel Invented")
    equipment.assign_device(home.hub, ADMIN, home.devices[CUFF], other, since=home.now)
    sends(190)
    assert home.alerts() == []
    home.sign("hypertension")
    enrolment.assign_protocol(home.hub, ADMIN, other, "hypertension")
    sends(190)
    assert home.alerts() == ["blood-pressure-high open"]


def test_nothing_more_is_taken_of_a_patient_who_has_ended(home: Home, sends: Callable[..., str]) -> None:
    sends()
    enrolment.end(home.hub, ADMIN, home.patient_id, EndReason.DIED)
    before = home.count("journal")
    sends()
    assert (home.count("journal"), home.rows("quarantine", "code")) == (before, ["ended"])


def test_a_fact_about_a_patient_counts_from_the_next_reading_on(home: Home, sends: Callable[..., str]) -> None:
    sends()
    enrolment.pause(home.hub, ADMIN, home.patient_id, "in hospital", home.now + timedelta(days=3))
    sends(190)
    assert home.sentences()[0].startswith("Wrong person, or home again? Systolic 190 mmHg")


CHANGES: dict[str, Callable[[UnitOfWork, Home], object]] = {
    "devices.add": lambda uow, home: uow.devices.add("X", "manual", home.now),
    "devices.accept_on": lambda uow, home: uow.devices.accept_on(1, GATEWAY, "x", home.now),
    "devices.assign": lambda uow, home: uow.devices.assign(1, home.patient_id, None, home.now, "x"),
    "devices.unassign": lambda uow, home: uow.devices.unassign(1, None, home.now),
    "devices.unassign_patient": lambda uow, home: uow.devices.unassign_patient(home.patient_id, home.now),
    "patients.add": lambda uow, home: uow.patients.add(NEW, home.now),
    "patients.change_state": lambda uow, home: uow.patients.change_state(
        home.patient_id, Monitoring.ACTIVE, Monitoring.INVITED, None, None, home.now
    ),
    "patients.set_care_manager": lambda uow, home: uow.patients.set_care_manager(home.patient_id, None),
    "patients.set_dry_weight": lambda uow, home: uow.patients.set_dry_weight(
        home.patient_id, Decimal(80), "x", home.now
    ),
    "patients.set_phone": lambda uow, home: uow.patients.set_phone(home.patient_id, None),
    "protocols.assign": lambda uow, home: uow.protocols.assign(home.patient_id, 1, "x", home.now),
    "protocols.end_protocol": lambda uow, home: uow.protocols.end_protocol(home.patient_id, "copd", home.now),
    "protocols.end_all": lambda uow, home: uow.protocols.end_all(home.patient_id, home.now),
}
MOVES_NOTHING = {
    "devices": {"find", "get", "by_addresses", "assignments", "of_patient", "note_seen", "note_batteries"},
    "patients": {
        "get",
        "many",
        "by_mrn",
        "in_state",
        "evaluation_versions",
        "situations",
        "judged",
        "pauses_over",
        "add_goal",
    },
    "protocols": {"sign", "current", "all_current", "of_patient", "of_patients", "enrolled"},
}
"""What reads, and what writes something that nothing is placed or judged by."""


@pytest.mark.parametrize("change", CHANGES)
def test_every_change_moves_the_version(home: Home, change: str) -> None:
    with home.hub.unit_of_work() as uow:
        before = uow.operations.registry_version()
        CHANGES[change](uow, home)
        assert uow.operations.registry_version() > before


@pytest.mark.parametrize("repository", MOVES_NOTHING)
def test_no_method_is_forgotten(home: Home, repository: str) -> None:
    with home.hub.unit_of_work() as uow:
        methods = {name for name in dir(getattr(uow, repository)) if not name.startswith("_")}
    known = {change.partition(".")[2] for change in CHANGES if change.startswith(f"{repository}.")}
    assert methods == known | MOVES_NOTHING[repository]


def test_when_the_newest_sample_was_measured_is_known_after_every_commit_of_whomever(home: Home) -> None:
    """Two ingest processes take turns, and one of their groups fails; what each keeps is what the database says."""
    registries, seqs = [Registry(), Registry()], iter(range(300, 400))
    for turn in range(12):
        home.clinic.clock.forward(timedelta(minutes=3))
        old = timedelta(minutes=40) if turn % 5 == 4 else timedelta(0)  # a late one moves nothing back
        one = reading(next(seqs), home.now - old, pressure(120, 80), CUFF, profile="blood-pressure")
        broken = home.hub if turn % 4 != 3 else replace(home.hub, unit_of_work=lambda: Failing(home.clinic.engine))
        with suppress(Unavailable):
            process(broken, [home.message(batch(home.now, one, batch=f"n-{turn}"))], registries[turn % 2])
        with home.hub.unit_of_work() as uow:
            versions, truth = uow.patients.evaluation_versions([1]), dict(uow.series.newest_times([1]))
            assert [dict(kept.newest(uow, versions)) for kept in registries] == [truth or {1: {}}] * 2


def test_the_weights_of_the_last_weeks_are_known_after_every_commit_of_whomever(home: Home) -> None:
    """The same with jumps that look like somebody else, releases, late ones, and one that is taken back."""
    patient = home.enrol("W1", "Wes Invented", ("heart-failure",))
    for device in (SCALE, OXIMETER):
        equipment.assign_device(home.hub, ADMIN, home.devices[device], patient, since=home.now - timedelta(days=9))
    registries, seqs, known = [Registry(), Registry()], iter(range(500, 600)), 0
    for turn, weight in enumerate((78, 78.4, 91, 78.2, 90, 90.4, 90.2, 77, 79, 79.5, 78.8, 95, 78, 78.1)):
        home.clinic.clock.forward(timedelta(minutes=7))
        old = timedelta(minutes=40) if turn % 5 == 4 else timedelta(0)
        one = reading(next(seqs), home.now - old, kg(weight), SCALE)
        if turn % 3 == 2:
            other = reading(next(seqs), home.now, spo2(97), OXIMETER, profile="pulse-oximeter")
            process(home.hub, [home.message(batch(home.now, other, batch=f"o-{turn}"))], registries[turn % 2])
        broken = home.hub if turn % 4 != 3 else replace(home.hub, unit_of_work=lambda: Failing(home.clinic.engine))
        with suppress(Unavailable):
            process(broken, [home.message(batch(home.now, one, batch=f"w-{turn}"))], registries[turn % 2])
        if turn == 10:
            take_back_newest(home, patient)
        since, until = {patient: home.now - timedelta(days=2)}, home.now + timedelta(minutes=1)
        with home.hub.unit_of_work() as uow:
            versions, truth = uow.patients.evaluation_versions([patient]), uow.series.ranges(WEIGHT, since, until)
            found = [kept.weights(versions, since)[patient] for kept in registries if kept.weights(versions, since)]
            assert all(covers(one, since[patient], truth[patient]) for one in found)
            known += len(found)
    assert known >= 10


def covers(known: Weighed, since: datetime, truth: Sequence[Sample]) -> bool:
    """Whether it tells of at least these weights, the newest among them: what is calm then is calm after them."""
    with_them = known.before
    for weight in truth:
        with_them = with_them.then(weight)
    return known.since <= since and with_them == known.before and (not truth or known.newest == truth[-1].at)


def test_a_weight_that_lies_ahead_of_a_clock_that_was_set_back_is_not_forgotten(home: Home) -> None:
    patient = home.enrol("W1", "Wes Invented", ("heart-failure",))
    equipment.assign_device(home.hub, ADMIN, home.devices[SCALE], patient, since=home.now - timedelta(days=9))
    seqs = iter(range(500, 600))

    def weighs(weight: float, registry: Registry) -> None:
        one = reading(next(seqs), home.now, kg(weight), SCALE)
        process(home.hub, [home.message(batch(home.now, one, batch=f"b-{weight}"))], registry)

    home.clinic.clock.forward(timedelta(hours=1))
    weighs(78.2, Registry())
    home.clinic.clock.forward(-timedelta(hours=1))
    registry = Registry()
    weighs(78.1, registry)
    home.clinic.clock.forward(timedelta(hours=2))
    weighs(78.3, registry)
    since, until = {patient: home.now - timedelta(days=2)}, home.now + timedelta(minutes=1)
    with home.hub.unit_of_work() as uow:
        versions, truth = uow.patients.evaluation_versions([patient]), uow.series.ranges(WEIGHT, since, until)
        found = registry.weights(versions, since)
    assert all(covers(one, since[patient], truth[patient]) for one in found.values())
    assert len(truth[patient]) == 3


def take_back_newest(home: Home, patient: int) -> None:
    with home.hub.unit_of_work() as uow:
        newest = uow.series.latest([patient])[patient][WEIGHT]
        take_reading_back(uow, uow.patients.get(patient), newest.reading_id // VALUES_PER_READING)
        uow.commit()


class Failing(SqlUnitOfWork):
    """Its commit does not come about."""

    def commit(self) -> None:
        raise Unavailable("the disk is full")
