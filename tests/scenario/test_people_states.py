"""Who may be watched (SF9), and the states of being watched (SF17)."""

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest

from hub.domain.patients import EndReason
from hub.errors import Conflict, Invalid, Unsafe
from hub.services import enrolment, tasks
from tests.unit.ingest.home import ADMIN, CUFF, OXIMETER, Home, homes, kg, pressure, pulse, spo2

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    yield from homes(tmp_path)


@pytest.mark.parametrize(
    ("fields", "rule", "word"),
    [
        ({"born": None}, "SF9", "birth date is unknown"),
        ({"born": date(2008, 3, 3)}, "SF9", "under 18"),
        ({"pregnant": True}, "SF9", "pregnancy"),
        ({"dry_weight_kg": None, "dry_weight_by": None}, "SF6", "dry weight"),
    ],
)
def test_a_protocol_refuses_who_must_not_be_on_it_and_nothing_is_kept(
    home: Home, fields: dict[str, object], rule: str, word: str
) -> None:
    with pytest.raises(Unsafe, match=word) as refused:
        home.enrol("N1", "Nel Invented", ("heart-failure",), **fields)
    assert refused.value.rule == rule
    assert home.count("patient") == 1


def test_on_the_eighteenth_birthday_at_home_it_is_allowed(home: Home) -> None:
    home.enrol("N1", "Nel Invented", ("heart-failure",), born=date(2008, 3, 2))


def test_a_zone_is_a_zone(home: Home) -> None:
    from hub.services.ports.care import NewPatient

    for zone in ("Mars/Olympus", "", "../etc/passwd"):
        with pytest.raises(Invalid, match="IANA"):
            enrolment.add_patient(home.hub, ADMIN, NewPatient("Z1", "Zed Invented", date(1950, 1, 1), zone))


def test_copd_needs_a_chosen_target(home: Home) -> None:
    home.sign("copd")
    with pytest.raises(Unsafe, match="target"):
        enrolment.assign_protocol(home.hub, ADMIN, home.patient_id, "copd")


def test_an_unsigned_protocol_is_not_assigned_in_production(home: Home) -> None:
    home.sign("diabetes", signed_by=None)
    with pytest.raises(Unsafe, match="not signed off") as refused:
        enrolment.assign_protocol(home.hub, ADMIN, home.patient_id, "diabetes")
    assert refused.value.rule == "SF21"


# Pauses ----------------------------------------------------------------------------------------------------------


def test_a_pause_never_ends_silently(home: Home) -> None:
    enrolment.pause(home.hub, ADMIN, home.patient_id, "in hospital", home.now + DAY)
    home.forward(23 * HOUR, every=HOUR)
    assert home.tasks() == []
    home.forward(3 * HOUR, every=HOUR)
    ((kind, title),) = home.tasks()
    assert kind == "home_again"
    assert "new dry weight" in title
    assert home.rows("patient", "state") == ["paused"]
    enrolment.resume(home.hub, ADMIN, home.patient_id)
    enrolment.pause(home.hub, ADMIN, home.patient_id, "in hospital again", home.now + DAY)
    home.forward(25 * HOUR, every=HOUR)
    assert len(home.tasks()) == 2


def test_ticking_off_home_again_without_resuming_asks_again_the_next_day(home: Home) -> None:
    enrolment.pause(home.hub, ADMIN, home.patient_id, "in hospital", home.now + HOUR)
    home.forward(2 * HOUR, every=HOUR)
    tasks.complete(home.hub, home.ana, 1)
    home.forward(14 * HOUR, every=HOUR)
    assert len(home.tasks()) == 1, "it is still the patient's same day"
    home.forward(3 * HOUR, every=HOUR)
    assert len(home.tasks()) == 2
    home.forward(2 * DAY, every=HOUR)
    assert len(home.tasks()) == 2, "one that is open is enough"


def test_home_again_that_nobody_asks_pages(home: Home) -> None:
    enrolment.pause(home.hub, ADMIN, home.patient_id, "in hospital", home.now + HOUR)
    assert home.forward(4.5 * HOUR, every=HOUR / 2) == []
    assert [who for who, _ in home.forward(HOUR, every=HOUR / 2)][:1] == ["Ana"]


def test_a_red_of_a_paused_patient_asks_who_it_was(home: Home) -> None:
    enrolment.pause(home.hub, ADMIN, home.patient_id, "in hospital", home.now + DAY)
    home.measures(spo2(85), OXIMETER)
    assert home.sentences()[0].startswith("Wrong person, or home again? SpO2 85 %")
    assert len(home.tick()) == 1
    home.measures(pulse(115), OXIMETER)
    assert home.alerts() == ["oxygen-low open"]


# Ends ------------------------------------------------------------------------------------------------------------


def test_the_end_cancels_messages_closes_alerts_and_frees_devices(home: Home) -> None:
    home.measures(spo2(85), OXIMETER)
    home.measures([], CUFF, flags=["cuff_loose"])
    home.measures([], CUFF, flags=["cuff_loose"], old=MINUTE)
    assert home.clinic.outbox() == [("page", "pending")]
    home.clinic.clock.forward(MINUTE)
    enrolment.end(home.hub, ADMIN, home.patient_id, EndReason.WITHDREW)
    assert home.clinic.outbox() == [("page", "cancelled")]
    assert home.alerts() == ["oxygen-low ended"]
    assert all(until == home.now for until in home.rows("assignment", "to_at"))
    assert home.count("expectation") == 0
    assert set(home.rows("deadline", "state")) == {"cancelled"}
    assert home.forward(2 * DAY, every=HOUR) == []
    assert home.alerts() == ["oxygen-low ended"]


@pytest.mark.parametrize("reason", list(EndReason))
def test_what_is_measured_after_the_end_is_quarantined_with_its_bytes(home: Home, reason: EndReason) -> None:
    enrolment.end(home.hub, ADMIN, home.patient_id, reason)
    home.clinic.clock.forward(MINUTE)
    assert home.measures(pressure(200, 130), CUFF) == "rejected ended"
    assert home.count("journal") == home.count("reading") == 0
    assert b"200" in home.rows("quarantine", "raw")[0]
    assert home.tick() == []


def test_a_device_that_was_given_on_is_the_next_ones(home: Home) -> None:
    from hub.services import equipment

    enrolment.end(home.hub, ADMIN, home.patient_id, EndReason.GRADUATED)
    home.clinic.clock.forward(HOUR)
    bo = home.enrol("B1", "Bo Invented", ("heart-failure",))
    equipment.assign_device(home.hub, ADMIN, home.devices[OXIMETER], bo)
    assert home.measures(spo2(85), OXIMETER, old=30 * MINUTE) == "rejected ended"
    assert home.measures(spo2(85), OXIMETER) == "stored"
    assert home.rows("alert", "patient_id") == [bo]


def test_nobody_is_paused_who_is_not_active(home: Home) -> None:
    enrolment.end(home.hub, ADMIN, home.patient_id, EndReason.DIED)
    with pytest.raises(Conflict):
        enrolment.pause(home.hub, ADMIN, home.patient_id, "x", home.now + DAY)
    with pytest.raises(Conflict):
        enrolment.end(home.hub, ADMIN, home.patient_id, EndReason.DIED)
    assert home.measures(kg(80)) == "rejected ended"
