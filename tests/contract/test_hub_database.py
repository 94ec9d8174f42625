"""What either database must promise: no value in an error, the schema as described, and what was given comes back."""

import contextlib
import itertools
import statistics
import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy.exc import IntegrityError

from hub.adapters.ingest_loop import YIELD_S
from hub.adapters.sql.engine import make_engine
from hub.adapters.sql.migrate import check_current, is_current, upgrade
from hub.adapters.sql.partitions import is_partition
from hub.adapters.sql.tables import metadata
from hub.adapters.sql.tables.measurements import METRIC_CODES
from hub.domain.alerts import End
from hub.domain.findings import Deadline, Finding
from hub.domain.metrics import METRICS
from hub.domain.patients import Monitoring, OxygenTarget
from hub.domain.samples import Attempt, Sample, Shown
from hub.domain.severity import Severity
from hub.errors import WrongSetting
from hub.services.alerting import Raised, raise_alert, technical
from hub.services.hub import HUB
from hub.services.ports.alerting import ReplyCode
from hub.services.ports.care import NewPatient, Situation
from hub.services.ports.devices import GatewayStatus
from hub.services.ports.measuring import AnsweredKey, Expectation, JournalEntry, KnownKey, KnownRecord
from hub.services.ports.storage import UnitOfWork
from hub.services.transitions import change
from tests.unit.ingest.home import GATEWAY, OXIMETER, SCALE, Home, spo2

NOW = datetime(2026, 3, 2, 12, 4, 0, 123000, tzinfo=UTC)
HOUR = timedelta(hours=1)

BEFORE = {("registry_version", "")}
"""The counters of a home to which nothing has come yet."""


# One transaction -------------------------------------------------------------------------------------------------


def test_a_savepoint_that_fails_takes_only_its_own_work_back(home: Home) -> None:
    with home.hub.unit_of_work() as uow:
        uow.operations.count("before")
        uow.operations.set_stamp("before", "x")
        with contextlib.suppress(ZeroDivisionError), uow.savepoint():
            uow.operations.count("inside")
            uow.operations.set_stamp("inside", "x")
            raise ZeroDivisionError
        uow.commit()
    assert set(home.counters()) - BEFORE == {("before", "")}
    assert home.rows("stamp", "name") == ["before"]


def test_an_error_of_the_database_holds_no_value(home: Home) -> None:
    with home.hub.unit_of_work() as uow, pytest.raises(IntegrityError) as raised:
        uow.patients.add(NewPatient("A1", "Nel Invented", None, "UTC"), home.now)
    assert "Invented" not in str(raised.value)


# The schema ------------------------------------------------------------------------------------------------------


def test_the_migrations_end_where_the_tables_are_described(empty_database_url: str) -> None:
    engine = make_engine(empty_database_url)
    with pytest.raises(WrongSetting, match="rpmhub db upgrade"):
        check_current(engine)
    upgrade(engine)
    upgrade(engine)
    assert is_current(engine)
    options = {"compare_type": True, "include_name": lambda name, kind, _: kind != "table" or not is_partition(name)}
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection, opts=options), metadata) == []
    engine.dispose()


def test_every_metric_has_a_code_of_its_own() -> None:
    assert set(METRIC_CODES) == set(METRICS)
    assert len(set(METRIC_CODES.values())) == len(METRIC_CODES)


# Every repository gives back what it was given -------------------------------------------------------------------


def entry(seq: int, **more: Any) -> JournalEntry:
    fields: dict[str, Any] = {
        "gateway_id": GATEWAY,
        "spool": "s",
        "seq": seq,
        "device": "D",
        "record": f"r-{seq}",
        "digest": bytes([seq]) * 16,
        "record_digest": bytes([seq + 100]) * 16,
        "status": "stored",
        "code": None,
        "device_id": None,
        "patient_id": 1,
        "effective_at": NOW,
        "received_at": NOW + HOUR,
        "age": HOUR,
        "flags": frozenset({"a", "b"}),
        "body": b'{"x": 1}',
    }
    return JournalEntry(**(fields | more))


def test_the_journal_and_its_keys(uow: UnitOfWork) -> None:
    held = entry(2, status="held", code="unassigned", patient_id=None)
    first, second = uow.journal.append([entry(1), held])
    uow.journal.note_answered([AnsweredKey(GATEWAY, "s", 3, b"x" * 16, "rejected", "schema")])
    keys = [(GATEWAY, "s", number) for number in range(1, 5)]
    assert uow.journal.transport_keys(keys) == {
        keys[0]: KnownKey(b"\x01" * 16, "stored"),
        keys[1]: KnownKey(b"\x02" * 16, "held", "unassigned"),
        keys[2]: KnownKey(b"x" * 16, "rejected", "schema"),
    }
    assert uow.journal.record_keys([("D", "r-1"), ("D", "r-2"), ("D", "r-3")]) == {
        ("D", "r-1"): KnownRecord(bytes([101]) * 16, held=False),
        ("D", "r-2"): KnownRecord(bytes([102]) * 16, held=True),
    }
    found = uow.journal.get_held(second)
    assert found is not None
    assert (found.device, found.code, found.effective_at, found.received_at, found.flags, found.body) == (
        "D",
        "unassigned",
        NOW,
        NOW + HOUR,
        frozenset({"a", "b"}),
        b'{"x": 1}',
    )
    assert uow.journal.get_held(first) is None
    assert uow.journal.held_since(NOW) == []
    assert uow.journal.held_since(NOW + HOUR) == [("g-1", "unassigned")]
    assert uow.journal.release(second, 1, None, "stored")
    assert not uow.journal.release(second, 1, None, "stored")


@pytest.mark.parametrize("metric", METRICS)
def test_the_series_keeps_each_metric_at_its_resolution(uow: UnitOfWork, metric: str) -> None:
    steps = METRICS[metric].resolution
    kept = [
        Sample(16, metric, 7 * steps, NOW, 1, "manual", ">", frozenset({"a", "b"}), Shown(Decimal("179.5"), "[lb_av]")),
        Sample(17, metric, 9 * steps, NOW),
        Sample(32, metric, 8 * steps, NOW - HOUR),
    ]
    for _ in range(2):
        uow.series.append({1: kept})
    assert uow.series.range(1, metric, NOW - HOUR, NOW + HOUR) == [kept[2], kept[0], kept[1]]
    assert uow.series.range(1, metric, NOW - HOUR, NOW) == [kept[2]]
    assert uow.series.newest(1, metric, NOW - HOUR, NOW + HOUR, 2) == [kept[1], kept[0]]
    assert uow.series.newest(1, metric, NOW - HOUR, NOW, 2) == [kept[2]]
    assert uow.series.latest([1]) == {1: {metric: kept[1]}}
    assert uow.series.newest_at(1, metric) == NOW
    assert uow.series.get(1, 16) == [kept[0]]
    assert uow.series.get(1, 1) == uow.series.range(2, metric, NOW - HOUR, NOW + HOUR) == []


def test_findings_and_what_supersedes_them(uow: UnitOfWork) -> None:
    finding = Finding("r", "p", Severity.AMBER, NOW, "sentence", 16, {"a": "b"}, confirmed=False)
    uow.findings.add(1, finding, found_at=NOW, protocol_version_id=3, retrospective=False, alert_id=None)
    found = uow.findings.of_readings(1, [16, 17], 3)
    row, _ = found[16][0]
    assert found == {16: [(row, finding)]}
    assert uow.findings.of_readings(1, [16], 4) == {}
    assert uow.findings.worst_since(1, NOW) == 2
    assert uow.findings.worst_since(1, NOW + HOUR) is None
    others = [(2, 3, "r", NOW), (1, 4, "r", NOW), (1, 3, "q", NOW), (1, 3, "r", NOW + HOUR)]
    assert [uow.findings.said(*one) for one in [(1, 3, "r", NOW), *others]] == [True, False, False, False, False]
    uow.findings.supersede([row], NOW)
    assert not uow.findings.said(1, 3, "r", NOW)
    assert uow.findings.of_readings(1, [16], 3) == {}


def test_deadlines(uow: UnitOfWork) -> None:
    finding = Finding("r", "p", Severity.RED, NOW, "sentence", 16, {"a": "b"})
    duty = Deadline("kind", "key", NOW + HOUR, finding, "body_weight")
    assert uow.duties.set_deadline(1, duty)
    assert not uow.duties.set_deadline(1, duty)
    assert not uow.duties.set_deadline(1, replace(duty, due_at=NOW + 2 * HOUR))
    assert uow.duties.set_deadline(1, replace(duty, due_at=NOW + HOUR / 2))
    assert uow.duties.set_deadline(1, replace(duty, key="other", due_at=NOW + 9 * HOUR))
    assert uow.duties.withdraw(1, "body_weight", NOW, ["key"]) == 1
    assert uow.patients.situations([1])[1].waiting == {"body_weight"}
    (due,) = uow.duties.due_deadlines(NOW + HOUR, 9)
    assert (due.patient_id, due.due_at, due.metric, due.finding) == (1, NOW + HOUR / 2, "body_weight", finding)
    assert uow.duties.due_deadlines(NOW, 9) == []
    assert uow.duties.withdraw(1, "body_weight", NOW, ["key"]) == 0
    assert uow.duties.withdraw(1, "body_weight", NOW + HOUR, []) == 0
    assert uow.duties.cancel_deadlines(1, Sample(1, "body_weight", Decimal(1), NOW)) == 0
    assert uow.duties.raised(due.id)
    assert not uow.duties.cancel(due.id)
    assert uow.patients.situations([1])[1].waiting == set()


def test_what_is_known_of_patients_before_the_judging(home: Home, uow: UnitOfWork) -> None:
    other = uow.patients.add(NewPatient("A2", "Oda Invented", None, "UTC"), NOW)
    finding = Finding("r", "p", Severity.RED, NOW, "sentence", 16, {"a": "b"})
    for metric in ("body_weight", "pulse_rate"):
        uow.duties.set_deadline(1, Deadline("kind", metric, NOW + HOUR, finding, metric))
    patient = uow.patients.get(1)
    for problem, severity in (("a", Severity.AMBER), ("b", Severity.RED)):
        raised = Raised(replace(finding, problem=problem, severity=severity), "clinical", True, None, True)
        raise_alert(uow, home.hub, patient, raised, "patient:1", NOW)
    version = uow.patients.evaluation_versions([1])[1]
    assert uow.patients.situations([1, other, 99]) == {
        1: Situation(version, {"a": Severity.AMBER, "b": Severity.RED}, {"body_weight", "pulse_rate"}),
        other: Situation(0, {}, set()),
    }
    for alert in uow.alerts.of_patient(1):
        change(uow, alert, End(), HUB, NOW)
    assert uow.patients.situations([1])[1].open == {}


def test_numbers_that_a_phone_was_told(home: Home, uow: UnitOfWork) -> None:
    one, other = (technical(uow, home.hub, "hub", name, Severity.AMBER, "x", NOW) for name in "ab")
    assert uow.outbox.codes_taken("+15550101", NOW) == set()
    for digit, alert, ago in ((1, one, 3), (2, other, 2), (3, one, 1)):
        uow.outbox.issue_code(ReplyCode("+15550101", digit, alert, NOW - ago * HOUR))
    assert uow.outbox.codes_taken("+15550101", NOW - 2 * HOUR) == {2, 3}
    asked = [("+15550101", one, 9), ("+15550101", other, 1), ("+15550102", one, 9)]
    assert [uow.outbox.code_told(phone, alert, NOW - ago * HOUR) for phone, alert, ago in asked] == [3, None, None]


def test_failed_tries_and_expectations(uow: UnitOfWork) -> None:
    attempt = Attempt(16, "body_weight", NOW, failed=True, obtained=False, flags=frozenset({"x"}))
    for _ in range(2):
        uow.duties.note_failed({1: [attempt]})
    assert uow.duties.failed(1, "body_weight", NOW, NOW + HOUR) == [attempt]
    uow.duties.forget_expectations(1)
    waited = Expectation(1, "1:slot", "body_weight", NOW, NOW + HOUR, "due", NOW + 2 * HOUR)
    uow.duties.expect(waited)
    uow.duties.met({1: {"body_fat"}, 2: {"body_weight"}}, NOW)
    assert uow.duties.expectations(1) == [waited]
    uow.duties.met({1: {"body_fat", "body_weight"}}, NOW)
    assert [row.check_at for row in uow.duties.due_expectations(NOW, 9)] == [NOW]
    uow.duties.forget(1, "1:slot")
    assert uow.duties.expectations(1) == []


def test_patients(uow: UnitOfWork) -> None:
    new = NewPatient(
        mrn="R1",
        name="Rho Invented",
        born=None,
        zone="Europe/Berlin",
        phone="+15550111",
        dry_weight_kg=Decimal("78.125"),
        dry_weight_by="Dr Imaginary",
        oxygen_target="88-92",
        insulin_or_su=True,
        is_test=True,
    )
    known = uow.patients.get(uow.patients.add(new, NOW))
    assert (known.mrn, known.name, known.zone, known.phone) == ("R1", "Rho Invented", "Europe/Berlin", "+15550111")
    assert known.dry_weight is not None
    assert (known.dry_weight.kg, known.dry_weight.set_by, known.dry_weight.set_at) == (
        Decimal("78.125"),
        "Dr Imaginary",
        NOW,
    )
    assert (known.oxygen_target, known.insulin_or_su, known.is_test) == (OxygenTarget.HYPERCAPNIC, True, True)
    assert uow.patients.by_mrn("R1") == known
    versions = uow.patients.evaluation_versions([1, known.id, 99])
    assert versions == {1: 0, known.id: 0}
    assert uow.patients.judged(versions)
    assert not uow.patients.judged(versions)
    assert uow.patients.judged({})
    assert uow.patients.change_state(known.id, Monitoring.ACTIVE, Monitoring.PAUSED, "x", NOW, NOW)
    assert not uow.patients.change_state(known.id, Monitoring.ACTIVE, Monitoring.PAUSED, "x", NOW, NOW)
    assert [patient.id for patient in uow.patients.pauses_over(NOW)] == [known.id]


def test_gateways_devices_and_periods(uow: UnitOfWork) -> None:
    status = GatewayStatus(True, "{}", 3, 2, -1.5)
    uow.gateways.note_status(GATEWAY, status, NOW, heard=True)
    row = uow.gateways.find(GATEWAY)
    assert row is not None
    assert (row.online, row.online_changed_at, row.heard_at, row.clock_offset_s) == (True, NOW, NOW, -1.5)
    uow.gateways.note_status(GATEWAY, status, NOW + HOUR, heard=True)
    assert uow.gateways.all()[0].online_changed_at == NOW
    device = uow.devices.find(SCALE)
    assert device is not None
    uow.devices.note_seen([(device.id, NOW, 40), (device.id, NOW + HOUR, None), (device.id, NOW, 10)])
    again = uow.devices.get(device.id)
    assert (again.last_seen_at, again.battery_percent, again.accepted_on) == (NOW + HOUR, 40, frozenset({GATEWAY}))
    uow.devices.unassign(device.id, None, NOW)
    (period,) = uow.devices.assignments([device.id])[device.id]
    assert period.until == NOW
    assert device.id not in {one.id for one in uow.devices.of_patient(1, NOW + HOUR)}
    assert uow.devices.by_addresses(["NOBODY"]) == uow.devices.assignments([]) == {}


def test_counters_histograms_stamps_and_heartbeats(uow: UnitOfWork) -> None:
    uow.operations.count("a")
    uow.operations.count("a", "x", 2)
    uow.operations.count("a", "x", 3)
    uow.operations.count("b", by=0)
    assert {name: value for name, value in uow.operations.counters().items() if name[0] in "ab"} == {
        ("a", ""): 1,
        ("a", "x"): 5,
    }
    uow.operations.observe("h", [0.001, 0.002, 99999.0, 0.002])
    assert uow.operations.histograms()["h"] == [(0.001, 1, 0.001), (0.0025, 2, 0.004), (1e12, 1, 99999.0)]
    uow.operations.set_stamp("s", "v")
    assert (uow.operations.stamp("s"), uow.operations.stamp("t")) == ("v", None)
    for value in ("w", "x"):
        uow.operations.restamp("s", value)
    uow.operations.restamp("t", "y")
    assert (uow.operations.stamp("s"), uow.operations.stamp("t")) == ("x", "y")
    for detail in ({"n": 1}, {"n": 2}):
        uow.operations.beat("web", "one", NOW, detail)
    assert [(beat.role, beat.at, beat.detail) for beat in uow.operations.heartbeats()] == [("web", NOW, {"n": 2})]


def test_a_copy_in_force_and_who_is_on_it(uow: UnitOfWork) -> None:
    (known,) = uow.protocols.all_current()
    assert uow.protocols.current("heart-failure") == known
    ((enrolled,),) = uow.protocols.enrolled(NOW + HOUR).values()
    assert uow.protocols.of_patient(1, NOW + HOUR) == [enrolled]
    assert uow.protocols.of_patients([1, 2], NOW + HOUR) == {1: [enrolled]}
    assert enrolled.in_force == known
    uow.protocols.end_all(1, NOW + HOUR)
    assert uow.protocols.of_patient(1, NOW + HOUR) == []


def test_stored_and_read_is_one_value(home: Home) -> None:
    home.measures(spo2(97), OXIMETER, measured_at="2026-03-02T12:03:59.123456+00:00")
    assert home.rows("reading", "at") == [datetime(2026, 3, 2, 12, 3, 59, 123000, tzinfo=UTC)]


def test_who_acknowledges_waits_for_a_group_of_readings_and_not_for_the_backlog(home: Home) -> None:
    """Ingest holds the database nearly all the time; what is counted is groups, not seconds."""
    stop, groups = threading.Event(), itertools.count()
    done = 0

    def drain() -> None:
        nonlocal done
        while not stop.is_set():
            with home.hub.unit_of_work() as uow:
                uow.operations.restamp("x", "")
                stop.wait(0.03)  # the time it takes to judge a group
                uow.commit()
            done = next(groups)
            stop.wait(YIELD_S)

    draining = threading.Thread(target=drain)
    draining.start()
    waited = []
    for _ in range(15):
        before = done
        with home.hub.unit_of_work() as uow:
            uow.operations.restamp("y", "")
            uow.commit()
        waited.append(done - before)
    stop.set()
    draining.join()
    assert statistics.median(waited) <= 3
