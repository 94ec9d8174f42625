"""Old readings are thinned: what mattered stays, and hours and days are what they were before."""

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from hub.adapters.sql import engine
from hub.adapters.sql.engine import make_engine
from hub.adapters.sql.tables.measurements import journal
from hub.domain.findings import Finding
from hub.domain.rollups import Grain, Rollup
from hub.domain.samples import Sample
from hub.domain.severity import Severity
from hub.errors import NotPermitted, Refused, Transient
from hub.services import thinning
from hub.services.hub import Actor
from hub.services.thinning import Thinned, begin, thin
from tests.contract.series_rows import DAY, HOUR, MINUTE, NOON, sqlite
from tests.contract.series_ward import ROLLBACK_JOURNAL, Ward

OPERATOR = Actor("Rita Invented", "operator")
OLD = NOON - 100 * DAY
GLUCOSE = "blood_glucose"


@pytest.fixture(params=["sqlite", ROLLBACK_JOURNAL, "postgresql"])
def ward(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Ward]:
    monkeypatch.setattr(engine, "wal_is_safe", lambda: request.param != ROLLBACK_JOURNAL)
    there = request.param == "postgresql"
    made = make_engine(request.getfixturevalue("postgres_url")) if there else sqlite(tmp_path)
    yield Ward(made)
    made.dispose()


def sensor(ward: Ward, one: int, hours: float = 24) -> list[Sample]:
    """A glucose sensor's readings, every five minutes from the old noon on."""
    count = int(hours * 12)
    return ward.many(one, [(OLD + 5 * n * MINUTE, str(90 + (n * 37) % 101)) for n in range(count)], GLUCOSE)


def thinned(ward: Ward, one: int, keep: int = 24, *, dry: bool = False, pause: Any = lambda: None) -> Thinned | None:
    ward.follow()
    order, patients = begin(ward.hub, OPERATOR, 90 * DAY, keep, dry=dry)
    assert one in patients
    return thin(ward.hub, OPERATOR, one, order, pause)


def left(ward: Ward, one: int) -> list[Sample]:
    with ward.hub.unit_of_work() as uow:
        return uow.series.range(one, GLUCOSE, OLD - 9 * DAY, NOON)


def numbers(rows: list[Rollup]) -> list[tuple[Any, ...]]:
    return [
        (r.window, r.count, pytest.approx(r.mean, rel=1e-12), r.low, r.high, r.last, r.last_at, r.below, r.left_out)
        for r in rows
    ]


def summaries(ward: Ward, one: int) -> list[Any]:
    ward.follow()
    return [numbers(ward.rows(one, grain, GLUCOSE)) for grain in Grain]


def test_hours_and_days_stay_and_the_journal_keeps_every_reading(ward: Ward) -> None:
    one = ward.enrol("America/New_York")
    there = sensor(ward, one, hours=48)
    before = summaries(ward, one)
    done = thinned(ward, one)
    assert done == Thinned(3, len(there) - len(left(ward, one)), len(left(ward, one)))
    assert len(left(ward, one)) <= 3 * 24
    assert summaries(ward, one) == before
    ward.agrees(one)
    assert sum(row.thinned for row in ward.rows(one, Grain.DAY, GLUCOSE)) == done.removed
    with ward.engine.connect() as connection:
        assert connection.execute(select(func.count()).select_from(journal)).scalar_one() == len(there)


def test_what_mattered_stays_one_by_one(ward: Ward) -> None:
    one = ward.enrol("Europe/Berlin")
    there = sensor(ward, one)
    ward.mark(one, there[100], "implausible")
    ward.void(one, there[101])
    by = ward.correct(one, there[102], "111")
    with ward.hub.unit_of_work() as uow:
        finding = Finding(
            "glucose-low", "glucose-low", Severity.RED, there[103].at, "low", reading_id=there[103].reading_id
        )
        uow.findings.add(
            one, finding, found_at=there[103].at, protocol_version_id=None, retrospective=False, alert_id=None
        )
        uow.commit()
    thinned(ward, one, 8)
    ids = {sample.reading_id for sample in left(ward, one)}
    assert {there[0].reading_id, there[-1].reading_id, there[100].reading_id, by.reading_id} <= ids
    assert there[103].reading_id in ids
    values = [sample.value for sample in left(ward, one)]
    assert (min(values), max(values)) == (Decimal(90), Decimal(190))
    assert there[50].reading_id not in ids
    with ward.hub.unit_of_work() as uow:
        assert len(uow.series.amended(one, OLD, NOON)) == 2


def test_a_day_with_few_readings_is_left_alone(ward: Ward) -> None:
    one = ward.enrol("Europe/Berlin")
    sensor(ward, one, hours=1)
    assert thinned(ward, one) == Thinned()
    assert len(left(ward, one)) == 12


def test_a_late_reading_in_a_thinned_hour_makes_it_right(ward: Ward) -> None:
    one = ward.enrol("Asia/Kolkata")
    there = sensor(ward, one)
    thinned(ward, one)
    late = ward.measures(one, OLD + 2 * HOUR + timedelta(seconds=30), "40", GLUCOSE)
    ward.follow()
    rows = ward.rows(one, Grain.DAY, GLUCOSE)
    assert sum(row.count for row in rows) == len(there) + 1
    assert min(row.low for row in rows if row.low is not None) == 40
    total = sum(float(sample.value) for sample in [*there, late])
    assert sum(row.total for row in rows) == pytest.approx(total)


def test_an_extreme_that_is_void_gives_way_to_the_next_though_that_one_was_thinned_away(ward: Ward) -> None:
    one = ward.enrol("UTC")
    ward.many(one, [(OLD + n * MINUTE, str(100 + n % 50)) for n in range(55)], GLUCOSE)
    highest = ward.measures(one, OLD + 30 * MINUTE, "300", GLUCOSE)
    thinned(ward, one, 8)
    ward.void(one, highest)
    ward.follow()
    (hour,) = ward.rows(one, Grain.HOUR, GLUCOSE)
    assert (hour.count, hour.high) == (55, 149)


def test_a_second_run_takes_nothing_more(ward: Ward) -> None:
    one = ward.enrol("UTC")
    sensor(ward, one)
    thinned(ward, one)
    once = left(ward, one)
    assert thinned(ward, one) == Thinned()
    assert left(ward, one) == once


def test_a_run_that_was_interrupted_goes_on(ward: Ward) -> None:
    one = ward.enrol("UTC")
    sensor(ward, one, hours=48)
    before = summaries(ward, one)

    def interrupted() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        thinned(ward, one, pause=interrupted)
    assert summaries(ward, one) == before
    thinned(ward, one)
    assert len(left(ward, one)) <= 3 * 24
    assert summaries(ward, one) == before


def test_a_run_that_ended_before_it_noted_what_it_took_is_noted_by_the_next(
    ward: Ward, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = ward.enrol("UTC")
    sensor(ward, one, hours=12)

    def unavailable(*_: object) -> None:
        raise Transient("the database is away")

    with monkeypatch.context() as patched:
        patched.setattr(thinning, "insist", unavailable)
        with pytest.raises(Transient):
            thinned(ward, one)
    assert len(left(ward, one)) <= 24
    assert thinned(ward, one) == Thinned()
    ward.agrees(one)


def test_what_comes_to_matter_while_it_runs_stays(ward: Ward) -> None:
    one = ward.enrol("UTC")
    there = sensor(ward, one)
    doubted: list[Sample] = []

    def meanwhile() -> None:
        if not doubted:
            still = {sample.reading_id for sample in left(ward, one)}
            doubted.extend(sample for sample in there[110:140:5] if sample.reading_id in still)
            for sample in doubted:
                ward.mark(one, sample, "implausible")

    thinned(ward, one, 8, pause=meanwhile)
    assert {sample.reading_id for sample in doubted} <= {sample.reading_id for sample in left(ward, one)}
    ward.follow()
    ward.agrees(one)
    assert sum(row.count + row.left_out for row in ward.rows(one, Grain.DAY, GLUCOSE)) == len(there)


def test_a_dry_run_counts_and_takes_nothing(ward: Ward) -> None:
    one = ward.enrol("UTC")
    there = sensor(ward, one)
    dry = thinned(ward, one, dry=True)
    assert left(ward, one) == there
    assert thinned(ward, one) == dry


def test_it_is_audited_with_what_was_taken(ward: Ward) -> None:
    one = ward.enrol("UTC")
    sensor(ward, one)
    done = thinned(ward, one)
    assert done is not None
    with ward.hub.unit_of_work() as uow:
        acts = {row.act: row.detail for row in uow.audit.unsealed(99)}
    assert f'"removed": {done.removed}' in acts["series.thinned"]
    assert '"keep": 24' in acts["series.thin"]


def test_what_is_erased_leaves_no_sum_behind(ward: Ward) -> None:
    one = ward.enrol("UTC")
    sensor(ward, one)
    thinned(ward, one)
    ward.erase(one, OLD - DAY, OLD + 2 * DAY)
    assert summaries(ward, one) == [[], []]


def test_a_patient_who_moves_after_it_keeps_the_sums(ward: Ward) -> None:
    one = ward.enrol("UTC")
    there = sensor(ward, one)
    thinned(ward, one)
    ward.moves(one, "Asia/Kolkata")
    ward.follow()
    assert sum(row.count for row in ward.rows(one, Grain.HOUR, GLUCOSE)) == len(there)
    ward.agrees(one)


def test_whose_hours_are_not_made_yet_is_left_out(ward: Ward) -> None:
    one = ward.enrol("UTC")
    there = sensor(ward, one)
    order, _ = begin(ward.hub, OPERATOR, 90 * DAY, 24, dry=False)
    assert thin(ward.hub, OPERATOR, one, order, lambda: None) is None
    assert left(ward, one) == there


def test_what_charts_and_rules_use_is_never_thinned(ward: Ward) -> None:
    with pytest.raises(Refused, match="last 90 days"):
        begin(ward.hub, OPERATOR, 89 * DAY, 24, dry=False)
    with pytest.raises(Refused, match="at least 8"):
        begin(ward.hub, OPERATOR, 90 * DAY, 7, dry=False)
    with pytest.raises(NotPermitted):
        begin(ward.hub, Actor("Ana Example", "nurse"), 90 * DAY, 24, dry=False)


ACTS = st.lists(
    st.one_of(
        st.tuples(st.just("measure"), st.integers(0, 1400), st.integers(900, 1900)),
        st.tuples(st.just("void"), st.integers(0, 90)),
        st.tuples(st.just("thin"), st.integers(8, 16)),
    ),
    max_size=10,
)


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(first=st.lists(st.tuples(st.integers(0, 1400), st.integers(900, 1900)), min_size=20, max_size=60), acts=ACTS)
def test_whatever_comes_between_runs_the_summaries_are_those_of_all_samples(
    ward: Ward, first: list[tuple[int, int]], acts: list[tuple[Any, ...]]
) -> None:
    one, twin = ward.enrol("Europe/Berlin"), ward.enrol("Europe/Berlin")  # the twin's readings are never thinned
    measured = [(OLD + minute * MINUTE, str(Decimal(tenths) / 10)) for minute, tenths in first]
    there = list(zip(ward.many(one, measured, GLUCOSE), ward.many(twin, measured, GLUCOSE), strict=True))
    for act in acts:
        match act:
            case ("measure", minute, tenths):
                at, number = OLD + minute * MINUTE, str(Decimal(tenths) / 10)
                there.append((ward.measures(one, at, number, GLUCOSE), ward.measures(twin, at, number, GLUCOSE)))
            case ("void", place) if place < len(there) and there[place][0] in left(ward, one):
                ward.void(one, there[place][0])
                ward.void(twin, there.pop(place)[1])
            case ("thin", keep):
                thinned(ward, one, keep)
    assert summaries(ward, one) == summaries(ward, twin)
