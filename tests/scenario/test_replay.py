"""A recording that is replayed (SF20): judged and listed, and nobody's duty; and nothing else passes for one."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from hub.adapters.sql.engine import read_only
from hub.adapters.sql.reads import SqlReads
from hub.domain.patients import EndReason
from hub.domain.severity import Severity
from hub.errors import Conflict, Invalid, NotPermitted, Unsafe
from hub.services import enrolment, equipment, held
from hub.services.hub import Actor
from hub.services.replaying import GATEWAY_ID, Recorded, check_replay, prepare, replay_gateway
from tests.unit.ingest.home import ADMIN, METER, OXIMETER, Home, homes, kg, spo2, value

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def mg(number: float) -> list[dict[str, Any]]:
    return [value("blood_glucose", number, "mg/dL")]


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    yield from homes(tmp_path, ("diabetes",))


@pytest.fixture
def tess(home: Home) -> int:
    """A test patient."""
    replay_gateway(home.hub, ADMIN, "x")
    return home.enrol("T1", "Tess Invented", ("diabetes",), is_test=True)


def taped(home: Home, patient_id: int, profile: str = "glucose-meter", *, days: int = 10) -> str:
    """The device of a recording that covers these days up to now."""
    device = f"replay-{patient_id}/{profile}"
    prepare(home.hub, ADMIN, patient_id, [Recorded(device, profile, home.now - days * DAY, home.now)])
    return device


def replays(home: Home, values: list[dict[str, Any]], device: str, **more: Any) -> str:
    return home.measures(values, device, gateway=GATEWAY_ID, profile=device.partition("/")[2] or "manual", **more)


def nobody_is_asked(home: Home) -> bool:
    return not any(home.count(table) for table in ("alert", "task", "outbox", "deadline"))


def test_a_replayed_red_is_listed_and_pages_nobody(home: Home, tess: int) -> None:
    device = taped(home, tess)
    assert replays(home, mg(39), device, old=MINUTE) == "stored"
    assert replays(home, mg(120), device) == "stored"
    columns = ("patient_id", "rule", "severity", "retrospective", "replayed", "alert_id", "sentence")
    ((patient, rule, severity, retrospective, replayed, alert, sentence),) = home.rows("finding", *columns)
    assert (patient, rule, severity, alert) == (tess, "glucose-low", Severity.RED, None)
    assert (retrospective, replayed) == (1, 1)
    assert sentence.endswith("; from a recording")
    assert home.tick() == []
    assert nobody_is_asked(home)


def test_a_gateway_that_only_says_replayed_pages(home: Home, tess: int) -> None:
    device = taped(home, tess)
    assert replays(home, mg(39), device) == "stored"
    assert home.tick() == []
    home.measures(mg(39), METER, flags=["replayed"])
    assert home.alerts() == ["glucose-low open"]
    assert [who for who, _ in home.tick()] == ["Ana"]


def test_a_pair_of_replayed_faults_sets_no_duty(home: Home, tess: int) -> None:
    device = taped(home, tess, "pulse-oximeter")
    for minutes in (20, 10):
        replays(home, spo2(97), device, old=minutes * MINUTE, flags=["sensor_fault"])
    assert home.forward(HOUR) == []
    assert nobody_is_asked(home)
    for minutes in (20, 10):  # the same of her own oximeter is a duty, and in time a red
        home.measures(spo2(97), OXIMETER, old=minutes * MINUTE, flags=["sensor_fault"])
    assert home.count("deadline")


def test_a_replayed_jump_of_weight_is_held_for_nobody(home: Home, tess: int) -> None:
    device = taped(home, tess, "weight-scale")
    for days, number in ((2, 78.0), (1, 78.2), (0, 90.0)):
        replays(home, kg(number), device, old=days * DAY)
    assert home.rows("replayed", "words")[-1] == "someone_else"
    assert nobody_is_asked(home)


def test_a_recording_is_no_sign_of_life(home: Home, tess: int) -> None:
    home.forward(DAY, every=HOUR)
    before = [line for line in home.alerts() if "missing" in line]
    assert before
    waited = home.rows("expectation")
    device = taped(home, tess)
    replays(home, mg(120), device)
    assert home.rows("expectation") == waited
    assert [line for line in home.alerts() if "missing" in line] == before
    assert home.count("latest") == 0
    assert home.counters()["rpmhub_readings_replayed_total", ""] == 1
    assert ("rpmhub_readings_stored_total", "") not in home.counters()
    with read_only(home.clinic.engine).connect() as connection:
        assert SqlReads(connection).worklist(home.now).site.last_received_at is None


def test_a_replayed_red_makes_no_silence_worse(home: Home, tess: int) -> None:
    device = taped(home, tess)
    replays(home, mg(39), device)
    with home.hub.unit_of_work() as uow:
        assert uow.findings.worst_since(tess, home.now - 2 * DAY) is None


def test_a_recording_closes_and_confirms_nothing(home: Home, tess: int) -> None:
    """Her own meter opens an amber; two replayed values in range, half an hour apart, leave it open."""
    own = equipment.add_device(home.hub, ADMIN, "METER-T", "glucose-meter", "g-1")
    equipment.assign_device(home.hub, ADMIN, own, tess, since=home.now - DAY)
    home.measures(mg(65), "METER-T", old=40 * MINUTE, profile="glucose-meter")
    assert home.alerts() == ["glucose-low open"]
    story = home.rows("alert_event")
    device = taped(home, tess)
    for old in (35 * MINUTE, 0 * MINUTE):
        replays(home, mg(110), device, old=old)
    replays(home, mg(40), device, old=MINUTE)
    assert home.alerts() == ["glucose-low open"]
    assert home.rows("alert_event") == story


def test_a_recording_is_no_past_of_what_is_measured_now(home: Home, tess: int) -> None:
    """Above 180 is said only if it lasts: the replayed value before it does not make it last."""
    own = equipment.add_device(home.hub, ADMIN, "METER-T", "glucose-meter", "g-1")
    equipment.assign_device(home.hub, ADMIN, own, tess, since=home.now - DAY)
    device = taped(home, tess)
    replays(home, mg(200), device, old=HOUR)
    home.measures(mg(200), "METER-T", profile="glucose-meter")
    assert home.count("finding") == 0
    replays(home, mg(200), device)
    assert home.rows("finding", "replayed") == [1]


def test_production_replays_on_a_test_patient_only(home: Home, tess: int) -> None:
    check_replay(home.hub, tess)
    with pytest.raises(Unsafe, match="SF20"):
        taped(home, home.patient_id)
    assert home.hub.site.mode == "production"
    assert nobody_is_asked(home)


def test_whatever_was_prepared_the_reading_itself_is_checked(home: Home, tess: int) -> None:
    """A device of a recording, given to a real patient behind the hub's back."""
    device = taped(home, tess)
    with home.hub.unit_of_work() as uow:
        known = uow.devices.find(device)
        assert known is not None
        uow.devices.assign(known.id, home.patient_id, None, home.now - HOUR, "somebody")
        uow.commit()
    assert replays(home, mg(39), device, old=2 * HOUR) == "stored"
    assert replays(home, mg(39), device, old=MINUTE) == "rejected not_for_replay"
    assert [row for row in home.rows("replayed", "patient_id") if row != tess] == []
    assert home.rows("quarantine", "code") == ["not_for_replay"]
    assert nobody_is_asked(home)


@pytest.mark.parametrize("device", ["NOBODY/manual", METER])
def test_a_recording_is_never_held_where_a_person_might_give_it_to_somebody(home: Home, tess: int, device: str) -> None:
    assert replays(home, mg(39), device) == "rejected not_for_replay"
    assert home.rows("journal") == []
    assert nobody_is_asked(home)


def test_a_patient_who_ended_is_not_replayed_on(home: Home, tess: int) -> None:
    device = taped(home, tess)
    enrolment.end(home.hub, ADMIN, tess, EndReason.MOVED)
    with pytest.raises(Conflict):
        check_replay(home.hub, tess)
    home.clinic.clock.forward(MINUTE)
    assert replays(home, mg(39), device) == "rejected not_for_replay"


def test_a_device_measures_or_is_replayed_and_not_both(home: Home, tess: int) -> None:
    device = taped(home, tess)
    for address, gateway in ((METER, GATEWAY_ID), (device, "g-1")):
        with pytest.raises(Invalid, match="device of its own"):
            equipment.add_device(home.hub, ADMIN, address, "glucose-meter", gateway)
        with pytest.raises(Invalid, match="device of its own"):
            held.accept_gateway(home.hub, ADMIN, address, gateway)


def test_a_gateway_of_patients_is_not_taken_for_the_one_that_replays(home: Home) -> None:
    equipment.add_gateway(home.hub, ADMIN, "Home 2", "x", GATEWAY_ID)
    with pytest.raises(Invalid, match="replays nothing"):
        replay_gateway(home.hub, ADMIN, "x")


def test_who_may_neither_operate_nor_treat_may_not_prepare(home: Home, tess: int) -> None:
    with pytest.raises(NotPermitted):
        prepare(home.hub, Actor("Vic Invented", "viewer"), tess, [])


def test_sent_twice_it_stands_once(home: Home, tess: int) -> None:
    device = taped(home, tess)
    assert replays(home, mg(39), device, old=MINUTE, record="r-1") == "stored"
    before = home.everything()
    assert replays(home, mg(39), device, old=MINUTE, record="r-1") == "duplicate"
    assert home.everything() | {"transport_key": None} == before | {"transport_key": None}


def test_the_end_of_a_recording_is_no_outage(home: Home, tess: int) -> None:
    home.arrives(b'{"v":1,"online":true,"spool_dropped_total":0}', lane="status", gateway=GATEWAY_ID)
    home.arrives(b'{"v":1,"online":false,"spool_dropped_total":9}', lane="status", gateway=GATEWAY_ID)
    home.forward(HOUR)
    assert nobody_is_asked(home)


def test_a_rule_that_fails_on_a_recording_stands_among_its_findings(home: Home, tess: int) -> None:
    """And so does a recording that cannot be judged at all; what patients measure meanwhile is judged as ever."""
    device = taped(home, tess)
    with home.clinic.engine.begin() as connection:
        connection.exec_driver_sql(
            "CREATE TRIGGER broken BEFORE INSERT ON finding WHEN NEW.rule = 'glucose-low' "
            "AND NEW.replayed = 1 BEGIN SELECT RAISE(FAIL, 'broken'); END"
        )
    assert replays(home, mg(39), device) == "stored"
    assert home.rows("finding", "rule", "severity", "replayed") == [("recording", Severity.RED, 1)]
    assert home.count("replayed") == 1
    home.measures(mg(39), METER)
    assert home.alerts() == ["glucose-low open"]


def test_replayed_readings_are_drawn_apart_from_what_was_measured(home: Home, tess: int) -> None:
    device = taped(home, tess)
    replays(home, mg(120), device)
    with read_only(home.clinic.engine).connect() as connection:
        drawn = SqlReads(connection).series(tess, home.now - DAY, home.now)
    assert [(one.replayed, [sample.value for sample in one.samples]) for one in drawn] == [(False, []), (True, [120])]
