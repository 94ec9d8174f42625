"""When an amber closes by itself, and all that does not close it (SF11)."""

import json
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from hub.domain.findings import Finding, InRange
from hub.domain.patients import Patient
from hub.domain.samples import Sample
from hub.services import alerting
from hub.services.alerting import Raised
from hub.services.ports.storage import UnitOfWork
from tests.unit.alerting.clinic import ANA, Clinic, clinics

TEMPLATE = {
    "id": "mini",
    "title": "Mini",
    "version": 1,
    "adult": False,
    "rules": [
        {
            "id": "pulse-high",
            "kind": "threshold",
            "problem": "pulse-high",
            "metrics": ["pulse_rate"],
            "unit": "/min",
            "limits": [{"severity": "red", "when": "> 130"}, {"severity": "amber", "when": "> 110", "clear": 105}],
        }
    ],
}


class Home:
    """One patient with a pulse oximeter and a cuff that both know the pulse."""

    def __init__(self, clinic: Clinic) -> None:
        self.clinic = clinic
        self.patient = clinic.patient()
        self._reading = 0
        with clinic.hub.unit_of_work() as uow:
            version = uow.protocols.sign("mini", 1, "Mini", json.dumps(TEMPLATE), "0" * 64, "Dr Example", clinic.now)
            uow.protocols.assign(self.patient.id, version, "Dr Example", clinic.now)
            uow.commit()

    def measures(
        self, pulse: int, after: float = 0, *, profile: str = "pulse-oximeter", flags: frozenset[str] = frozenset()
    ) -> list[str]:
        """A reading comes ``after`` so many minutes; the states of all alerts then."""
        self.clinic.clock.forward(timedelta(minutes=after))
        self._reading += 1
        now = self.clinic.now
        sample = Sample(self._reading, "pulse_rate", Decimal(pulse), now, 1, profile, flags=flags)
        with self.clinic.hub.unit_of_work() as uow:
            uow.series.append({self.patient.id: [sample]})
            self._judge(uow, sample, now)
            uow.commit()
        return [line.split()[1] for line in self.clinic.all_alerts()]

    def _judge(self, uow: UnitOfWork, sample: Sample, now: datetime) -> None:
        def history(metric: str, since: datetime, until: datetime) -> Sequence[Sample]:
            return uow.series.range(self.patient.id, metric, since, until)

        (enrolment,) = uow.protocols.of_patient(self.patient.id, now)
        for rule in enrolment.in_force.protocol.rules:
            said = rule.evaluate(sample, history, self.patient)
            if isinstance(said, InRange):
                alerting.note_in_range(uow, self.clinic.hub, self.patient, [said], now)
            elif isinstance(said, Finding):
                raised = Raised(said, "clinical", True, enrolment.in_force.version_id, True)
                alerting.raise_alert(uow, self.clinic.hub, self.patient, raised, _subject(self.patient), now)


def _subject(patient: Patient) -> str:
    return f"patient:{patient.id}"


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    for clinic in clinics(tmp_path):
        clinic.staff("Ana Example", ANA)
        yield Home(clinic)


def test_two_valid_readings_of_one_kind_of_device_half_an_hour_apart_close_an_amber(home: Home) -> None:
    assert home.measures(115) == ["open"]
    assert home.measures(90, 10) == ["open"]
    assert home.measures(90, 29) == ["open"]
    assert home.measures(90, 1) == ["closed"]
    assert home.clinic.alert().closing_seen_at is None
    assert home.clinic.transitions() == ["OPEN-1", "CLR-1"]


def test_readings_of_two_kinds_of_device_do_not_make_a_pair(home: Home) -> None:
    home.measures(115)
    assert home.measures(90, 10) == ["open"]
    assert home.measures(90, 40, profile="blood-pressure") == ["open"]


def test_a_finding_between_them_begins_anew(home: Home) -> None:
    home.measures(115)
    home.measures(90, 10)
    assert home.measures(116, 20) == ["open"]
    assert home.measures(90, 20) == ["open"]
    assert home.measures(90, 30) == ["closed"]


def test_an_artefact_closes_nothing(home: Home) -> None:
    home.measures(115)
    home.measures(90, 10, flags=frozenset({"body_movement"}))
    assert home.measures(90, 40) == ["open"]
    assert home.measures(90, 40, flags=frozenset({"implausible"})) == ["open"]


def test_a_red_never_closes_by_itself(home: Home) -> None:
    home.measures(140)
    for _ in range(6):
        assert home.measures(80, 60) == ["open"]
    assert "CLR-1" not in home.clinic.transitions()


def test_an_acknowledged_amber_closes_too_and_its_return_is_a_new_alert(home: Home) -> None:
    home.measures(115)
    home.clinic.take(home.clinic.staff("Ben Sample", None))
    home.measures(90, 10)
    assert home.measures(90, 30) == ["closed"]
    assert home.measures(115, 30) == ["closed", "open"]


def test_who_was_paged_about_it_hears_that_it_is_over(home: Home) -> None:
    home.measures(115)
    assert len(home.clinic.forward(121, every=11)) == 1
    home.measures(90)
    home.measures(90, 30)
    assert home.clinic.tick()[0] == ("Ana", "K7Q2 is over: closed by itself, back in range. You need do nothing.")
