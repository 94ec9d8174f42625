"""Transactions one after the other: each is as new, whether or not its connection is."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event
from sqlalchemy.exc import SQLAlchemyError

from hub.adapters.sql import many
from hub.adapters.sql.unit_of_work import SqlUnitOfWork, units_of_work
from tests.unit.ingest.home import Home, homes, spo2

Give = Callable[[], SqlUnitOfWork]


@pytest.fixture
def home(tmp_path: Path, database_url: str | None) -> Iterator[Home]:
    yield from homes(tmp_path, url=database_url)


@pytest.fixture
def give(home: Home) -> Give:
    return units_of_work(home.clinic.engine)


@pytest.fixture
def connected(home: Home) -> list[Any]:
    """Grows by each connection that is taken from the engine."""
    seen: list[Any] = []
    event.listen(home.clinic.engine, "checkout", lambda driver, *_: seen.append(driver))
    return seen


def test_what_was_not_committed_is_undone_and_counted_nowhere(give: Give) -> None:
    with give() as uow:
        uow.operations.set_stamp("left", "x")
        uow.operations.count("left")
    with give() as uow:
        assert uow.operations.stamp("left") is None
        uow.commit()
    with give() as uow:
        assert ("left", "") not in uow.operations.counters()


def test_what_one_was_told_the_next_one_asks_anew(home: Home, give: Give) -> None:
    with give() as uow:
        assert uow.operations.stamp("later") is None
        before = uow.staff.reachable("nurse")
    with home.hub.unit_of_work() as other:
        other.operations.set_stamp("later", "x")
        other.staff.add("new", "New Invented", "nurse", "+15550199", "hash", home.now)
        other.commit()
    with give() as uow:
        assert uow.operations.stamp("later") == "x"
        assert [one.name for one in uow.staff.reachable("nurse")] == [*(one.name for one in before), "New Invented"]


def test_on_sqlite_a_connection_is_kept_and_a_servers_is_looked_at_anew(
    home: Home, give: Give, connected: list[Any]
) -> None:
    for _ in range(3):
        with give() as uow:
            uow.operations.registry_version()
            uow.commit()
    assert len(connected) == (1 if home.clinic.engine.dialect.name == "sqlite" else 3)


def test_two_at_a_time_have_a_connection_each(give: Give, connected: list[Any]) -> None:
    with give() as one:
        one.operations.registry_version()
        one.commit()
        with give() as two:
            two.operations.registry_version()
    assert len({id(driver) for driver in connected}) == 2


def test_after_an_error_nothing_is_kept(give: Give, connected: list[Any]) -> None:
    with pytest.raises(SQLAlchemyError), give() as uow:
        _stamp_twice(uow)
    with give() as uow:
        assert uow.operations.stamp("left") is None
    assert len(connected) == 2


def _stamp_twice(uow: SqlUnitOfWork) -> None:
    uow.operations.set_stamp("left", "x")
    uow.operations.set_stamp("left", "x")


def test_an_engine_that_is_disposed_of_has_the_file_closed(home: Home, tmp_path: Path, give: Give) -> None:
    with give() as uow:
        uow.operations.set_stamp("mode", "x")
        uow.commit()
    home.clinic.engine.dispose()
    assert not list(tmp_path.glob("**/*-wal")), "whoever closes it last removes its WAL"
    with give() as uow:
        assert uow.operations.stamp("mode") == "x"


def test_no_alarm_waits_for_a_statement_that_could_be_ready(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a process of its own nothing would be: here those are forgotten that other tests have made ready."""
    for one in many._MADE:
        monkeypatch.setattr(one, "_known", {})
    units_of_work(home.clinic.engine, ready=True)
    made, compiled = {id(one) for one in many._MADE}, many.Many._compiled
    late: list[many.Many] = []

    def note(one: many.Many, connection: Any) -> Any:
        late.append(one)
        return compiled(one, connection)

    monkeypatch.setattr(many.Many, "_compiled", note)
    assert home.measures(spo2(80)) == "stored"
    assert len(home.alerts()) == 1
    assert not [one for one in late if id(one) in made]
