"""Whose reading is it (SF18): held, paged all the same, and decided by a person."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import update

from hub.adapters.sql.tables.devices import assignment
from hub.domain.patients import EndReason
from hub.errors import Conflict, Invalid
from hub.services import enrolment, equipment, held, tasks
from hub.services.engine.inbox import Inbox
from hub.services.engine.release import BATCH, IDLE, Release
from tests.unit.ingest.home import (
    ADMIN,
    CUFF,
    GATEWAY,
    METER,
    OXIMETER,
    Home,
    batch,
    homes,
    pressure,
    pulse,
    reading,
    spo2,
    value,
)

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


@pytest.fixture
def home(tmp_path: Path, database_url: str | None) -> Iterator[Home]:
    yield from homes(tmp_path, url=database_url)


@pytest.fixture
def couple(home: Home) -> Home:
    """Two patients, one cuff, no user numbers."""
    bo = home.enrol("B1", "Bo Invented")
    equipment.assign_device(home.hub, ADMIN, home.devices[CUFF], bo, 2)
    return home


def journal(home: Home) -> list[int]:
    return [row_id for row_id, status in home.rows("journal", "id", "status") if status == "held"]


def test_a_held_red_names_the_candidates_and_pages(couple: Home) -> None:
    assert couple.measures(pressure(225, 100), CUFF) == "held ambiguous"
    (sentence,) = couple.sentences()
    assert sentence.startswith("Systolic 225 mmHg is held: several patients share this device. Whose?")
    assert "Pat Invented" in sentence
    assert "Bo Invented" in sentence
    ((_, text),) = couple.tick()
    assert "Invented" not in text


@pytest.mark.parametrize(
    ("values", "pages"),
    [
        (spo2(88), 1),
        (spo2(89), 0),
        ([value("blood_glucose", 600, "mg/dL", comparator=">")], 1),
        ([value("blood_glucose", 100, "mg/dL")], 0),
        (pulse(150), 1),
    ],
)
def test_only_what_pages_at_once_pages_while_it_is_held(
    home: Home, values: list[dict[str, object]], pages: int
) -> None:
    assert home.measures(values, "NOBODY") == "held unknown_device"
    assert len(home.tick()) == pages


def test_a_held_reading_waits_four_hours_and_is_a_task(home: Home) -> None:
    home.measures(spo2(97), "NOBODY")
    home.measures(spo2(97), "NOBODY", record="2")
    home.forward(4 * HOUR - MINUTE, every=HOUR)
    assert home.tasks() == []
    home.forward(2 * HOUR, every=HOUR)
    assert home.tasks() == [("unassigned", "Readings from Home 1 wait for an owner: this device is not known here")]


def test_a_gateway_that_hears_a_building_is_one_task_a_reason_and_hides_no_other_gateway(couple: Home) -> None:
    equipment.add_gateway(couple.hub, ADMIN, "Next door", "x", "g-2")
    for number in range(30):
        couple.measures(spo2(97), f"NEIGHBOUR-{number}")
    couple.measures(pressure(120, 80), CUFF)
    couple.measures(spo2(97), "OTHER", gateway="g-2")
    couple.forward(5 * HOUR, every=HOUR)
    assert [title.partition(" wait")[0].removeprefix("Readings from ") for _, title in couple.tasks()] == [
        "Home 1",
        "Home 1",
        "Next door",
    ]


def test_the_inbox_is_looked_through_once_a_minute(home: Home) -> None:
    inbox = Inbox()
    assert inbox.run(home.hub, home.now) == 0
    home.measures(spo2(97), "NOBODY")
    home.clinic.clock.forward(5 * HOUR)
    assert inbox.run(home.hub, home.now - 5 * HOUR + MINUTE / 2) == 0
    assert inbox.run(home.hub, home.now) == 1
    home.measures(spo2(97), "THEIRS", gateway="g-1", record="x")
    assert inbox.run(home.hub, home.now + MINUTE / 2) == 0


def test_ticking_the_task_off_while_readings_still_wait_asks_again_the_next_day(home: Home) -> None:
    home.measures(spo2(97), "NOBODY")
    home.forward(5 * HOUR, every=HOUR)
    tasks.complete(home.hub, home.ana, 1)
    home.forward(11 * HOUR, every=HOUR)
    assert len(home.tasks()) == 1
    home.forward(3 * DAY, every=HOUR)
    assert len(home.tasks()) == 2, "one that is open is enough"
    held.discard(home.hub, home.ana, journal(home)[0], "a visitor's")
    tasks.complete(home.hub, home.ana, home.rows("task", "id")[1])
    home.forward(2 * DAY, every=HOUR)
    assert len(home.tasks()) == 2


def test_a_gateway_that_hears_a_building_is_one_red_a_reason(couple: Home) -> None:
    for number in range(60):
        couple.measures(spo2(80), f"NEIGHBOUR-{number}")
    couple.measures(pressure(225, 100), CUFF)
    assert couple.alerts() == ["held-reading:unknown_device open", "held-reading:ambiguous open"]
    assert set(couple.rows("alert", "subject")) == {"gateway:g-1"}
    first, second = couple.sentences()
    assert first == (
        "SpO2 80 % is held: this device is not known here. Whose is not known; "
        "device NEIGHBOUR-59, the newest of over 50 devices"
    )
    assert "devices" not in second.partition(";")[2]
    assert couple.count("finding") == 61
    assert len(couple.tick()) == 2


def test_another_device_pages_through_an_acknowledgement_and_the_same_does_not(home: Home) -> None:
    home.measures(spo2(80), "NOBODY")
    assert len(home.tick()) == 1
    home.clinic.take(home.ana)
    home.tick()
    home.measures(spo2(80), "NOBODY", record="2")
    assert home.tick() == []
    home.measures(spo2(82), "SOMEBODY")
    assert [who for who, _ in home.tick()] == ["Ana"]
    assert home.sentences()[0].endswith("device SOMEBODY, the newest of 2 devices")


def test_old_held_reds_are_one_review_a_day(home: Home) -> None:
    for number in range(5):
        home.measures(spo2(70), f"METER-{number}", old=5 * HOUR)
    assert [kind for kind, _ in home.tasks()] == ["review"]
    home.clinic.clock.forward(DAY)
    home.measures(spo2(70), "METER-1", old=5 * HOUR, record="2")
    assert [kind for kind, _ in home.tasks()] == ["review", "review"]


def test_what_is_held_anew_after_a_decision_is_a_task_anew(home: Home) -> None:
    home.measures(spo2(97), "NOBODY")
    home.forward(5 * HOUR, every=HOUR)
    held.discard(home.hub, home.ana, journal(home)[0], "a visitor's")
    tasks.complete(home.hub, home.ana, 1)
    home.clinic.clock.forward(DAY)
    home.measures(spo2(97), "NOBODY", record="2")
    home.forward(5 * HOUR, every=HOUR)
    assert len(home.tasks()) == 2


def test_an_accepted_gateway_releases_what_it_sent(home: Home) -> None:
    equipment.add_gateway(home.hub, ADMIN, "Next door", "x", "g-2")
    equipment.add_gateway(home.hub, ADMIN, "Far away", "x", "g-3")
    home.measures(spo2(90), OXIMETER, gateway="g-2")
    home.measures(spo2(97), OXIMETER, gateway="g-3", record="far")
    held.accept_gateway(home.hub, home.ana, OXIMETER, "g-2")
    assert home.rows("reading", "centi") == [], "whoever clicked does not wait for the rules"
    assert Release().run(home.hub, home.now) == 1
    assert home.rows("reading", "centi") == [9_000]
    assert home.alerts() == ["oxygen-low open"]
    assert home.measures(spo2(97), OXIMETER, gateway="g-2", record="later") == "stored"


def test_what_an_accepted_gateway_sent_is_released_in_batches_and_nobodys_stops_none(home: Home) -> None:
    equipment.add_gateway(home.hub, ADMIN, "Next door", "x", "g-2")
    sent = [reading(n, home.now - (400 - n) * MINUTE, spo2(97), OXIMETER, record=str(n)) for n in range(1, 401)]
    for start in range(0, 400, BATCH):
        home.arrives(batch(home.now, *sent[start : start + BATCH], batch=str(start)), gateway="g-2")
    with home.clinic.engine.begin() as connection:  # a person corrects since when the patient has it
        connection.execute(update(assignment).values(from_at=home.now - 230 * MINUTE))
    before = home.rows("patient", "evaluation_version")
    held.accept_gateway(home.hub, home.ana, OXIMETER, "g-2")
    release, counts = Release(), []
    for _ in range(4):
        release.run(home.hub, home.now)
        counts.append(home.count("reading"))
        home.clinic.clock.forward(IDLE)
    assert counts == [31, 231, 231, 231]
    assert home.rows("patient", "evaluation_version") == [before[0] + 2], "each batch is judged at one go"
    assert home.rows("audit", "act").count("reading.release") == 2
    codes = [code for status, code in home.rows("journal", "status", "code") if status == "held"]
    assert set(codes) == {"unassigned"}
    assert len(codes) == 169


def test_what_is_accepted_is_not_released_to_who_has_ended(home: Home) -> None:
    equipment.add_gateway(home.hub, ADMIN, "Next door", "x", "g-2")
    home.measures(spo2(97), OXIMETER, gateway="g-2")
    home.clinic.clock.forward(MINUTE)
    enrolment.end(home.hub, ADMIN, home.patient_id, EndReason.WITHDREW)
    held.accept_gateway(home.hub, home.ana, OXIMETER, "g-2")
    assert Release().run(home.hub, home.now) == 0
    assert home.rows("journal", "status", "code") == [("held", "unassigned")]


def test_assigning_judges_what_lies_in_the_past_as_past(home: Home) -> None:
    home.measures(spo2(85), "NOBODY")
    home.measures(spo2(84), "NOBODY", record="2")
    first, second = journal(home)
    home.clinic.clock.forward(HOUR)
    held.assign(home.hub, home.ana, first, home.patient_id)
    assert "oxygen-low open" in home.alerts()
    assert "measured 60 min ago" in home.sentences()[-1]
    home.clinic.clock.forward(5 * HOUR)
    held.assign(home.hub, home.ana, second, home.patient_id)
    assert [kind for kind, _ in home.tasks()] == ["review"]
    with pytest.raises(Conflict):
        held.assign(home.hub, home.ana, first, home.patient_id)
    acts = home.rows("audit", "act")
    assert acts.count("reading.assign") == 2


def test_nothing_is_assigned_to_who_has_ended(home: Home) -> None:
    home.measures(spo2(85), "NOBODY")
    enrolment.end(home.hub, ADMIN, home.patient_id, EndReason.WITHDREW)
    with pytest.raises(Invalid):
        held.assign(home.hub, home.ana, journal(home)[0], home.patient_id)
    assert len(journal(home)) == 1


def test_what_is_nobodys_stays_in_the_journal_with_the_reason(home: Home) -> None:
    home.measures(spo2(97), "NOBODY")
    with pytest.raises(Invalid):
        held.discard(home.hub, home.ana, 1, " ")
    held.discard(home.hub, home.ana, 1, "a visitor's")
    assert home.rows("journal", "status") == ["void"]
    with pytest.raises(Conflict):
        held.discard(home.hub, home.ana, 1, "again")


def test_a_user_number_decides_and_none_is_never_guessed(couple: Home) -> None:
    shared = equipment.add_device(couple.hub, ADMIN, "SHARED", "blood-pressure", GATEWAY)
    equipment.assign_device(couple.hub, ADMIN, shared, couple.patient_id, 1)
    equipment.assign_device(couple.hub, ADMIN, shared, 2, 2)
    assert couple.measures(pressure(120, 80), "SHARED", user_index=1) == "stored"
    assert couple.measures(pressure(120, 80), "SHARED", user_index=3) == "held ambiguous"
    assert couple.measures(pressure(120, 80), "SHARED") == "held ambiguous"
    assert couple.measures([value("blood_glucose", 100, "mg/dL")], METER, old=61 * DAY) == "held unassigned"


def test_an_address_is_kept_as_gateways_report_it(home: Home) -> None:
    mine = equipment.add_device(home.hub, ADMIN, "aa:bb:cc:dd:ee:0f", "thermometer", GATEWAY)
    equipment.assign_device(home.hub, ADMIN, mine, home.patient_id)
    assert home.measures([value("body_temperature", 37, "Cel")], "AA:BB:CC:DD:EE:0F") == "stored"


@pytest.mark.parametrize("name", ["a/b", "+", "#", "x" * 41, "Ana's"])
def test_a_gateways_id_fits_into_a_topic(home: Home, name: str) -> None:
    with pytest.raises(Invalid):
        equipment.add_gateway(home.hub, ADMIN, "Home 2", "x", name)
