"""Hours and days follow the series: whatever comes in whatever order, they are what the samples of now make."""

import itertools
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hub.adapters.sql import engine
from hub.adapters.sql.engine import make_engine
from hub.adapters.sql.tables import metadata
from hub.domain.rollups import Grain
from hub.domain.samples import Sample
from hub.errors import Transient
from hub.services.ports.feed import START
from hub.services.ports.storage import UnitOfWork
from hub.services.rolling import TRIES, Went, begin_anew, finish, go_on
from tests.contract.series_rows import DAY, HOUR, MINUTE, NOON, sqlite, stores
from tests.contract.series_ward import METRICS, ROLLBACK_JOURNAL, Ward

ZONES = ["America/New_York", "Asia/Kolkata", "Europe/Berlin", "Australia/Lord_Howe"]


@pytest.fixture(params=["sqlite", ROLLBACK_JOURNAL, "postgresql"])
def ward(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Ward]:
    monkeypatch.setattr(engine, "wal_is_safe", lambda: request.param != ROLLBACK_JOURNAL)
    there = request.param == "postgresql"
    made = make_engine(request.getfixturevalue("postgres_url")) if there else sqlite(tmp_path)
    yield Ward(made)
    made.dispose()


def test_hours_and_days_are_of_the_patient_s_clock(ward: Ward) -> None:
    delhi = ward.enrol("Asia/Kolkata")
    for minutes, kg in ((0, "80.0"), (20, "82.0"), (40, "81.0"), (24 * 60, "79.0")):
        ward.measures(delhi, NOON + minutes * MINUTE, kg)
    ward.follow()
    first, second, _ = ward.rows(delhi, Grain.HOUR)  # noon UTC is 17:30 there
    assert (first.window.start, first.count, first.low, first.high) == (NOON - 30 * MINUTE, 2, 80.0, 82.0)
    assert (second.window.start, second.count, second.last) == (NOON + 30 * MINUTE, 1, 81.0)
    day = ward.rows(delhi, Grain.DAY)[0]
    assert (day.count, day.mean, day.low, day.high, day.last) == (3, 81.0, 80.0, 82.0, 81.0)
    ward.agrees(delhi)


def test_a_late_reading_makes_its_windows_anew_and_no_other(ward: Ward) -> None:
    one = ward.enrol("America/New_York")
    ward.measures(one, NOON, "80.0")
    ward.measures(one, NOON - 3 * DAY, "81.0")
    ward.follow()
    before = ward.rows(one, Grain.DAY)
    ward.measures(one, NOON - 3 * DAY + HOUR, "79.0")
    ward.follow()
    after = ward.rows(one, Grain.DAY)
    assert (after[0].count, after[0].low, after[1]) == (2, 79.0, before[1])
    ward.agrees(one)


def test_a_day_keeps_the_hours_that_were_made_before(ward: Ward) -> None:
    one = ward.enrol("Europe/Berlin")
    for hour in range(4):
        ward.measures(one, NOON + hour * HOUR, f"{80 + hour}.0")
        ward.follow()
        assert ward.rows(one, Grain.DAY)[0].count == hour + 1
    ward.agrees(one)


def test_what_is_void_marked_or_erased_leaves_its_windows(ward: Ward) -> None:
    one = ward.enrol("Europe/Berlin")
    samples = [ward.measures(one, NOON + n * MINUTE, f"{80 + n}.0") for n in range(4)]
    ward.follow()
    ward.void(one, samples[3])
    ward.follow()
    assert ward.rows(one, Grain.DAY)[0].high == 82.0
    ward.mark(one, samples[0], "someone_else")
    ward.follow()
    (day,) = ward.rows(one, Grain.DAY)
    assert (day.low, day.count, day.left_out) == (81.0, 2, 1)
    ward.erase(one, NOON - DAY, NOON + DAY)
    ward.follow()
    assert ward.rows(one, Grain.DAY) == ward.rows(one, Grain.HOUR) == []


def test_following_twice_changes_nothing(ward: Ward) -> None:
    one = ward.enrol("Australia/Lord_Howe")
    for n in range(30):
        ward.measures(one, NOON + n * 50 * MINUTE, "80.0", METRICS[n % 2])
    ward.follow()
    before = [ward.rows(one, grain, metric) for grain in Grain for metric in METRICS]
    with ward.hub.unit_of_work() as uow:
        uow.feed.move("rollups", START, NOON)
        uow.commit()
    ward.follow()
    assert [ward.rows(one, grain, metric) for grain in Grain for metric in METRICS] == before


def test_a_patient_who_moves_has_the_windows_of_the_new_zone(ward: Ward) -> None:
    one = ward.enrol("America/New_York")
    for n in range(0, 60 * 24 * 40, 7 * 60):
        ward.measures(one, NOON - n * MINUTE, "80.0")
    ward.follow()
    ward.moves(one, "Asia/Kolkata")
    ward.measures(one, NOON + HOUR, "81.0")
    ward.follow()
    assert all(row.window.start.minute == 30 for row in ward.rows(one, Grain.HOUR))
    ward.agrees(one)


def test_a_rebuild_says_how_far_it_is_and_shows_nothing_beyond(ward: Ward) -> None:
    one = ward.enrol("Europe/Berlin")
    for n in range(30):
        ward.measures(one, NOON - n * DAY, "80.0")
    ward.follow()
    assert begin_anew(ward.hub, one)
    steps = 0
    while go_on(ward.hub, one) is Went.ON:
        steps += 1
        with ward.hub.reads() as reads:
            found = reads.rollups(one, "body_weight", Grain.DAY, NOON - 99 * DAY, NOON + DAY)
        assert found.made_to is not None
        assert all(row.window.end <= found.made_to for row in found.rows)
    assert steps >= 4
    ward.agrees(one)


def test_what_comes_while_windows_are_made_beside_the_worker_is_not_lost(ward: Ward) -> None:
    one = ward.enrol("Europe/Berlin")
    ward.measures(one, NOON, "80.0")
    ward.follow()
    assert begin_anew(ward.hub, one)
    came: list[Sample] = []

    def overtaken() -> UnitOfWork:
        """Its windows are made and not written when a reading comes, and the worker has followed that."""
        if not came:
            came.append(ward.measures(one, NOON + MINUTE, "81.0"))
            with ward.hub.unit_of_work() as uow:
                uow.feed.move("rollups", uow.feed.horizon(), NOON)
                uow.commit()
        return ward.hub.unit_of_work()

    finish(replace(ward.hub, unit_of_work=overtaken), one, lambda: None)
    ward.agrees(one)
    assert ward.rows(one, Grain.DAY)[0].high == 81.0


def test_of_a_patient_whose_readings_keep_coming_the_worker_makes_the_windows_and_a_command_those_before(
    ward: Ward,
) -> None:
    one = ward.enrol("Europe/Berlin")
    ward.many(one, [(NOON - n * DAY, "80.0") for n in range(30)], "body_weight")
    ward.follow()
    coming = itertools.count(1)

    def another() -> UnitOfWork:
        ward.measures(one, NOON + next(coming) * MINUTE, "81.0")
        return ward.hub.unit_of_work()

    busy, pauses = replace(ward.hub, unit_of_work=another), itertools.count()
    assert begin_anew(ward.hub, one)
    with pytest.raises(Transient, match="keep coming"):
        finish(busy, one, lambda: next(pauses))
    with ward.hub.reads() as reads:
        made = reads.rollup_source.made(one)
    assert made is not None
    assert made.made_to is not None
    assert NOON - DAY < made.made_to <= NOON
    assert next(pauses) == TRIES
    while go_on(busy, one) is not Went.OVER:
        pass
    ward.follow()
    ward.agrees(one)


def test_two_who_make_the_same_windows_anew_are_not_in_each_other_s_way(ward: Ward) -> None:
    one = ward.enrol("Europe/Berlin")
    ward.many(one, [(NOON - n * HOUR, "80.0") for n in range(200)], "body_weight")
    ward.follow()
    assert begin_anew(ward.hub, one)
    begun = threading.Barrier(2)

    def both(*_: object) -> UnitOfWork:
        with suppress(threading.BrokenBarrierError):
            begun.wait(2)
        return ward.hub.unit_of_work()

    def command() -> None:
        finish(replace(ward.hub, unit_of_work=both), one, lambda: None)
        begun.abort()

    with ThreadPoolExecutor(2) as pool:
        done = [pool.submit(command) for _ in range(2)]
    for each in done:
        each.result()
    ward.agrees(one)


def test_they_say_up_to_when_they_are_complete(ward: Ward) -> None:
    one = ward.enrol("Europe/Berlin")

    def told() -> datetime | None:
        with ward.hub.reads() as reads:
            return reads.rollups(one, "body_weight", Grain.DAY, NOON - DAY, NOON + DAY).complete_to

    assert told() is None
    sample = ward.measures(one, NOON - HOUR, "80.0")
    assert told() == NOON - HOUR  # received then, and not yet in any window
    ward.follow()
    assert told() is None
    ward.void(one, sample)
    assert told() == NOON  # when the windows were last written
    ward.follow()
    assert told() is None


ACTS = st.lists(
    st.one_of(
        st.tuples(st.just("measure"), st.integers(-900, 900), st.integers(600, 900), st.sampled_from(METRICS)),
        st.tuples(st.just("void"), st.integers(0, 50)),
        st.tuples(st.just("correct"), st.integers(0, 50), st.integers(600, 900)),
        st.tuples(st.just("mark"), st.integers(0, 50)),
        st.tuples(st.just("move"), st.sampled_from(ZONES)),
        st.tuples(st.just("follow")),
        st.tuples(st.just("follow")),
    ),
    max_size=25,
)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(acts=ACTS, zone=st.sampled_from(ZONES))
def test_after_any_order_of_acts_the_windows_are_what_the_samples_make(
    ward: Ward, acts: list[tuple[Any, ...]], zone: str
) -> None:
    one, there = ward.enrol(zone), []
    for act in acts:
        done(ward, one, there, act)
    ward.follow()
    ward.agrees(one)


def done(ward: Ward, one: int, there: list[Sample], act: tuple[Any, ...]) -> None:
    match act:
        case ("measure", minutes, tenths, metric):
            there.append(ward.measures(one, NOON + minutes * MINUTE, str(Decimal(tenths) / 10), metric))
        case ("void", place) if place < len(there):
            ward.void(one, there.pop(place))
        case ("correct", place, tenths) if place < len(there):
            there[place] = ward.correct(one, there[place], str(Decimal(tenths) / 10))
        case ("mark", place) if place < len(there):
            ward.mark(one, there[place], "implausible")
        case ("move", zone):
            ward.moves(one, zone)
        case ("follow",):
            ward.follow()


def test_the_schema_keeps_a_patient_s_windows_together() -> None:
    table = metadata.tables["rollup"]
    assert [column.name for column in table.primary_key] == ["patient_id", "metric", "grain", "start_at"]


def test_more_than_one_piece_of_the_feed_is_followed_to_its_end(ward: Ward) -> None:
    one = ward.enrol("Europe/Berlin")
    with ward.hub.unit_of_work() as uow:
        stores(uow, *((one, NOON - n * timedelta(minutes=5), [("body_weight", "80.0")]) for n in range(1100)), first=1)
        uow.commit()
    ward.follow()
    ward.agrees(one)
