"""Missingness as data: what was expected of a patient, what came, and what a late arrival mends."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from hub.domain.patients import EndReason
from hub.services import enrolment
from hub.services.engine.adherence import FOLLOWS_EVERY, Adherence
from hub.services.ports.feed import START
from hub.services.views.adherence import PatientAdherence
from tests.unit.ingest.home import ADMIN, CUFF, OXIMETER, Home, homes, kg, pressure, spo2

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
WEIGHT = "1:weight-morning"


@pytest.fixture(params=["sqlite", "postgresql"])
def home(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Home]:
    url = request.getfixturevalue("postgres_url") if request.param == "postgresql" else None
    yield from homes(tmp_path, url=url)


def until(home: Home, hour: int, day: int = 3) -> None:
    """On to ``hour`` o'clock UTC of a day in March; 08:00 in New York is 13:00 UTC."""
    end = datetime(2026, 3, day, hour, tzinfo=home.now.tzinfo)
    while home.now < end:
        home.clinic.clock.forward(min(HOUR, end - home.now))
        write(home)


def write(home: Home) -> None:
    while Adherence().run(home.hub, home.now):
        pass


def outcomes(home: Home, metric: str = "body_weight") -> list[str]:
    with home.hub.reads() as reads:
        rows = reads.adherence_source.rows(home.patient_id, home.now - 90 * DAY, home.now)
    return [
        f"{row.day:%d} {row.outcome}" + (f" {row.excuse or row.by}" if row.excuse or row.by else "")
        for row in rows
        if row.metric == metric
    ]


def page(home: Home) -> PatientAdherence:
    with home.hub.reads() as reads:
        found = reads.adherence(home.patient_id, home.now)
    assert found is not None
    return found


def measure_all(home: Home) -> None:
    home.measures(kg(78))
    home.measures(pressure(120, 80), CUFF)
    home.measures(spo2(97), OXIMETER)


def test_an_occurrence_is_open_then_missed_and_a_reading_meets_the_next(home: Home) -> None:
    until(home, 12)
    assert outcomes(home) == ["03 open"]
    until(home, 2, day=4)
    assert outcomes(home) == ["03 missed"]
    until(home, 12, day=4)
    measure_all(home)
    write(home)
    assert outcomes(home) == ["03 missed", "04 met device"]


def test_a_share_stands_with_its_numerator_and_denominator(home: Home) -> None:
    until(home, 12)
    measure_all(home)
    until(home, 2, day=5)
    (week, _, _), slots = page(home).shares, page(home).slots
    assert (week.received, week.expected, week.percent) == (3, 6, 50)
    assert {(slot.metric, slot.at) for slot in slots} == {
        ("body_weight", "08:00"),
        ("oxygen_saturation", "08:00"),
        ("systolic_blood_pressure", "08:00"),
    }
    assert [(slot.streak.came, slot.streak.length) for slot in slots if slot.streak] == [(False, 1)] * 3


def test_before_anything_was_due_nothing_is_known(home: Home) -> None:
    assert page(home).known_to is None
    write(home)
    assert [share.percent for share in page(home).shares] == [None, None, None]
    assert page(home).known_to == home.now


def test_a_late_arrival_mends_the_row_of_its_occurrence(home: Home) -> None:
    until(home, 2, day=5)
    assert outcomes(home) == ["03 missed", "04 missed"]
    home.measures(kg(78), old=37 * HOUR)  # measured 03 March at 13:00 UTC
    write(home)
    assert outcomes(home) == ["03 met device", "04 missed"]


def test_a_pause_excuses_what_it_touches(home: Home) -> None:
    until(home, 12)
    enrolment.pause(home.hub, ADMIN, home.patient_id, "in hospital", home.now + DAY)
    until(home, 12, day=4)
    enrolment.resume(home.hub, ADMIN, home.patient_id)
    until(home, 2, day=6)
    assert outcomes(home) == ["03 excused paused", "04 excused paused", "05 missed"]
    assert page(home).shares[0].expected == 3


def test_an_absent_gateway_excuses_and_what_it_then_delivers_counts(home: Home) -> None:
    home.status()
    until(home, 14)
    home.status(online=False)
    until(home, 2, day=4)
    assert outcomes(home) == ["03 excused gateway"]
    home.status()
    home.measures(kg(78), old=13 * HOUR)
    write(home)
    assert outcomes(home) == ["03 met device"]


def test_an_ended_patient_owes_nothing(home: Home) -> None:
    until(home, 14)
    enrolment.end(home.hub, ADMIN, home.patient_id, EndReason.GRADUATED)
    until(home, 2, day=6)
    assert outcomes(home) == ["03 excused ended"]


def test_a_worker_that_was_down_writes_what_it_missed(home: Home) -> None:
    home.measures(kg(78))
    home.clinic.clock.forward(10 * DAY)
    home.measures(kg(78), old=3 * DAY)
    write(home)
    assert outcomes(home) == [f"{day:02} {'met device' if day == 9 else 'missed'}" for day in range(3, 12)] + [
        "12 open"
    ]


def test_a_sensor_is_followed_once_for_all_that_came_meanwhile(home: Home) -> None:
    until(home, 12)
    module = Adherence()
    module.run(home.hub, home.now)
    home.measures(kg(78))
    assert module.run(home.hub, home.now) == 0
    home.clinic.clock.forward(FOLLOWS_EVERY)
    assert module.run(home.hub, home.now) == 1
    assert outcomes(home) == ["03 met device"]


def test_what_is_written_twice_is_the_same(home: Home) -> None:
    until(home, 12)
    measure_all(home)
    until(home, 2, day=5)
    before = home.rows("expected_reading")
    with home.hub.unit_of_work() as uow:
        uow.feed.move("adherence", START, home.now)
        uow.commit()
    write(home)
    assert home.rows("expected_reading") == before
