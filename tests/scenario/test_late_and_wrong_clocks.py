"""What a wrong clock, an old page or somebody else's gateway must never hide."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import update

from hub.adapters.sql.tables.people import staff
from hub.errors import Conflict, Invalid
from hub.services import enrolment, equipment
from hub.services.acknowledge import acknowledge
from hub.services.contact import record_contact
from hub.services.incoming.keeping import keep_text
from hub.services.resolve import resolve
from tests.unit.alerting.clinic import ANA
from tests.unit.ingest.home import (
    ADMIN,
    CUFF,
    METER,
    OXIMETER,
    Home,
    batch,
    homes,
    iso,
    pressure,
    pulse,
    reading,
    value,
)

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
FACTORY = "2000-01-01T00:05:00Z"


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    yield from homes(tmp_path)


def ref(home: Home) -> str:
    found: str = home.rows("alert", "ref")[0]
    return found


def test_a_value_of_unknown_time_never_silences_a_live_red(home: Home) -> None:
    old = reading(1, home.now, pressure(120, 80), CUFF, measured_at=FACTORY, record="1/x")
    red = reading(2, home.now, pressure(225, 135), CUFF, measured_at=iso(home.now - 2 * MINUTE), record="2/y")
    home.arrives(batch(home.now, old, red))
    assert home.alerts() == ["blood-pressure-high open"]
    assert len(home.tick()) == 1


def test_a_cuff_that_is_twelve_hours_slow_pages(home: Home) -> None:
    home.measures(pressure(230, 140), CUFF, measured_at=iso(home.now - 12 * HOUR), received_at=iso(home.now))
    assert home.alerts() == ["blood-pressure-high open"]
    assert len(home.tick()) == 1


def test_what_a_device_says_it_kept_is_as_old_as_it_says(home: Home) -> None:
    at, flags = iso(home.now - 12 * HOUR), ["from_memory"]
    home.measures(pressure(230, 140), CUFF, measured_at=at, received_at=iso(home.now), flags=flags)
    assert home.alerts() == []
    assert [kind for kind, _ in home.tasks()] == ["review"]


def test_a_late_reading_is_no_half_of_the_pair_that_closes_an_amber(home: Home) -> None:
    home.measures(pressure(165, 80), CUFF)
    home.clinic.clock.forward(3 * HOUR)
    home.measures(pressure(120, 78), CUFF, old=2 * HOUR)
    home.measures(pressure(120, 78), CUFF)
    assert home.alerts() == ["blood-pressure-high open"]
    home.clinic.clock.forward(31 * MINUTE)
    home.measures(pressure(120, 78), CUFF)
    assert home.alerts() == ["blood-pressure-high closed"]


def test_a_reading_of_unknown_time_is_no_valid_repeat(home: Home) -> None:
    for _ in range(2):
        home.measures([], CUFF, flags=["measurement_failed"])
        home.clinic.clock.forward(2 * MINUTE)
    home.measures(pressure(120, 80), CUFF, measured_at=FACTORY, flags=["from_memory"])
    home.forward(20 * MINUTE, MINUTE)
    assert "no-valid-reading open" in home.alerts()


def test_another_gateways_claim_does_not_reject_the_patients_own_reading(home: Home) -> None:
    equipment.add_gateway(home.hub, ADMIN, "Another home", "x", "g-2")
    assert home.measures(pressure(120, 80), CUFF, gateway="g-2", record="18/2026") == "held foreign_gateway"
    assert home.measures(pressure(230, 140), CUFF, record="18/2026") == "stored"
    assert home.alerts() == ["blood-pressure-high open"]
    assert home.measures(pressure(110, 70), CUFF, record="18/2026") == "rejected key_conflict"


def test_a_contact_written_on_an_old_page_does_not_answer_for_a_later_red(home: Home) -> None:
    home.measures(pressure(165, 80), CUFF)
    seen = acknowledge(home.hub, home.ana, ref(home)).version
    home.clinic.clock.forward(5 * MINUTE)
    home.measures(pressure(230, 140), CUFF)
    with pytest.raises(Conflict, match="became worse since you looked"):
        record_contact(home.hub, home.ana, ref(home), "phone", True, "well, about the 165", seen)
    with pytest.raises(Conflict, match="became worse since you looked"):
        resolve(home.hub, home.ana, ref(home), "expected", "", None, seen)
    assert home.alerts() == ["blood-pressure-high open"]
    assert len(home.tick()) == 1


@pytest.mark.parametrize(
    ("first", "then", "device"),
    [
        (pulse(131), pulse(200), OXIMETER),
        (pressure(150, 120), pressure(155, 150), CUFF),
        (
            [value("blood_glucose", 351, "mg/dL")],
            [value("blood_glucose", 600, "mg/dL", comparator=">")],
            METER,
        ),
    ],
)
def test_entering_the_band_that_pages_at_once_pages_through_an_acknowledgement(
    home: Home, first: list[dict[str, object]], then: list[dict[str, object]], device: str
) -> None:
    home.measures(first, device)
    home.tick()
    acknowledge(home.hub, home.ana, ref(home))
    record_contact(home.hub, home.ana, ref(home), "phone", True)
    home.clinic.clock.forward(10 * MINUTE)
    home.measures(then, device)
    assert [who for who, _ in home.forward(2 * MINUTE, MINUTE)] == ["Ana"]


def test_a_leavers_phone_takes_nothing_and_is_paged_no_more(home: Home) -> None:
    home.measures(pressure(230, 140), CUFF)
    home.tick()
    with home.clinic.engine.begin() as connection:
        connection.execute(update(staff).values(disabled_at=home.now))
    keep_text(home.hub, "in-1", ANA, "1a")
    home.tick()
    assert home.alerts() == ["blood-pressure-high open"]
    assert {who for who, _ in home.forward(30 * MINUTE)} == {"last resort"}


def test_no_duty_is_set_so_far_ahead_that_it_is_never_seen_again(home: Home) -> None:
    for_ever = datetime(9999, 12, 31, 23, 59, tzinfo=ZoneInfo("America/New_York"))
    with pytest.raises(Invalid, match="within a year"):
        enrolment.pause(home.hub, ADMIN, home.patient_id, "for ever", for_ever)
    home.measures(pressure(230, 140), CUFF)
    assert home.alerts() == ["blood-pressure-high open"]


def test_one_protocols_findings_are_not_taken_back_by_another(tmp_path: Path) -> None:
    for home in homes(tmp_path, ("hypertension", "heart-failure")):
        for _ in range(3):
            home.measures(pressure(137, 75), CUFF)
            home.clinic.clock.forward(35 * MINUTE)
        before = home.found()
        home.measures(pressure(137, 75), CUFF, old=2 * HOUR)
        assert set(before) <= set(home.found())


def test_a_newer_copy_of_a_protocol_takes_the_place_of_the_one_before(home: Home) -> None:
    home.sign("heart-failure")
    enrolment.assign_protocol(home.hub, ADMIN, home.patient_id, "heart-failure")
    with home.hub.unit_of_work() as uow:
        assert [one.in_force.version_id for one in uow.protocols.of_patient(home.patient_id, home.now)] == [2]
