"""What projections follow: every reading and every change once, in pieces, and none that is still under way."""

import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from sqlalchemy import Engine

from hub.adapters.clock import SystemClock
from hub.adapters.sql import feed
from hub.adapters.sql.engine import Unavailable, make_engine
from hub.adapters.sql.unit_of_work import SqlUnitOfWork
from hub.domain.samples import SOMEONE_ELSE
from hub.services.ports.feed import START, Position, Touched
from tests.contract.series_rows import DAY, HOUR, MINUTE, NOON, entry, sqlite, stores

BATCH, CLOCK = 1000, SystemClock()
WAITS = """SELECT count(*) FROM pg_locks JOIN pg_database ON pg_database.oid = pg_locks.database
WHERE datname = current_database() AND locktype = 'advisory' AND NOT granted"""


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    made = sqlite(tmp_path) if request.param == "sqlite" else make_engine(request.getfixturevalue("postgres_url"))
    yield made
    made.dispose()


def write(engine: Engine, act: Callable[[SqlUnitOfWork], object]) -> None:
    with SqlUnitOfWork(engine) as uow:
        act(uow)
        uow.commit()


def weights(*at_of_patients: tuple[int, int], first: int = 1) -> Callable[[SqlUnitOfWork], object]:
    """(patient, minutes after noon) ..., a weight each."""
    readings = [(patient, NOON + n * MINUTE, [("body_weight", "80.0")]) for patient, n in at_of_patients]
    return lambda uow: stores(uow, *readings, first=first)


def all_since(engine: Engine, after: Position, limit: int = BATCH) -> tuple[list[Touched], Position]:
    with SqlUnitOfWork(engine) as uow:
        upto, touched = uow.feed.horizon(), []
        while after != upto:
            some, after = uow.feed.since(after, upto, limit)
            touched += some
        return touched, after


def test_who_begins_is_told_of_everything_by_patient_and_hour(engine: Engine) -> None:
    write(engine, weights((1, 0), (1, 59), (1, 60), (2, 5)))
    touched, _ = all_since(engine, START)
    assert touched == [
        Touched(1, NOON, NOON + 59 * MINUTE),
        Touched(1, NOON + HOUR, NOON + HOUR),
        Touched(2, NOON + 5 * MINUTE, NOON + 5 * MINUTE),
    ]


def test_who_moved_on_is_told_of_what_came_after(engine: Engine) -> None:
    write(engine, weights((1, 0)))
    _, reached = all_since(engine, START)
    write(engine, lambda uow: uow.feed.move("copy", reached, NOON))
    write(engine, weights((2, 0), first=2))
    with SqlUnitOfWork(engine) as uow:
        after = uow.feed.position("copy")
        assert after == reached
        assert uow.feed.position("another") == START
    touched, _ = all_since(engine, after)
    assert touched == [Touched(2, NOON, NOON)]


def test_small_pieces_miss_nothing_and_come_to_an_end(engine: Engine) -> None:
    write(engine, weights(*((n % 3 + 1, 61 * n) for n in range(20))))
    span = Touched(1, NOON - DAY, NOON, erased=True)
    write(engine, lambda uow: [uow.feed.changed(span, "erase") for _ in range(5)])
    for limit in (1, 3, 7, BATCH):
        touched, _ = all_since(engine, START, limit)
        times = {(one.patient_id, one.since) for one in touched if one.until - one.since < DAY}
        assert times == {(n % 3 + 1, NOON + 61 * n * MINUTE) for n in range(20)}, limit
        assert touched.count(span) == 5, limit


def test_held_readings_are_nobodys_until_they_are_released(engine: Engine) -> None:
    write(engine, lambda uow: uow.journal.append([entry(1, None, NOON)]))
    touched, reached = all_since(engine, START)
    assert touched == []

    def release(uow: SqlUnitOfWork) -> None:
        uow.journal.release(1, 7, None, "stored")
        uow.feed.changed(Touched(7, NOON, NOON), "release")

    write(engine, release)
    assert all_since(engine, reached)[0] == [Touched(7, NOON, NOON)]


def test_a_sample_that_is_marked_is_told_of(engine: Engine) -> None:
    write(engine, weights((1, 0)))
    _, reached = all_since(engine, START)

    def mark(uow: SqlUnitOfWork) -> None:
        (sample,) = uow.series.range(1, "body_weight", NOON, NOON + MINUTE)
        uow.series.mark(1, sample.flagged(frozenset({SOMEONE_ELSE})))

    write(engine, mark)
    assert all_since(engine, reached)[0] == [Touched(1, NOON, NOON)]


def test_what_is_rolled_back_is_not_told_of(engine: Engine) -> None:
    with SqlUnitOfWork(engine) as uow:
        weights((1, 0))(uow)
        uow.feed.changed(Touched(1, NOON, NOON), "erase")
    assert all_since(engine, START) == ([], START)


def test_how_far_behind_is_told_by_the_first_reading_that_waits(engine: Engine) -> None:
    write(engine, weights((1, 0), (1, 5)))
    with SqlUnitOfWork(engine) as uow:
        assert uow.feed.oldest(START) == NOON
        assert uow.feed.oldest(Position(1, 0)) == NOON + 5 * MINUTE
        assert uow.feed.oldest(uow.feed.horizon()) is None


@pytest.fixture
def server(postgres_url: str) -> Iterator[Engine]:
    made = make_engine(postgres_url)
    yield made
    made.dispose()


def horizon(engine: Engine) -> Position:
    with SqlUnitOfWork(engine) as uow:
        return uow.feed.horizon()


@pytest.mark.parametrize("changes", [False, True])
def test_no_horizon_passes_a_writer_whose_lower_number_is_not_committed_yet(server: Engine, *, changes: bool) -> None:
    def acts(uow: SqlUnitOfWork, patient: int) -> None:
        if changes:
            uow.feed.changed(Touched(patient, NOON, NOON), "erase")
        else:
            weights((patient, 0), first=patient)(uow)

    with SqlUnitOfWork(server) as slow:
        acts(slow, 1)
        write(server, lambda uow: acts(uow, 2))  # a higher number, committed before
        with pytest.raises(Unavailable):
            horizon(server)
        slow.commit()
    assert horizon(server) == (Position(0, 2) if changes else Position(2, 0))


def test_a_horizon_waits_for_a_writer_who_is_soon_done(server: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed, "_WITHIN", "SET LOCAL lock_timeout = '30s'")
    seen: list[Position] = []
    with SqlUnitOfWork(server) as slow, server.connect() as watching:
        weights((1, 0))(slow)
        looking = threading.Thread(target=lambda: seen.append(horizon(server)))
        looking.start()
        until = CLOCK.monotonic() + 10
        while not watching.exec_driver_sql(WAITS).scalar_one():
            assert CLOCK.monotonic() < until
            watching.rollback()
        slow.commit()
    looking.join(10)
    assert seen == [Position(1, 0)]


def test_a_vacuum_and_a_horizon_are_not_in_each_other_s_way(server: Engine) -> None:
    write(server, weights((1, 0)))
    with server.connect() as vacuum:
        vacuum.exec_driver_sql("LOCK TABLE journal, series_change IN SHARE UPDATE EXCLUSIVE MODE")  # as a vacuum does
        assert horizon(server) == Position(1, 0)


def test_what_a_patient_s_windows_are_made_of_is_told_to_have_changed(engine: Engine) -> None:
    write(engine, weights((1, 0)))
    stands = horizon(engine)

    def silent(patient: int, first: int = 0, last: int = 10) -> bool:
        with SqlUnitOfWork(engine) as uow:
            return uow.feed.silent(Touched(patient, NOON + first * MINUTE, NOON + last * MINUTE), stands)

    assert silent(1)
    write(engine, weights((2, 0), first=2))
    assert (silent(1), silent(2), silent(2, first=1)) == (True, False, True)
    write(engine, lambda uow: uow.feed.changed(Touched(1, NOON + MINUTE, NOON + 2 * MINUTE), "erase"))
    assert [silent(1, *span) for span in ((0, 0), (0, 1), (2, 9), (3, 9))] == [True, False, False, True]


def test_who_was_told_that_nothing_changed_is_waited_for(server: Engine) -> None:
    with SqlUnitOfWork(server) as writing:
        assert writing.feed.silent(Touched(1, NOON, NOON), START)
        with pytest.raises(Unavailable):
            horizon(server)


def test_values_are_as_they_were_stored(engine: Engine) -> None:
    """The builders store what ingest stores."""
    write(engine, weights((1, 0)))
    with SqlUnitOfWork(engine) as uow:
        (sample,) = uow.series.range(1, "body_weight", NOON, NOON + timedelta(milliseconds=1))
    assert (sample.value, sample.at) == (Decimal("80.0"), NOON)
