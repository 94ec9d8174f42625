"""One transaction a group: what is replayed changes nothing, what comes late is judged as if it had come in time."""

import itertools
import json
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from hub.adapters.sql.engine import Unavailable
from hub.domain.findings import Deadline, Verdict
from hub.domain.patients import Patient
from hub.domain.ruling import Band
from hub.domain.samples import History, Sample
from hub.services import equipment
from hub.services.ingest import judge as judging
from hub.services.ingest.commit import JudgedMeanwhile, process
from hub.services.ingest.latency import MOST, Latencies
from hub.services.ingest.wire import BatchAck
from tests.unit.domain.builders import PROTOCOLS
from tests.unit.ingest.home import (
    ADMIN,
    CUFF,
    GATEWAY,
    METER,
    OXIMETER,
    PROFILES,
    SCALE,
    Home,
    batch,
    homes,
    kg,
    pressure,
    reading,
    spo2,
    value,
)

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


@pytest.fixture
def home(tmp_path: Path, database_url: str | None) -> Iterator[Home]:
    yield from homes(tmp_path, url=database_url)


def a_day_of(home: Home) -> list[bytes]:
    """Weights with a jump, a low and a high, a failed try, a duplicate record, something held, something bad."""
    now = home.now
    return [
        batch(now, reading(1, now - 9 * HOUR, kg(80)), reading(2, now - 8 * HOUR, kg(86))),
        batch(now, reading(3, now - HOUR, spo2(85), OXIMETER), reading(4, now, spo2(97), OXIMETER, record="r")),
        batch(now, reading(5, now - HOUR, pressure(190, 100), CUFF), reading(6, now, [], CUFF, flags=["cuff_loose"])),
        batch(now, reading(7, now, spo2(97), OXIMETER, record="r"), reading(8, now, spo2(80), "NOBODY"), {"seq": 9}),
        batch(now, reading(10, now - MINUTE, [], CUFF, flags=["cuff_loose"])),
    ]


def test_replaying_everything_twice_changes_nothing(home: Home) -> None:
    day = a_day_of(home)
    first = [home.arrives(payload) for payload in day]
    before = home.everything()
    assert before["alert"]
    assert before["deadline"]
    assert before["outbox"]
    again = home.arrives(*day)
    home.arrives(*reversed(day), lane="backfill")
    assert home.everything() == before
    for (was,), now in zip(first, again, strict=True):
        assert isinstance(was, BatchAck)
        assert isinstance(now, BatchAck)
        for old, new in zip(was.results, now.results, strict=True):
            assert new.status == ("rejected" if old.status == "rejected" else "duplicate")


def test_one_group_and_many_groups_find_the_same(tmp_path: Path) -> None:
    found = []
    for number, grouped in enumerate((True, False)):
        (folder := tmp_path / str(number)).mkdir()
        for home in homes(folder):
            day = a_day_of(home)
            if grouped:
                home.arrives(*day)
            else:
                for payload in day:
                    home.arrives(payload)
            found.append((home.found(), waiting(home)))
    assert found[0] == found[1]


def waiting(home: Home) -> list[Any]:
    return sorted(row[:2] for row in home.rows("deadline", "key", "due_at", "state") if row[2] == "waiting")


# The order of arrival --------------------------------------------------------------------------------------------

Try = tuple[str, int, Any, list[str]]
"""Device, minutes ago, values, flags."""

METRICS = {
    SCALE: lambda n: kg(76 + n),  # jumps of more than 5 kg among them
    OXIMETER: lambda n: spo2(90 + n / 2),  # about its limits and in the gaps between
    METER: lambda n: [value("blood_glucose", 50 + 5 * n, "mg/dL")],
    CUFF: lambda n: pressure(150 + 4 * n, 90),
}


@st.composite
def windows(draw: st.DrawFn) -> tuple[list[Try], list[list[int]]]:
    """Tries of one device at different minutes, and groups in which they arrive in another order."""
    device = draw(st.sampled_from(sorted(METRICS)))
    spans = st.integers(1, 40) if draw(st.booleans()) else st.integers(1, 60 * 24 * 4)
    times = draw(st.lists(spans, min_size=2, max_size=7, unique=True))
    tries = []
    for minutes in times:
        kind = draw(st.sampled_from(["value", "value", "value", "fault", "nothing"]))
        number = draw(st.integers(0, 12))
        values = [] if kind == "nothing" else METRICS[device](number)
        tries.append((device, minutes, values, [] if kind == "value" else ["measurement_failed"]))
    order = draw(st.permutations(range(len(tries))))
    cuts = sorted(draw(st.sets(st.integers(1, len(tries) - 1), max_size=3)))
    groups = [list(order[a:b]) for a, b in itertools.pairwise([0, *cuts, len(order)])]
    return tries, groups


def left_by(home: Home, name: str, tries: Sequence[Try], groups: Sequence[Sequence[int]]) -> list[Any]:
    """Findings in force, samples with their flags, and duties of a patient of whom all this came in these groups."""
    patient_id = home.enrol(name, f"{name} Invented", ("heart-failure",))
    device = tries[0][0]
    mine = equipment.add_device(home.hub, ADMIN, f"{name}-device", PROFILES[device], GATEWAY)
    equipment.assign_device(home.hub, ADMIN, mine, patient_id, since=home.now - 60 * 24 * HOUR)
    for group in groups:
        readings = [
            reading(place, home.now - minutes * MINUTE, values, f"{name}-device", profile=PROFILES[device], flags=flags)
            for place in group
            for _, minutes, values, flags in [tries[place]]
        ]
        home.arrives(batch(home.now, *readings, spool=name))
    findings = home.rows("finding", "patient_id", "superseded_at", "rule", "at", "severity", "confirmed")
    samples = home.rows("reading", "patient_id", "at", "metric", "centi", "words")
    duties = home.rows("deadline", "patient_id", "state", "key", "due_at")
    return [
        sorted(row[2:] for row in findings if row[:2] == (patient_id, None)),
        sorted(row[1:] for row in samples if row[0] == patient_id),
        sorted(row[2:] for row in duties if row[:2] == (patient_id, "waiting")),
    ]


@pytest.fixture(scope="module")
def ward() -> Iterator[Home]:
    """In memory, where there is a file system for that: what is durable is tested elsewhere."""
    shared = Path("/dev/shm")  # noqa: S108
    with tempfile.TemporaryDirectory(dir=shared if shared.is_dir() else None) as folder:
        yield from homes(Path(folder))


AN_HOUR_OF_FAILURES = [
    (METER, 5, [value("blood_glucose", 50, "mg/dL")], ["measurement_failed"]),
    (METER, 1, [], ["measurement_failed"]),
    (METER, 15, [value("blood_glucose", 50, "mg/dL")], []),
    (METER, 32, [value("blood_glucose", 50, "mg/dL")], ["measurement_failed"]),
]


NAMES = (f"N{number}" for number in itertools.count())


@settings(max_examples=30, deadline=None)
@given(window=windows())
@example(window=(AN_HOUR_OF_FAILURES, [[0, 1, 2, 3]]))
def test_every_order_of_arrival_leaves_the_same_findings_flags_and_duties(
    ward: Home, window: tuple[list[Try], list[list[int]]]
) -> None:
    tries, groups = window
    as_measured = [[place] for place in sorted(range(len(tries)), key=lambda place: -tries[place][1])]
    assert left_by(ward, next(NAMES), tries, as_measured) == left_by(ward, next(NAMES), tries, groups)


def test_a_late_value_outside_the_gap_changes_what_the_later_one_in_the_gap_means(home: Home) -> None:
    assert home.measures(spo2(93), OXIMETER) == "stored"
    assert not [one for one in home.found() if one[1] == 3]
    home.measures(spo2(91), OXIMETER, old=10 * MINUTE)
    assert [one[:2] for one in home.found()].count(("oxygen-low", 3)) == 2


def test_a_late_value_takes_back_what_no_longer_holds(home: Home) -> None:
    home.measures(spo2(91), OXIMETER, old=2 * HOUR)
    home.measures(spo2(93.5), OXIMETER)
    assert [one[:2] for one in home.found()].count(("oxygen-low", 3)) == 2
    home.measures(spo2(98), OXIMETER, old=HOUR)
    assert [one[:2] for one in home.found()].count(("oxygen-low", 3)) == 1
    assert sum(at is not None for at in home.rows("finding", "superseded_at")) == 1


def test_a_try_without_a_value_and_a_declared_fault_are_two_failed_tries(home: Home) -> None:
    home.measures([], OXIMETER, old=5 * MINUTE, flags=["no_signal"])
    home.measures(spo2(0), OXIMETER)
    assert [row[2] for row in home.rows("deadline", "key", "state", "kind")] == ["no_valid_repeat"]


# What fails ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Broken:
    """A rule that raises for one value."""

    on: float
    error: Exception = field(default_factory=lambda: ZeroDivisionError("a rule divides by nothing"))
    id: str = "broken"
    kind: str = "broken"
    problem: str = "broken"
    metrics: frozenset[str] = field(default_factory=lambda: frozenset({"oxygen_saturation"}))
    lookback: timedelta = timedelta()

    def evaluate(self, sample: Sample, history: History, patient: Patient) -> Verdict:
        if float(sample.value) == self.on:
            raise self.error
        return None

    def deadlines(self, sample: Sample, history: History, patient: Patient) -> Sequence[Deadline]:
        return ()

    def bands(self, patient: Patient) -> Sequence[Band]:
        return ()


def with_rule(monkeypatch: pytest.MonkeyPatch, rule: Broken) -> None:
    """Before the other rules of heart-failure, as if a protocol had named it."""
    from hub.adapters.sql import protocols as repository
    from hub.domain.protocols import Protocol

    known = PROTOCOLS["heart-failure"]
    broken = Protocol(known.id, known.title, 1, known.adult, known.requires, (rule, *known.rules), known.slots)
    monkeypatch.setattr(repository, "_parsed", lambda _sha256, _body: broken)


def test_a_rule_that_raises_is_a_red_alarm_and_the_others_still_speak(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_rule(monkeypatch, Broken(on=85))
    assert home.measures(spo2(85), OXIMETER) == "stored"
    assert home.alerts() == ["rule-failed:broken open", "oxygen-low open"]
    assert home.rows("alert", "severity", "kind")[0] == (3, "technical")
    home.measures(spo2(84), OXIMETER, old=MINUTE)
    home.measures(spo2(85), OXIMETER, old=2 * MINUTE)
    assert home.alerts() == ["rule-failed:broken open", "oxygen-low open"]


def test_a_database_that_is_full_in_the_middle_is_no_fault_of_a_rule(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_rule(monkeypatch, Broken(on=85, error=Unavailable("database or disk is full")))
    with pytest.raises(Unavailable):
        home.measures(spo2(85), OXIMETER)
    assert home.count("journal") == home.count("alert") == 0


def test_a_rule_is_told_the_time_that_is_stored(home: Home) -> None:
    """A gateway that tells microseconds: judged now and judged again later, a sample has one time."""
    for minutes in (9, 5):
        at = home.now - minutes * MINUTE + timedelta(microseconds=123_456)
        home.arrives(batch(home.now, reading(minutes, at, spo2(0), OXIMETER)))
    stored = home.rows("reading", "at")[-1]
    assert stored == home.now - 5 * MINUTE + timedelta(milliseconds=123)
    assert [datetime.fromisoformat(json.loads(row)["at"]) for row in home.rows("deadline", "finding")] == [stored]


def test_where_judging_fails_the_readings_stay_and_only_that_one_goes_unjudged(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = judging.raise_alert

    def fails_for_one(*given: Any) -> Any:
        if "SpO2 85 %" in given[3].finding.sentence:
            raise ArithmeticError("an alert that cannot be written")
        return real(*given)

    monkeypatch.setattr(judging, "raise_alert", fails_for_one)
    readings = [reading(n, home.now - n * MINUTE, spo2(84 + n), OXIMETER) for n in range(3)]
    (ack,) = home.arrives(batch(home.now, *readings, reading(9, home.now, pressure(190, 100), CUFF)))
    assert isinstance(ack, BatchAck)
    assert {one.status for one in ack.results} == {"stored"}
    assert home.count("reading") == 5
    assert sorted(home.alerts()) == ["blood-pressure-high open", "judging-failed open", "oxygen-low open"]
    assert len([one for one in home.found() if one[0] == "oxygen-low"]) == 2


def test_a_patient_judged_by_two_processes_at_once_is_done_again(home: Home) -> None:
    home.clinic.trigger("other", "AFTER INSERT ON journal", "UPDATE patient SET evaluation_version = 7;")
    payload = batch(home.now, reading(1, home.now, spo2(85), OXIMETER))
    with pytest.raises(JudgedMeanwhile):
        home.arrives(payload)
    assert home.count("journal") == home.count("alert") == home.count("transport_key") == 0
    home.clinic.drop_trigger("other", "journal")
    (ack,) = home.arrives(payload)
    assert isinstance(ack, BatchAck)
    assert ack.results[0].status == "stored"
    assert home.rows("patient", "evaluation_version") == [1]


def test_the_latency_of_an_alert_is_counted_from_its_own_message(home: Home) -> None:
    early = home.message(batch(home.now, reading(1, home.now, kg(78))), "backfill")
    home.clinic.clock.forward(20 * MINUTE)
    bo = home.enrol("B1", "Bo Invented", ("heart-failure",))
    mine = equipment.add_device(home.hub, ADMIN, "BO", "pulse-oximeter", GATEWAY)
    equipment.assign_device(home.hub, ADMIN, mine, bo)
    low = reading(2, home.now, spo2(85), "BO", profile="pulse-oximeter")
    urgent = home.message(batch(home.now, low))
    home.clinic.clock.forward(timedelta(seconds=2))
    latencies = Latencies()
    process(home.hub, [urgent, early], latencies=latencies)
    assert home.count("histogram") == 0
    latencies.write(home.hub)
    latencies.write(home.hub)
    assert measured(home) == [(2.5, 1, 2.0)]


def measured(home: Home) -> list[tuple[float, int, float]]:
    with home.hub.unit_of_work() as uow:
        return list(uow.operations.histograms().get("rpmhub_alert_latency_seconds", ()))


def test_a_latency_that_cannot_be_written_is_kept(home: Home) -> None:
    home.clinic.trigger(
        "no_metrics", "BEFORE INSERT ON histogram", "INSERT INTO stamp (name, value) VALUES (NULL, NULL);"
    )
    latencies = Latencies()
    latencies.add([2.0])
    latencies.write(home.hub)
    assert measured(home) == []
    home.clinic.drop_trigger("no_metrics", "histogram")
    latencies.write(home.hub)
    assert measured(home) == [(2.5, 1, 2.0)]


def test_of_those_that_wait_for_long_the_newest_are_kept(home: Home) -> None:
    latencies = Latencies()
    latencies.add([0.2])
    latencies.add([2.0] * MOST)
    latencies.write(home.hub)
    assert measured(home) == [(2.5, MOST, 2.0 * MOST)]


def test_two_values_in_range_in_one_group_close_what_the_same_group_opened(home: Home) -> None:
    amber, fine = [value("pulse_rate", 115, "/min")], [value("pulse_rate", 80, "/min")]
    readings = [(55, amber), (40, fine), (5, fine)]
    home.arrives(batch(home.now, *(reading(n, home.now - n * MINUTE, v, OXIMETER) for n, v in readings)))
    assert home.alerts() == ["pulse-high closed"]


def test_every_profile_has_a_device_here() -> None:
    assert set(METRICS) == set(PROFILES)
