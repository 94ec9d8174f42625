"""What is put aside, on either database: whole, counted, and seen by somebody once."""

from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import event

from hub.adapters.sql.quarantine import MOST_UNANSWERED
from hub.services.ports.storage import UnitOfWork
from tests.unit.ingest.home import Home

NOW = datetime(2026, 3, 2, 12, 4, 0, 123000, tzinfo=UTC)


def test_quarantine_keeps_bytes_whole_and_attempts_count(uow: UnitOfWork, home: Home) -> None:
    row = uow.quarantine.add("g" * 99, "t" * 999, "schema", "why", b"\0\xff" * 200_000, NOW)
    assert uow.quarantine.count_unseen() == 1
    for number in range(25):
        uow.quarantine.add_unanswered("g-9", "rpm/v1/g-9/up/live", "unknown_gateway", "why", bytes([number]), NOW)
        uow.quarantine.add_unanswered("g-9", "rpm/v1/g-9/up/status", "schema", "why", b"x", NOW)
    assert uow.quarantine.count_unseen() == 41
    assert uow.quarantine.mark_seen(row, home.ana.staff_id or 0, "looked", NOW)
    assert not uow.quarantine.mark_seen(row, home.ana.staff_id or 0, "again", NOW)
    assert [uow.quarantine.attempts(b"d", NOW) for _ in range(3)] == [0, 1, 2]
    assert uow.quarantine.started([b"d", b"e"]) == {b"d": 3}
    uow.quarantine.finished([b"d"])
    assert uow.quarantine.started([b"d"]) == {}
    uow.commit()
    assert home.rows("quarantine", "gateway_id", "topic", "size")[0] == ("g" * 40, "t" * 200, 400_000)


def test_what_is_sent_again_before_its_answer_is_counted_and_kept_once(uow: UnitOfWork, home: Home) -> None:
    def add(raw: bytes, topic: str = "rpm/v1/g-1/up/live", code: str = "undecodable") -> int:
        return uow.quarantine.add("g-1", topic, code, "why", raw, NOW)

    first = add(b"\xff")
    others = [add(b"\xfe"), add(b"\xff", code="schema"), add(b"\xff", topic="rpm/v1/g-2/up/live")]
    cut = [add(b"x" * 300_000), add(b"x" * 299_999 + b"y")]
    assert len({first, *others, *cut}) == 6
    assert [add(b"\xff"), add(b"\xff")] == [first, first]
    uow.quarantine.mark_seen(first, home.ana.staff_id or 0, "looked", NOW)
    assert add(b"\xff") != first, "somebody must see that it goes on"
    uow.commit()
    assert home.rows("quarantine", "times") == [3, 1, 1, 1, 1, 1, 1]


def test_what_gets_no_answer_is_never_put_into_a_row_that_somebody_has_seen(uow: UnitOfWork, home: Home) -> None:
    def add(*raws: bytes) -> None:
        for raw in raws:
            uow.quarantine.add_unanswered("g-9", "rpm/v1/g-9/up/live", "unknown_gateway", "why", raw, NOW)
        uow.commit()

    def see(*ids: int) -> None:
        for one in ids:
            assert uow.quarantine.mark_seen(one, home.ana.staff_id or 0, "known", NOW)
        uow.commit()

    add(*[b"known"] * (MOST_UNANSWERED + 5))
    *older, newest = home.rows("quarantine", "id")
    see(newest)
    add(b"new", b"newer")
    assert home.rows("quarantine", "raw", "times", "seen_at")[-2:] == [(b"known", 6, NOW), (b"newer", 2, None)]
    see(*older)
    add(*[b"again"] * MOST_UNANSWERED)
    rows = home.rows("quarantine", "raw", "times", "seen_at")
    assert rows.count((b"known", 1, NOW)) == len(older)
    assert rows[MOST_UNANSWERED:] == [(b"newer", 2, None), *[(b"again", 1, None)] * 18, (b"again", 2, None)]


def seen_meanwhile(home: Home) -> list[bool]:
    """PostgreSQL lets both write: somebody looks at the newest row after it was found, before it takes a message."""
    seen: list[bool] = []

    def look(*told: Any) -> None:
        if told[2].startswith("UPDATE quarantine SET") and "times" in told[2] and not seen:
            with home.hub.unit_of_work() as other:
                newest = home.rows("quarantine", "id")[-1]
                seen.append(other.quarantine.mark_seen(newest, home.ana.staff_id or 0, "looked", NOW))
                other.commit()

    event.listen(home.clinic.engine, "before_cursor_execute", look)
    return seen


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_what_is_seen_while_its_copy_comes_does_not_hide_the_copy(uow: UnitOfWork, home: Home) -> None:
    def add() -> int:
        return uow.quarantine.add("g-1", "t", "schema", "why", b"\xff", NOW)

    first = add()
    uow.commit()
    seen = seen_meanwhile(home)
    copy = add()
    assert seen == [True]
    assert copy != first
    assert uow.quarantine.count_unseen() == 1
    uow.commit()
    assert home.rows("quarantine", "times") == [1, 1]


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_what_is_seen_while_one_more_comes_does_not_hide_that_one(uow: UnitOfWork, home: Home) -> None:
    def add(raw: bytes) -> None:
        uow.quarantine.add_unanswered("g-9", "t", "schema", "why", raw, NOW)

    for _ in range(MOST_UNANSWERED):
        add(b"known")
    uow.commit()
    seen = seen_meanwhile(home)
    add(b"new")
    assert seen == [True]
    uow.commit()
    assert home.rows("quarantine", "raw", "seen_at")[-2:] == [(b"known", NOW), (b"new", None)]
