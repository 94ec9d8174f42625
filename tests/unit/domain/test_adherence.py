"""How many of how many, and what a late reading mends."""

from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.domain.adherence import (
    Arrival,
    Away,
    Excuse,
    Expected,
    Outcome,
    Plan,
    Share,
    Watched,
    Word,
    absences,
    expected,
    settle,
    share,
    streak,
    word_of,
)
from hub.domain.samples import PATIENT_REPORTED, TIME_SUSPECT, WITHDRAWN, Sample
from hub.domain.slots import Slot

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
BERLIN = ZoneInfo("Europe/Berlin")
SLOT = Slot("weight-morning", "body_weight", time(8), frozenset(range(7)), 3 * HOUR, 2 * HOUR, 8 * HOUR)
ENROLLED = datetime(2026, 3, 1, 12, tzinfo=UTC)
PLAN = Plan("1:weight-morning", SLOT, ENROLLED)


def rows(days: int, plan: Plan = PLAN) -> list[Expected]:
    return list(expected([plan], BERLIN, ENROLLED, ENROLLED + days * DAY))


def at(hour: float, day: int = 2, *flags: str) -> Sample:
    """A weight at ``hour`` o'clock in Berlin, which is UTC + 1 in early March."""
    when = datetime(2026, 3, day, tzinfo=UTC) + (hour - 1) * HOUR
    return Sample(1, "body_weight", Decimal("80.1"), when, flags=frozenset(flags))


def arrivals(samples: Iterable[Sample]) -> list[Arrival]:
    return [Arrival(one.at, word) for one in samples if (word := word_of(one)) is not None]


def settled(*samples: Sample, now: datetime = ENROLLED + 9 * DAY, away: tuple[Away, ...] = ()) -> Expected:
    (row,) = rows(1)
    return settle(row, arrivals(samples), away, now)


def test_every_day_of_the_plan_has_its_row_in_the_patients_zone() -> None:
    found = rows(3)
    assert [row.day for row in found] == [date(2026, 3, 2), date(2026, 3, 3), date(2026, 3, 4)]
    assert found[0].due_at == datetime(2026, 3, 2, 7, tzinfo=UTC)
    assert (found[0].opens_at, found[0].no_data_at) == (found[0].due_at - 3 * HOUR, found[0].due_at + 8 * HOUR)


def test_a_plan_that_ended_expects_nothing_after_it() -> None:
    over = Plan(PLAN.key, SLOT, ENROLLED, until=datetime(2026, 3, 3, 7, tzinfo=UTC))
    assert [row.day for row in rows(9, over)] == [date(2026, 3, 2)]


@pytest.mark.parametrize(
    ("hours", "outcome"),
    [
        ((5,), Outcome.MET),
        ((9.9,), Outcome.MET),
        ((10,), Outcome.LATE),
        ((15.9,), Outcome.LATE),
        ((16,), Outcome.MISSED),
        ((4.9,), Outcome.MISSED),
        ((), Outcome.MISSED),
        ((9, 12), Outcome.MET),
    ],
)
def test_the_reading_s_own_time_decides(hours: tuple[float, ...], outcome: Outcome) -> None:
    row = settled(*(at(hour) for hour in hours))
    assert row.outcome is outcome
    assert row.received == (len(hours) if row.came else 0)
    assert row.first_at == (at(min(hours)).at if row.came else None)


@pytest.mark.parametrize("flag", [TIME_SUSPECT, WITHDRAWN, "sensor_fault"])
def test_what_is_not_believed_meets_nothing(flag: str) -> None:
    assert settled(at(8, 2, flag)).outcome is Outcome.MISSED


def test_the_patient_s_own_word_meets_it_and_is_told_apart() -> None:
    assert settled(at(8, 2, PATIENT_REPORTED)).by is Word.PATIENT
    assert settled(at(8, 2, PATIENT_REPORTED), at(9)).by is Word.DEVICE


def test_before_the_window_ends_nothing_is_said_against_the_patient() -> None:
    (row,) = rows(1)
    assert settled(now=row.no_data_at - HOUR).outcome is Outcome.OPEN
    assert settled(now=row.no_data_at).outcome is Outcome.MISSED


def test_a_pause_excuses_and_a_reading_mends_even_that() -> None:
    paused = Away(Excuse.PAUSED, ENROLLED + HOUR, ENROLLED + 30 * HOUR)
    assert (settled(away=(paused,)).outcome, settled(away=(paused,)).excuse) == (Outcome.EXCUSED, Excuse.PAUSED)
    assert settled(at(8), away=(paused,)).outcome is Outcome.MET


def test_a_pause_on_another_day_excuses_nothing() -> None:
    assert settled(away=(Away(Excuse.PAUSED, ENROLLED + 5 * DAY),)).outcome is Outcome.MISSED


def test_that_the_gateway_was_away_stands_until_a_reading_comes() -> None:
    (row,) = rows(1)
    now = row.no_data_at + DAY
    excused = settle(row, [], [Away(Excuse.GATEWAY, row.due_at)], row.no_data_at)
    assert settle(excused, [], [], now).excuse is Excuse.GATEWAY
    mended = settle(excused, arrivals([at(8)]), [], now)
    assert (mended.outcome, mended.excuse) == (Outcome.MET, None)


def test_a_voided_reading_breaks_its_row_again() -> None:
    met = settled(at(8))
    assert settle(met, [], [], ENROLLED + 9 * DAY) == settled()


def made(outcomes: str, start: date = date(2026, 3, 2)) -> list[Expected]:
    """One row a day: m met, l late, x missed, e excused, o open."""
    kinds = dict(zip("mlxeo", (Outcome.MET, Outcome.LATE, Outcome.MISSED, Outcome.EXCUSED, Outcome.OPEN), strict=True))
    found = []
    for place, letter in enumerate(outcomes):
        due = datetime(2026, 3, 2, 7, tzinfo=UTC) + place * DAY
        found.append(Expected("s", "body_weight", start + place * DAY, due, due, due, due, kinds[letter]))
    return found


def test_a_share_has_its_numerator_and_denominator() -> None:
    assert share(made("mlxeo"), 30, date(2026, 3, 6)) == Share(30, 2, 3)
    assert share(made("mlxeo"), 30, date(2026, 3, 6)).percent == 66
    assert share(made("xxmmm"), 2, date(2026, 3, 6)) == Share(2, 2, 2)


def test_nothing_due_is_not_yet_known_and_never_zero_or_all() -> None:
    assert share(made("eo"), 7, date(2026, 3, 6)).percent is None
    assert share([], 7, date(2026, 3, 6)).percent is None


def test_a_hundred_per_cent_means_all_of_them() -> None:
    assert Share(90, 299, 300).percent == 99


def test_a_streak_is_of_what_counts() -> None:
    missed = streak(made("mmxexo"))
    assert missed is not None
    assert (missed.came, missed.length, missed.since.day) == (False, 2, date(2026, 3, 4))
    kept = streak(made("xml"))
    assert kept is not None
    assert (kept.came, kept.length) == (True, 2)
    assert streak(made("eo")) is None


def test_states_in_their_order_give_the_times_nobody_watched() -> None:
    moments = [ENROLLED + n * DAY for n in range(4)]
    states = [Watched(moments[0], "active"), Watched(moments[1], "paused"), Watched(moments[2], "active")]
    assert absences(states) == [Away(Excuse.PAUSED, moments[1], moments[2])]
    assert absences([*states, Watched(moments[3], "ended")])[-1] == Away(Excuse.ENDED, moments[3])


@given(st.lists(st.tuples(st.floats(-6, 20), st.booleans()), max_size=8), st.randoms())
def test_the_order_of_arrival_changes_nothing(hours: list[tuple[float, bool]], chance: object) -> None:
    samples = [at(hour, 2, *([PATIENT_REPORTED] if typed else [])) for hour, typed in hours]
    shuffled = list(samples)
    chance.shuffle(shuffled)  # type: ignore[attr-defined]
    assert settled(*samples) == settled(*shuffled)
    (row,) = rows(1)
    for count in range(len(shuffled) + 1):  # judged after each arrival, on the row left by the one before
        row = settle(row, arrivals(shuffled[:count]), (), ENROLLED + 9 * DAY)
    assert row == settled(*samples)


@given(st.text("mlxeo", max_size=100), st.sampled_from([7, 30, 90]))
def test_a_share_never_exceeds_what_was_expected(outcomes: str, days: int) -> None:
    found = share(made(outcomes), days, date(2026, 3, 2) + len(outcomes) * DAY)
    assert 0 <= found.received <= found.expected <= days
