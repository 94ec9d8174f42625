"""How readings expected and received are said."""

from datetime import UTC, datetime, timedelta

from dashboards.viewmodels.adherence import Row, expected, lately, share
from hub.domain.adherence import Expected, Outcome, Share, Streak
from hub.services.views.adherence import PatientAdherence, SlotAdherence

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
ZONE = "Europe/Berlin"
DUE = datetime(2026, 11, 23, 7, tzinfo=UTC)
SINCE = Expected("1:w", "body_weight", DUE.date(), DUE, DUE, DUE, DUE, Outcome.MISSED)


def found(received: int, of: int, streak: Streak | None) -> PatientAdherence:
    shares = (Share(7, min(received, 4), min(of, 7)), Share(30, received, of), Share(90, received, of))
    slot = SlotAdherence("w", "body_weight", "08:00", shares, streak)
    return PatientAdherence(shares, (slot,), NOW - timedelta(minutes=5))


def test_a_percentage_stands_with_what_it_is_of() -> None:
    assert share(Share(30, 24, 30)) == "24 of 30 (80\u00a0%)"
    assert share(Share(30, 0, 0)) == "not yet known"


def test_silence_is_told_with_its_length_and_its_first_day() -> None:
    told = expected(found(24, 30, Streak(False, 3, SINCE)), ZONE, NOW)
    assert told is not None
    assert told.line == (
        "Readings expected, 30 days: 24 of 30 (80\u00a0%) came; "
        "Weight, 08:00 missed 3 in a row since Mon 23 Nov 08:00; counted up to 12:55"
    )
    cells = ("4 of 7 (57\u00a0%)", "24 of 30 (80\u00a0%)", "24 of 30 (80\u00a0%)")
    assert told.rows == (Row("Weight, 08:00", cells, "missed 3 in a row since Mon 23 Nov 08:00"),)


def test_what_came_is_told_without_praise_or_blame() -> None:
    assert lately(Streak(True, 12, SINCE), ZONE, NOW) == "came 12 times in a row"
    assert lately(Streak(False, 1, SINCE), ZONE, NOW) == "missed Mon 23 Nov 08:00"
    told = expected(found(30, 30, Streak(True, 30, SINCE)), ZONE, NOW)
    assert told is not None
    assert told.line == "Readings expected, 30 days: 30 of 30 (100\u00a0%) came; counted up to 12:55"


def test_before_anything_was_due_it_is_not_known() -> None:
    told = expected(found(0, 0, None), ZONE, NOW)
    assert told is not None
    assert told.line == "Readings expected, 30 days: not yet known, nothing was due; counted up to 12:55"
    assert told.rows[0].lately == "not yet known"


def test_of_whom_nothing_was_expected_nothing_is_said() -> None:
    assert expected(None, ZONE, NOW) is None
    assert expected(PatientAdherence((), (), None), ZONE, NOW) is None
