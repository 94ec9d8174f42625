"""Silence is an alarm by one clock (SF8)."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from hub.services import enrolment, equipment
from hub.services.amending import void_reading
from hub.services.engine import missing as missing_engine
from tests.unit.ingest.home import ADMIN, CUFF, OXIMETER, Home, homes, kg, pressure, pulse, spo2

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    yield from homes(tmp_path)


def until(home: Home, hour: int, day: int = 3) -> None:
    """On to ``hour`` o'clock UTC of a day in March; 08:00 in New York is 13:00 UTC."""
    home.forward(datetime(2026, 3, day, hour, tzinfo=home.now.tzinfo) - home.now, every=HOUR)


def states(home: Home) -> dict[str, str]:
    return {slot.partition(":")[2]: state for slot, state in home.rows("expectation", "slot_id", "state")}


def missing(home: Home) -> list[str]:
    return sorted(line for line in home.alerts() if line.startswith("missing"))


def measure_all(home: Home) -> None:
    home.measures(kg(78))
    home.measures(pressure(120, 80), CUFF)
    home.measures(spo2(97), OXIMETER)


def test_due_then_late_then_no_data(home: Home) -> None:
    """Enrolled at 07:04, in the middle of today's window: tomorrow's is the first that counts, never sent or not."""
    until(home, 14)
    assert set(states(home).values()) == {"due"}
    until(home, 15)
    assert set(states(home).values()) == {"late"}
    until(home, 0, day=4)
    assert missing(home) == []
    until(home, 1, day=4)
    assert missing(home) == [
        "missing-body_weight open",
        "missing-oxygen_saturation open",
        "missing-systolic_blood_pressure open",
    ]
    assert "No data: weight was due Tue 03 Mar 08:00 and none came" in home.sentences()
    assert set(home.rows("alert", "severity", "kind")) == {(1, "missing")}
    assert set(states(home).values()) == {"due"}


def test_what_was_sent_is_not_missing(home: Home) -> None:
    until(home, 12)
    measure_all(home)
    until(home, 12, day=4)
    measure_all(home)
    until(home, 2, day=5)
    assert missing(home) == []


def test_data_that_returns_closes_it(home: Home) -> None:
    until(home, 2, day=4)
    assert len(missing(home)) == 3
    home.measures(kg(78))
    assert missing(home)[0] == "missing-body_weight closed"
    home.measures([], OXIMETER, flags=["no_signal"])
    assert missing(home)[1] == "missing-oxygen_saturation open"


def test_data_that_returned_before_anybody_looked_closes_it_at_once(home: Home) -> None:
    """The worker was down meanwhile: nobody is called about a silence that is over."""
    until(home, 12)
    home.clinic.clock.forward(DAY)
    measure_all(home)
    assert missing(home) == []
    home.tick()
    assert missing(home) == [
        "missing-body_weight closed",
        "missing-oxygen_saturation closed",
        "missing-systolic_blood_pressure closed",
    ]
    assert "No data: weight was due Tue 03 Mar 08:00 and none came" in home.sentences()


@pytest.mark.parametrize(
    ("old", "more"),
    [(7 * HOUR, {}), (timedelta(0), {"measured_at": "2000-01-01T00:00:00+00:00"})],
    ids=["late", "of unknown time"],
)
@pytest.mark.parametrize("looks_first", [True, False])
def test_what_is_late_or_of_unknown_time_ends_no_silence(
    home: Home, old: timedelta, more: dict[str, str], *, looks_first: bool
) -> None:
    until(home, 0, day=4)
    home.clinic.clock.forward(HOUR + MINUTE)
    if looks_first:
        home.tick()
    home.clinic.clock.forward(8 * HOUR)
    assert home.measures(kg(78), old=old, **more) == "stored"
    home.tick()
    assert missing(home)[0] == "missing-body_weight open"


def test_a_silence_whose_end_is_taken_back_is_told_again(home: Home) -> None:
    until(home, 1, day=4)
    assert missing(home)[0] == "missing-body_weight open"
    home.forward(3 * MINUTE, every=MINUTE)
    home.measures(kg(78), old=6 * MINUTE)
    assert missing(home)[0] == "missing-body_weight closed"
    void_reading(home.hub, ADMIN, home.rows("journal", "id")[-1], "not hers")
    home.forward(2 * MINUTE, every=MINUTE)
    assert missing(home)[:2] == ["missing-body_weight closed", "missing-body_weight open"]


def test_a_second_silent_day_is_the_same_alert(home: Home) -> None:
    until(home, 2, day=5)
    assert len(missing(home)) == 3
    assert set(home.rows("alert", "findings")) == {2}


def test_silence_after_an_amber_is_one_worse(home: Home) -> None:
    until(home, 12)
    home.measures(pulse(115), OXIMETER)
    until(home, 2, day=4)
    assert {severity for severity, kind in home.rows("alert", "severity", "kind") if kind == "missing"} == {2}


def test_an_amber_three_days_ago_no_longer_counts(home: Home) -> None:
    home.measures(pulse(115), OXIMETER)
    until(home, 12, day=4)
    measure_all(home)
    until(home, 2, day=6)
    severities = dict(home.rows("alert", "sentence", "severity"))
    assert severities["No data: weight was due Thu 05 Mar 08:00 and none came"] == 1


def test_a_gateway_that_is_down_mutes_for_twelve_hours_and_then_somebody_phones(home: Home) -> None:
    home.status()
    until(home, 14)
    home.status(online=False)
    until(home, 1, day=4)
    assert missing(home) == []
    assert "offline open" in home.alerts()
    until(home, 3, day=4)
    assert len(missing(home)) == 3
    assert [kind for kind, _ in home.tasks()] == ["call_patient"]


def test_a_gateway_that_is_back_delivers_before_anybody_is_alarmed(home: Home) -> None:
    home.status()
    until(home, 14)
    home.status(online=False)
    until(home, 1, day=4)
    home.status()
    home.forward(5 * MINUTE, every=MINUTE)
    home.measures(kg(78), old=11 * HOUR)
    home.forward(HOUR, every=MINUTE)
    assert missing(home) == ["missing-oxygen_saturation open", "missing-systolic_blood_pressure open"]


def test_one_gateway_of_two_that_is_up_excuses_nobody(home: Home) -> None:
    equipment.add_gateway(home.hub, ADMIN, "Home 1, bedroom", "x", "g-2")
    equipment.add_device(home.hub, ADMIN, OXIMETER, "pulse-oximeter", "g-2")
    home.status()
    home.arrives(b'{"v": 1, "online": true}', lane="status", gateway="g-2")
    until(home, 14)
    home.status(online=False)
    until(home, 2, day=4)
    assert len(missing(home)) == 3


def test_a_worker_that_was_down_for_two_days_says_each_day(home: Home) -> None:
    home.clinic.clock.forward(3 * DAY)
    home.tick()
    home.tick()
    home.tick()
    assert len(missing(home)) == 3
    assert set(home.rows("alert", "findings")) == {2}


def test_who_is_paused_is_not_waited_for_and_who_is_back_is_from_then_on(home: Home) -> None:
    enrolment.pause(home.hub, ADMIN, home.patient_id, "in hospital", home.now + 2 * DAY)
    until(home, 12, day=4)
    assert missing(home) == []
    assert home.count("expectation") == 0
    enrolment.resume(home.hub, ADMIN, home.patient_id)
    until(home, 2, day=5)
    assert missing(home) == []
    until(home, 2, day=6)
    assert len(missing(home)) == 3


def leave_out_the_last(home: Home) -> None:
    void_reading(home.hub, ADMIN, home.rows("journal", "id")[-1], "her husband stood on the scale")


def weight_is_due(home: Home) -> datetime:
    with home.hub.unit_of_work() as uow:
        return next(row.due_at for row in uow.duties.expectations(home.patient_id) if row.metric == "body_weight")


def test_a_slot_whose_reading_was_left_out_is_waited_for_again(home: Home) -> None:
    until(home, 13)
    measure_all(home)
    until(home, 14)
    tomorrow = weight_is_due(home)
    home.measures(kg(78))
    until(home, 16)
    leave_out_the_last(home)
    until(home, 17)
    assert weight_is_due(home) == tomorrow, "another weight of the same morning holds"
    void_reading(home.hub, ADMIN, home.rows("journal", "id")[0], "her husband stood on the scale")
    home.forward(MINUTE, every=MINUTE)
    assert weight_is_due(home) == tomorrow - DAY
    assert states(home)["weight-morning"] == "late"
    until(home, 2, day=4)
    assert missing(home) == ["missing-body_weight open"]
    assert weight_is_due(home) == tomorrow


def test_left_out_after_its_window_it_is_missing_as_if_it_never_came(home: Home) -> None:
    until(home, 13)
    measure_all(home)
    until(home, 3, day=4)
    assert missing(home) == []
    void_reading(home.hub, ADMIN, home.rows("journal", "id")[0], "her husband stood on the scale")
    home.forward(MINUTE, every=MINUTE)
    assert missing(home) == ["missing-body_weight open"]


def test_leaving_out_what_met_an_earlier_slot_asks_for_nothing(home: Home) -> None:
    until(home, 13)
    measure_all(home)
    until(home, 13, day=4)
    measure_all(home)
    until(home, 14, day=4)
    following = weight_is_due(home)
    void_reading(home.hub, ADMIN, home.rows("journal", "id")[0], "her husband stood on the scale")
    until(home, 15, day=4)
    assert weight_is_due(home) == following
    assert missing(home) == []


def missing_weights(home: Home) -> list[tuple[str, int]]:
    """State of each alert about a silent weight, and how often silence was found."""
    alerts = home.rows("alert", "problem", "state", "findings")
    return [(state, findings) for problem, state, findings in alerts if problem == "missing-body_weight"]


def leave_out(home: Home, place: int) -> None:
    """The reading that came in this place, from 0; the worker looks a minute later."""
    void_reading(home.hub, ADMIN, home.rows("journal", "id")[place], "her husband stood on the scale")
    home.forward(MINUTE, every=MINUTE)


def test_leaving_out_what_met_nothing_says_nothing_a_second_time(home: Home) -> None:
    home.measures(kg(78))
    until(home, 14)
    home.measures(kg(95))
    until(home, 2, day=4)
    home.measures(kg(78))
    following = weight_is_due(home)
    assert missing_weights(home) == [("closed", 1)]
    leave_out(home, 1)
    assert (missing_weights(home), weight_is_due(home)) == ([("closed", 1)], following)


def test_leaving_out_what_came_after_its_silence_was_told_says_nothing_a_second_time(home: Home) -> None:
    until(home, 2, day=4)
    home.measures(kg(78), old=12 * HOUR)
    home.measures(kg(78))
    leave_out(home, 0)
    assert missing_weights(home) == [("closed", 1)]


def test_a_silence_that_is_still_open_is_not_counted_twice(home: Home) -> None:
    home.measures(kg(78))
    until(home, 14)
    home.measures(kg(95))
    until(home, 2, day=4)
    leave_out(home, 1)
    assert missing_weights(home) == [("open", 1)]
    until(home, 2, day=5)
    assert missing_weights(home) == [("open", 2)], "the next morning was silent as well"


def test_what_was_believed_until_another_came_late_leaves_its_slot_empty(home: Home) -> None:
    """The 95 kg met the slot when it came; only the weight of the day before, spooled, shows whose it was."""
    until(home, 14)
    home.measures(kg(95))
    until(home, 15)
    home.measures(kg(78), old=DAY)
    assert "someone_else" in home.rows("reading", "words")
    until(home, 3, day=4)
    assert missing_weights(home) == []
    leave_out(home, 0)
    assert missing_weights(home) == [("open", 1)]


def test_what_is_left_out_while_the_worker_is_at_other_rows_is_waited_for_again(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its row was read as due tomorrow, and is not written back as it was."""
    until(home, 13)
    measure_all(home)
    until(home, 14, day=4)
    home.clinic.clock.forward(HOUR)
    goes_through = missing_engine.one_by_one

    def left_out_first(*of: Any) -> int:
        void_reading(home.hub, ADMIN, home.rows("journal", "id")[0], "her husband stood on the scale")
        return goes_through(*of)

    with monkeypatch.context() as patched:
        patched.setattr(missing_engine, "one_by_one", left_out_first)
        missing_engine.Missing().run(home.hub, home.now)
    assert missing_weights(home) == []
    home.tick()
    assert missing_weights(home) == [("open", 1)]
    assert weight_is_due(home) == datetime(2026, 3, 4, 13, tzinfo=home.now.tzinfo)


def test_two_that_are_left_out_at_once_leave_one_silence(home: Home) -> None:
    until(home, 13)
    home.measures(kg(78))
    home.measures(kg(78))
    until(home, 3, day=4)
    void_reading(home.hub, ADMIN, home.rows("journal", "id")[0], "her husband stood on the scale")
    yesterdays = weight_is_due(home)
    leave_out(home, 1)
    assert yesterdays == datetime(2026, 3, 3, 13, tzinfo=home.now.tzinfo)
    assert missing_weights(home) == [("open", 1)]


@pytest.mark.parametrize(("day", "hour"), [(7, 13), (8, 12), (9, 12)])
def test_when_clocks_change_it_is_the_same_morning_that_is_looked_at_again(home: Home, day: int, hour: int) -> None:
    """New York is an hour ahead from the 8th on."""
    until(home, hour, day=day)
    home.measures(kg(78))
    until(home, 2, day=day + 1)
    leave_out(home, 0)
    home.measures(kg(78), old=12 * HOUR)
    leave_out(home, 1)
    told = [at for rule, _, at, _ in home.found() if rule == "missing-weight-morning"]
    over = datetime(2026, 3, day, hour, tzinfo=home.now.tzinfo) + 12 * HOUR
    assert told[-1] == over.isoformat()
    assert len(set(told)) == len(told) == day - 2


def test_each_slot_of_a_metric_is_waited_for_by_itself(tmp_path: Path) -> None:
    """What met the evening is left out; the morning, of which silence was told, stays as it is."""
    for home in homes(tmp_path, ("hypertension",)):
        until(home, 22)
        assert missing(home) == ["missing-systolic_blood_pressure open"]
        home.measures(pressure(120, 80), CUFF)
        until(home, 6, day=4)
        leave_out(home, 0)
        found = [(rule.removeprefix("missing-pressure-"), at[8:13]) for rule, _, at, _ in home.found()]
        assert found == [("evening", "03T05"), ("evening", "04T05"), ("morning", "03T21")]
