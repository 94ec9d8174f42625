"""A nurse leaves a reading out: somebody else's, or no measurement."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner

from hub.cli.commands import rpmhub
from hub.errors import Conflict, Invalid, NotFound, NotPermitted
from hub.services.amending import void_reading
from hub.services.hub import Actor
from hub.services.ingest.commit import process
from hub.services.ingest.registry import Registry
from hub.services.ports.feed import START, Touched
from tests.unit.ingest.home import CUFF, OXIMETER, Home, batch, homes, kg, pressure, reading, spo2

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
NURSE = Actor("Ana Example", "nurse", 1)
WHY = "her husband stood on the scale"


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    yield from homes(tmp_path)


def newest(home: Home) -> int:
    return home.rows("journal", "id")[-1]


def in_force(home: Home) -> list[tuple[str, float]]:
    return [(rule, severity) for rule, severity, *_ in home.found()]


def latest(home: Home) -> dict[str, float]:
    with home.hub.unit_of_work() as uow:
        return {
            metric: float(one.value) for metric, one in uow.series.latest([home.patient_id])[home.patient_id].items()
        }


def test_a_reading_that_is_left_out_is_in_nothing_and_still_in_the_journal(home: Home) -> None:
    home.measures(kg(78), old=DAY)
    home.measures(kg(80))
    before = home.rows("reading"), home.rows("journal")
    voided = void_reading(home.hub, NURSE, newest(home), WHY)
    assert (voided.patient_id, voided.metrics) == (home.patient_id, ("body_weight",))
    assert (home.rows("reading"), home.rows("journal")) == before
    assert latest(home) == {"body_weight": 78.0}
    with home.hub.unit_of_work() as uow:
        (amended,) = uow.series.amended(home.patient_id, home.now - DAY, home.now + DAY)
    assert (float(amended.sample.value), amended.kind) == (80.0, "void")
    assert (amended.why.reason, amended.why.made_by, amended.why.made_at) == (WHY, "Ana Example", home.now)
    (audit,) = [row for row in home.rows("audit", "act", "actor", "subject") if row[0] == "reading.void"]
    assert audit[1:] == ("Ana Example", f"journal:{newest(home)}")


def test_all_values_of_a_reading_go_together(home: Home) -> None:
    home.measures(pressure(130, 80), CUFF)
    voided = void_reading(home.hub, NURSE, newest(home), "the cuff was on the wrong arm")
    assert sorted(voided.metrics) == ["diastolic_blood_pressure", "systolic_blood_pressure"]
    with home.hub.unit_of_work() as uow:
        assert uow.series.latest([home.patient_id]) == {}


def test_what_was_said_of_it_counts_no_more_and_its_red_stays_for_a_person(home: Home) -> None:
    home.measures(spo2(84), OXIMETER)
    assert in_force(home)
    void_reading(home.hub, NURSE, newest(home), "the probe was on the table")
    assert in_force(home) == []
    (alert,) = home.alerts()
    assert alert.endswith("open")
    with home.hub.unit_of_work() as uow:
        (known,) = uow.alerts.of_patient(home.patient_id)
        told = uow.alerts.history(known.id)[-1]
    assert (told.transition, told.actor) == ("VOID-1", "Ana Example")
    assert told.words.startswith("a reading behind it was left out (the probe was on the table)")


def test_a_gain_that_was_measured_against_somebody_else_is_none(home: Home) -> None:
    home.measures(kg(75), old=DAY)
    other = newest(home)
    home.measures(kg(78))
    assert ("weight-gain open") in home.alerts()
    assert "Weight +3.0 kg" in " ".join(home.sentences())
    void_reading(home.hub, NURSE, other, WHY)
    assert in_force(home) == []


def test_a_repeat_is_no_longer_waited_for(home: Home) -> None:
    home.measures(kg(78), old=DAY)
    home.clinic.clock.forward(HOUR)
    home.measures(kg(84))  # somebody else? a re-weigh is waited for
    assert set(home.rows("deadline", "state")) == {"waiting"}
    void_reading(home.hub, NURSE, newest(home), WHY)
    home.forward(25 * HOUR, every=HOUR)
    assert [line for line in home.alerts() if line.startswith("weight-gain")] == []
    assert home.rows("deadline", "state") == []


def test_copies_are_told(home: Home) -> None:
    home.measures(kg(78))
    with home.hub.unit_of_work() as uow:
        upto = uow.feed.horizon()
    void_reading(home.hub, NURSE, newest(home), WHY)
    with home.hub.unit_of_work() as uow:
        touched, _ = uow.feed.since(upto, uow.feed.horizon(), 10)
        everything, _ = uow.feed.since(START, uow.feed.horizon(), 10)
    assert touched == [Touched(home.patient_id, home.now, home.now)]
    assert len(everything) == 2


def test_a_reading_is_left_out_once_by_whoever_may_with_a_reason(home: Home) -> None:
    home.measures(kg(78))
    with pytest.raises(Invalid):
        void_reading(home.hub, NURSE, newest(home), "  ")
    with pytest.raises(Invalid):
        void_reading(home.hub, NURSE, newest(home), "x" * 401)
    with pytest.raises(NotPermitted):
        void_reading(home.hub, Actor("Op Example", "operator"), newest(home), WHY)
    with pytest.raises(NotFound):
        void_reading(home.hub, NURSE, 999, WHY)
    void_reading(home.hub, NURSE, newest(home), WHY)
    with pytest.raises(Conflict):
        void_reading(home.hub, NURSE, newest(home), WHY)


def test_a_reading_that_arrives_at_this_moment_comes_first(home: Home) -> None:
    """Two judge one patient: who loses does it again on what is there."""
    home.measures(kg(78))
    with home.hub.unit_of_work() as uow:
        versions = uow.patients.evaluation_versions([home.patient_id])
        uow.commit()
    void_reading(home.hub, NURSE, newest(home), WHY)
    with home.hub.unit_of_work() as uow:
        assert not uow.patients.judged(versions)


def test_the_command_says_of_whom_and_what(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    home.measures(kg(78))
    monkeypatch.setattr("hub.cli.reading.hub", lambda: home.hub)
    done = CliRunner().invoke(rpmhub, ["reading", "void", str(newest(home)), "--reason", WHY, "--by", "Ana Example"])
    assert (done.exit_code, done.output) == (0, f"Left out of patient {home.patient_id}: Weight.\n")
    assert home.rows("amendment", "made_by") == ["Ana Example"]


def test_ingest_that_remembers_weights_forgets_one_that_is_left_out(home: Home) -> None:
    registry = Registry()

    def arrives(seq: int, old: timedelta, kilograms: float) -> None:
        one = reading(seq, home.now - old, kg(kilograms))
        process(home.hub, [home.message(batch(home.now, one))], registry)

    arrives(901, DAY, 75)
    arrives(902, 23 * HOUR, 75.2)
    for journal_id in home.rows("journal", "id"):
        void_reading(home.hub, NURSE, journal_id, WHY)
    arrives(903, timedelta(0), 78)
    assert in_force(home) == []
