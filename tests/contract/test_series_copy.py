"""InfluxDB as a copy of the series: whatever happens to it, nothing waits for it, and it comes to hold the same."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, delete, insert, select

from hub.adapters.series.influx import InfluxSeries
from hub.adapters.sql.engine import make_engine, read_only
from hub.adapters.sql.reads import SqlReads
from hub.adapters.sql.reads.copying import AWAY, CopiedCharts
from hub.adapters.sql.tables.measurements import METRIC_CODES, reading
from hub.adapters.sql.tables.summaries import thinned
from hub.adapters.sql.unit_of_work import SqlUnitOfWork
from hub.errors import Transient
from hub.services.copying import STALE, WHOLE, WRITING, Copier, differences, lag
from hub.services.engine.copying import Copying
from hub.services.hub import Hub
from hub.services.ports.feed import START, Position
from hub.services.ports.series import Amendment
from hub.services.ports.storage import UnitOfWork
from tests.contract.series_rows import DAY, HOUR, MINUTE, NOON, entry, sqlite, stores
from tests.contract.series_stores import influx
from tests.servers_influx import BUCKET, InfluxDB, influxdb
from tests.unit.alerting.clinic import clinics

WHY = Amendment("someone else", "Ana Example", NOON)


class Side:
    """A hub with a clock that moves, and its copy in an InfluxDB."""

    def __init__(self, hub: Hub, engine: Engine, copy: InfluxSeries) -> None:
        self.hub, self.engine, self.copy = hub, engine, copy
        self.copier = Copier(hub, copy)
        self.now = NOON
        self._seq = 0

    def measured(self, count: int, patients: int = 3, since: datetime = NOON) -> None:
        """So many readings of two values, as ingest stores them."""
        readings = [
            (
                n % patients + 1,
                since + n * MINUTE,
                [("oxygen_saturation", f"{90 + n % 9}"), ("pulse_rate", f"{60 + n % 40}")],
            )
            for n in range(self._seq, self._seq + count)
        ]
        with self.hub.unit_of_work() as uow:
            stores(uow, *readings, first=self._seq + 1)
            uow.commit()
        self._seq += count

    def does(self, act: Callable[[UnitOfWork], object]) -> None:
        with self.hub.unit_of_work() as uow:
            act(uow)
            uow.commit()

    def follows(self) -> int:
        """Steps until there is nothing left; how many samples were copied."""
        copied, idle = 0, 0
        while idle < 2:  # a copy that is begun anew says so by one empty step
            some = self.copier.step(self.now)
            copied += some
            idle = 0 if some else idle + 1
        return copied

    def same(self) -> bool:
        return list(differences(self.hub, self.copy, lambda *_: None)) == []

    def behind(self) -> int:
        with self.hub.reads() as reads:
            return lag(reads.copy_source.feed).readings

    def whole(self) -> Position:
        with self.hub.unit_of_work() as uow:
            return uow.feed.position(WHOLE)


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    made = sqlite(tmp_path) if request.param == "sqlite" else make_engine(request.getfixturevalue("postgres_url"))
    yield made
    made.dispose()


def on(engine: Engine, folder: Path) -> Iterator[Hub]:
    def reads() -> object:
        return _Reads(engine)

    for clinic in clinics(folder):
        yield replace(clinic.hub, unit_of_work=lambda: SqlUnitOfWork(engine), reads=reads)  # type: ignore[arg-type]


class _Reads:
    def __init__(self, engine: Engine) -> None:
        self._connection = read_only(engine).connect()

    def __enter__(self) -> SqlReads:
        return SqlReads(self._connection)

    def __exit__(self, *_: object) -> None:
        self._connection.close()


@pytest.fixture
def side(engine: Engine, influx_url: str, tmp_path: Path) -> Iterator[Side]:
    (tmp_path / "clinic").mkdir()
    copy = influx(influx_url)
    for hub in on(engine, tmp_path / "clinic"):
        yield Side(hub, engine, copy)
    copy.close()


@pytest.fixture
def own(tmp_path: Path) -> Iterator[tuple[Side, InfluxDB]]:
    """With an InfluxDB of its own, that may be stopped."""
    (tmp_path / "clinic").mkdir()
    made = sqlite(tmp_path)
    with influxdb() as server:
        copy = influx(server.url(), timeout_s=2.0)
        for hub in on(made, tmp_path / "clinic"):
            yield Side(hub, made, copy), server
        copy.close()
    made.dispose()


# Following -------------------------------------------------------------------------------------------------------


def test_all_that_was_measured_comes_to_be_in_the_copy(side: Side) -> None:
    side.measured(500)
    assert not side.same()
    assert side.follows() == 1000
    assert side.same()
    side.measured(100)
    assert side.behind() == 100
    assert side.follows() == 200
    assert (side.same(), side.behind()) == (True, 0)
    assert side.follows() == 0


def test_what_is_amended_marked_released_and_erased_is_so_in_the_copy(side: Side) -> None:
    side.measured(60)
    side.follows()
    with side.hub.unit_of_work() as uow:
        first, second, third, *_ = uow.series.range(1, "pulse_rate", NOON, NOON + DAY)
    side.does(lambda uow: uow.series.void(1, first, WHY))
    side.does(lambda uow: uow.series.correct(1, second, second._replace(reading_id=9 * 10**6), WHY))
    side.does(lambda uow: uow.series.mark(1, third.flagged(frozenset({"suspect"}))))
    side.does(lambda uow: uow.series.erase(2, NOON + 10 * MINUTE, NOON + 40 * MINUTE))
    assert not side.same()
    side.follows()
    assert side.same()
    found = side.copy.range(1, "pulse_rate", NOON, NOON + DAY)
    assert [sample.reading_id for sample in found[:2]] == [9 * 10**6, third.reading_id]
    assert found[1].flags == {"suspect"}
    ends = NOON + 10 * MINUTE, NOON + 40 * MINUTE
    assert side.copy.range(2, "pulse_rate", *ends) == []
    assert side.copy.range(2, "pulse_rate", NOON, NOON + DAY)


def test_a_held_reading_is_copied_when_it_has_an_owner(side: Side) -> None:
    side.does(lambda uow: uow.journal.append([entry(1, None, NOON)]))
    side.follows()
    assert side.copy.counts() == {}


# The engine away -------------------------------------------------------------------------------------------------


def test_readings_are_stored_while_it_is_away_and_copied_when_it_is_back(own: tuple[Side, InfluxDB]) -> None:
    side, server = own
    side.measured(50)
    side.follows()
    server.kill()
    for _ in range(5):
        side.measured(100)
        with pytest.raises(Transient):
            side.copier.step(side.now)
    assert side.behind() == 500
    server.start()
    assert side.follows() == 1000
    assert side.same()


def test_it_dies_between_the_write_and_the_mark(own: tuple[Side, InfluxDB], monkeypatch: pytest.MonkeyPatch) -> None:
    side, server = own
    side.measured(50)
    side.follows()
    side.measured(50)
    write = side.copy.write

    def then_die(points: object) -> None:
        write(points)  # type: ignore[arg-type]
        server.kill()

    monkeypatch.setattr(side.copy, "write", then_die)
    before = side.whole()
    with pytest.raises(Transient):
        side.copier.step(side.now)
    monkeypatch.undo()
    assert side.whole() == before
    server.start()
    side.follows()
    assert side.same()


def test_the_hub_dies_between_the_mark_and_its_own_position(side: Side, monkeypatch: pytest.MonkeyPatch) -> None:
    side.measured(50)
    side.follows()
    side.measured(50)
    mark = side.copy.set_mark

    def then_die(to: Position) -> None:
        mark(to)
        raise KeyboardInterrupt

    monkeypatch.setattr(side.copy, "set_mark", then_die)
    with pytest.raises(KeyboardInterrupt):
        side.copier.step(side.now)
    monkeypatch.undo()
    another = Copier(side.hub, side.copy)
    assert another.step(side.now + MINUTE) == 0  # it may live, and be slow
    assert another.step(side.now + STALE) > 0
    assert side.same()


def test_an_engine_that_hangs_is_given_up_in_time(own: tuple[Side, InfluxDB]) -> None:
    side, server = own
    side.measured(10)
    server.freeze()
    with pytest.raises(Transient, match="Timeout"):
        side.copier.step(side.now)
    server.thaw()
    side.follows()
    assert side.same()


# A copy that is not what was left there ----------------------------------------------------------------------------


def test_a_copy_that_was_wiped_is_made_anew(side: Side, influx_server: InfluxDB, influx_url: str) -> None:
    side.measured(100)
    side.follows()
    bucket = influx_url.rpartition("/")[2]
    influx_server.drop(bucket)
    influx_server.create(bucket)
    side.measured(10)
    side.follows()
    assert side.same()


def test_after_the_hubs_database_was_restored_the_copy_is_made_anew(side: Side) -> None:
    """What the copy holds of the time after the backup is not the hub's any more."""
    side.measured(100)
    side.follows()
    side.does(lambda uow: (uow.feed.move(WHOLE, Position(40, 0), NOON), uow.feed.move(WRITING, Position(40, 0), NOON)))
    side.does(lambda uow: uow.series.erase(1, NOON, NOON + HOUR))
    side.follows()
    assert side.same()


def test_anew_by_command_while_another_writes_waits_for_it(side: Side) -> None:
    side.measured(20)
    side.follows()
    assert side.copier.begin_anew(side.now)
    assert side.copy.counts() == {}
    side.follows()
    assert side.same()
    side.does(lambda uow: uow.feed.move(WRITING, Position(99, 0), side.now))
    another = Copier(side.hub, side.copy)
    assert not another.begin_anew(side.now + MINUTE)
    assert another.begin_anew(side.now + STALE)


def test_two_at_it_write_everything_once(side: Side) -> None:
    side.measured(400)
    copied: list[int] = []

    def follow() -> None:
        copier = Copier(side.hub, side.copy)
        copied.append(sum(copier.step(side.now) for _ in range(20)))

    both = [threading.Thread(target=follow) for _ in range(2)]
    for one in both:
        one.start()
    for one in both:
        one.join()
    side.now += STALE
    side.follows()
    assert side.same()
    assert sum(copied) in range(800, 1601)


# What is told, and what is shown -----------------------------------------------------------------------------------


def test_an_hour_behind_is_an_operators_alarm_until_it_has_caught_up(own: tuple[Side, InfluxDB]) -> None:
    side, server = own
    module = Copying(side.copy)
    side.measured(10)
    module.run(side.hub, NOON)
    server.kill()
    side.measured(10)
    for minutes, alarms in ((5, []), (59, []), (75, ["amber"]), (80, ["amber"])):
        assert module.run(side.hub, NOON + minutes * MINUTE) == 0
        assert _alarms(side) == alarms, minutes
    server.start()
    module.run(side.hub, NOON + 81 * MINUTE)
    assert _alarms(side) == []


def _alarms(side: Side) -> list[str]:
    with side.hub.unit_of_work() as uow:
        alert = uow.alerts.open_of("hub", "series-copy-behind")
        return [] if alert is None else [alert.severity.word]


def test_charts_come_from_the_copy_only_while_it_holds_all_of_the_patient(own: tuple[Side, InfluxDB]) -> None:
    side, server = own
    side.measured(30)
    times = [NOON]
    charts = CopiedCharts(side.copy, lambda: times[0])

    def shown(patient_id: int = 1) -> object:
        with read_only(side.engine).connect() as connection:
            return charts.since(connection, patient_id, NOON - HOUR)

    assert shown() is None  # nothing was copied yet
    side.follows()
    with side.hub.unit_of_work() as uow:
        theirs = {name: uow.series.range(1, name, NOON, NOON + DAY) for name in ("oxygen_saturation", "pulse_rate")}
    assert shown() == theirs
    side.measured(1, patients=1)
    assert shown(1) is None  # a reading of this patient is missing
    assert shown(2) is not None  # of another nothing is
    side.follows()
    side.does(lambda uow: uow.series.void(1, theirs["pulse_rate"][0], WHY))
    assert shown(1) is None
    side.follows()
    assert shown(1) is not None
    server.kill()
    assert shown(1) is None
    server.start()
    assert shown(1) is None  # it is not asked again at once
    times[0] += AWAY
    assert shown(1) is not None
    server.drop(BUCKET)
    server.create(BUCKET)
    assert shown(1) is None  # empty, and not because nothing was measured


def test_a_copy_never_begun_is_as_far_behind_as_there_are_readings(side: Side) -> None:
    side.measured(7)
    with side.hub.reads() as reads:
        behind = lag(reads.copy_source.feed)
    assert (behind.readings, behind.age(NOON + HOUR)) == (7, HOUR)
    with side.hub.unit_of_work() as uow:
        assert uow.feed.position(WHOLE) == START
    side.follows()
    with side.hub.reads() as reads:
        assert lag(reads.copy_source.feed).age(NOON + timedelta(days=9)) == timedelta(0)


def test_a_copy_may_hold_what_was_thinned_and_no_more_than_that(side: Side) -> None:
    side.measured(60)
    side.follows()
    gone = {"patient_id": 1, "metric": METRIC_CODES["pulse_rate"]}

    def thin(count: int) -> None:
        with side.engine.connect() as connection:
            mine = (reading.c.patient_id == 1) & (reading.c.metric == gone["metric"])
            oldest = select(reading.c.at).where(mine).order_by(reading.c.at).limit(count)
            connection.execute(delete(reading).where(mine, reading.c.at.in_(oldest)))
            connection.commit()

    thin(3)
    assert not side.same()
    with side.engine.connect() as connection:
        sums = (
            {c.name: 0 for c in thinned.c if not c.nullable}
            | gone
            | {"start_at": NOON, "end_at": NOON + HOUR, "counted": 3}
        )
        connection.execute(insert(thinned).values(sums))
        connection.commit()
    assert side.same()
    thin(1)
    assert not side.same()
    assert side.copier.begin_anew(side.now)
    side.follows()
    assert side.same()
