"""SF8: one clock for missing data, in the patient's zone, over every clock change."""

from datetime import UTC, datetime, time, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.domain.documents import Fields
from hub.domain.severity import Severity
from hub.domain.slots import (
    Slot,
    SlotState,
    judge,
    missing_finding,
    occurrences,
    parse_slots,
    rule_for_missing,
    silence_severity,
)
from hub.errors import BrokenProtocol
from tests.unit.domain.builders import DAY, HOUR, MIN, NOW

EVERY_DAY = frozenset(range(7))
NEW_YORK, BERLIN = ZoneInfo("America/New_York"), ZoneInfo("Europe/Berlin")
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


def slot(
    at: str = "08:00",
    days: frozenset[int] = EVERY_DAY,
    opens: timedelta = 3 * HOUR,
    grace: timedelta = 2 * HOUR,
    no_data: timedelta = 8 * HOUR,
) -> Slot:
    return Slot("weight-morning", "body_weight", time.fromisoformat(at), days, opens, grace, no_data)


def due(
    one: Slot, zone: ZoneInfo, since: datetime, until: datetime, assigned_at: datetime = LONG_AGO
) -> list[datetime]:
    return [each.due_at for each in occurrences(one, zone, since, until, assigned_at=assigned_at)]


def utc(year: int, month: int, day: int, hour: int = 0, minute: int = 0) -> datetime:
    return datetime(year, month, day, hour, minute, tzinfo=UTC)


def test_a_local_time_that_is_skipped_falls_later_by_as_much() -> None:
    """New York, 8 March 2026: 02:00 becomes 03:00."""
    found = due(slot("02:30"), NEW_YORK, utc(2026, 3, 7), utc(2026, 3, 10))
    assert found == [utc(2026, 3, 7, 7, 30), utc(2026, 3, 8, 7, 30), utc(2026, 3, 9, 6, 30)]
    assert found[1].astimezone(NEW_YORK).time() == time(3, 30)


def test_of_a_local_time_that_comes_twice_the_first_counts() -> None:
    """New York, 1 November 2026: 02:00 becomes 01:00."""
    found = due(slot("01:30"), NEW_YORK, utc(2026, 10, 31), utc(2026, 11, 3))
    assert found == [utc(2026, 10, 31, 5, 30), utc(2026, 11, 1, 5, 30), utc(2026, 11, 2, 6, 30)]


def test_a_local_day_that_a_zone_leaves_out_has_no_slot() -> None:
    """Samoa went from 29 to 31 December 2011."""
    apia = ZoneInfo("Pacific/Apia")
    found = due(slot("08:00"), apia, utc(2011, 12, 28), utc(2012, 1, 2), assigned_at=utc(2011, 1, 1))
    days = [each.astimezone(apia).day for each in found]
    assert days == [28, 29, 31, 1, 2]


@pytest.mark.parametrize("zone", ["America/New_York", "Europe/Berlin", "Australia/Lord_Howe", "Asia/Kathmandu", "UTC"])
@pytest.mark.parametrize("at", ["00:00", "01:30", "02:30", "08:00", "23:30"])
def test_two_years_have_every_local_day_exactly_once(zone: str, at: str) -> None:
    place = ZoneInfo(zone)
    found = due(slot(at), place, utc(2026, 1, 1), utc(2028, 1, 1))
    days = [each.astimezone(place).date() for each in found]
    assert all(later - earlier == DAY for earlier, later in pairwise(days))
    assert len(days) in {730, 731}
    moved = [each for each in found if each.astimezone(place).time() != time.fromisoformat(at)]
    assert len(moved) <= 2  # at most one skipped hour a year


def test_only_the_weekdays_asked_for() -> None:
    found = due(slot(days=frozenset({0, 3})), BERLIN, utc(2026, 11, 16), utc(2026, 11, 23))
    assert [each.astimezone(BERLIN).strftime("%a") for each in found] == ["Mon", "Thu"]


def test_the_weekday_is_the_patients_own() -> None:
    auckland = ZoneInfo("Pacific/Auckland")
    (found,) = due(slot(days=frozenset({0})), auckland, utc(2026, 11, 15), utc(2026, 11, 21))
    assert found == utc(2026, 11, 15, 19)  # Monday morning there, Sunday evening in UTC


@given(st.integers(0, 400), st.integers(1, 60), st.integers(0, 3600))
def test_a_period_cut_in_two_loses_and_doubles_nothing(start: int, days: int, cut: int) -> None:
    since = utc(2026, 1, 1) + start * DAY
    until = since + days * DAY
    middle = since + (until - since) * cut / 3600
    whole = due(slot("02:30"), NEW_YORK, since, until)
    assert due(slot("02:30"), NEW_YORK, since, middle) + due(slot("02:30"), NEW_YORK, middle, until) == whole


# ---------------------------------------------------------------------------------------------------- from assignment


@pytest.mark.parametrize(
    ("assigned", "first"),
    [
        (utc(2026, 11, 22, 3, 59), utc(2026, 11, 22, 7)),
        (utc(2026, 11, 22, 4, 0), utc(2026, 11, 22, 7)),  # as the window opens
        (utc(2026, 11, 22, 4, 1), utc(2026, 11, 23, 7)),  # they did not have the whole of today's
        (utc(2026, 11, 22, 12, 0), utc(2026, 11, 23, 7)),
    ],
)
def test_the_first_slot_is_the_first_whole_window_after_assignment(assigned: datetime, first: datetime) -> None:
    assert due(slot(), BERLIN, utc(2026, 11, 20), utc(2026, 11, 26), assigned)[0] == first


def test_a_patient_who_never_sent_anything_is_alarmed() -> None:
    one = next(occurrences(slot(), BERLIN, utc(2026, 11, 20), utc(2026, 11, 26), assigned_at=utc(2026, 11, 20)))
    assert judge(slot(), one, one.no_data_at, []) is SlotState.NO_DATA


# -------------------------------------------------------------------------------------------------------------- judge

ONE = next(occurrences(slot(), BERLIN, utc(2026, 11, 22), utc(2026, 11, 23), assigned_at=LONG_AGO))


@pytest.mark.parametrize(
    ("after", "state"),
    [
        (-5 * HOUR, SlotState.DUE),
        (0 * HOUR, SlotState.DUE),
        (2 * HOUR - MIN, SlotState.DUE),
        (2 * HOUR, SlotState.LATE),
        (8 * HOUR - MIN, SlotState.LATE),
        (8 * HOUR, SlotState.NO_DATA),
    ],
)
def test_due_then_late_then_no_data(after: timedelta, state: SlotState) -> None:
    assert judge(slot(), ONE, ONE.due_at + after, []) is state


@pytest.mark.parametrize(
    ("read", "met"),
    [(-3 * HOUR - MIN, False), (-3 * HOUR, True), (0 * HOUR, True), (8 * HOUR - MIN, True), (8 * HOUR, False)],
)
def test_what_meets_a_slot(read: timedelta, *, met: bool) -> None:
    state = judge(slot(), ONE, ONE.due_at + 20 * HOUR, [ONE.due_at + read])
    assert state is (SlotState.MET if met else SlotState.NO_DATA)


def test_a_reading_that_is_not_there_yet_meets_nothing() -> None:
    assert judge(slot(), ONE, ONE.due_at, [ONE.due_at + MIN]) is SlotState.DUE


@pytest.mark.parametrize(
    ("spoken", "expected"),
    [
        ([], Severity.LOW),
        ([(Severity.LOW, NOW - HOUR)], Severity.LOW),
        ([(Severity.AMBER, NOW - 48 * HOUR)], Severity.AMBER),
        ([(Severity.AMBER, NOW - 48 * HOUR - MIN)], Severity.LOW),
        ([(Severity.RED, NOW - HOUR), (Severity.RED, NOW - 2 * HOUR)], Severity.AMBER),
        ([(Severity.RED, NOW + HOUR)], Severity.LOW),
    ],
)
def test_silence_after_an_alert_is_worse(spoken: list[tuple[Severity, datetime]], expected: Severity) -> None:
    assert silence_severity(NOW, spoken) is expected


def test_the_finding_says_what_was_due() -> None:
    finding = missing_finding(slot(), ONE, Severity.LOW, BERLIN)
    assert finding.rule == rule_for_missing(slot()) == "missing-weight-morning"
    assert finding.problem == "missing-body_weight"
    assert finding.at == ONE.no_data_at
    assert finding.sentence == "No data: weight was due Sun 22 Nov 08:00 and none came"
    assert finding.inputs["slot"] == "weight-morning at 08:00 Europe/Berlin"


# -------------------------------------------------------------------------------------------------------------- parse

GOOD = {"id": "a", "metric": "body_weight", "at": "08:00", "opens": "3 h", "grace": "2 h", "no_data": "8 h"}


def parsed(*documents: Any) -> tuple[Slot, ...]:
    return parse_slots(Fields({"slots": list(documents)}).items("slots"))


def test_a_slot_is_every_day_unless_it_names_days() -> None:
    assert parsed(GOOD)[0].days == EVERY_DAY
    assert parsed(GOOD | {"days": ["mon", "thu"]})[0].days == {0, 3}


@pytest.mark.parametrize(
    ("documents", "sentence"),
    [
        ([GOOD | {"at": 1140}], 'slots[0].at: must be a local time in quotes such as "08:00"'),
        ([GOOD | {"at": "24:00"}], "slots[0].at: must be a local time"),
        ([GOOD | {"no_data": "2 h"}], "slots[0].no_data: must come after grace"),
        ([GOOD | {"opens": "3 hours"}], "slots[0].opens: must be a duration"),
        ([GOOD | {"days": ["monday"]}], "slots[0].days[0]: 'monday' is not known"),
        ([GOOD | {"metric": "weight"}], "slots[0].metric: 'weight' is not known"),
        ([GOOD | {"alarm": True}], "slots[0].alarm: is not known"),
        ([GOOD, GOOD], "slots[1].id: a stands there twice"),
        ([GOOD, GOOD | {"id": "b", "at": "17:00"}], "slots[1]: its window overlaps that of a"),
        ([GOOD | {"opens": "17 h"}], "slots[0]: its window overlaps that of its own next day"),
        ([GOOD | {"at": "23:00"}, GOOD | {"id": "b", "at": "06:00"}], "slots[1]: its window overlaps that of a"),
    ],
)
def test_a_broken_slot_is_named(documents: Any, sentence: str) -> None:
    with pytest.raises(BrokenProtocol) as raised:
        parsed(*documents)
    assert str(raised.value).startswith(sentence)


def test_windows_that_touch_or_fall_on_other_days_do_not_overlap() -> None:
    assert len(parsed(GOOD, GOOD | {"id": "b", "at": "19:00"})) == 2
    monday, tuesday = GOOD | {"days": ["mon"]}, GOOD | {"id": "b", "at": "09:00", "days": ["tue"]}
    assert len(parsed(monday, tuesday)) == 2
