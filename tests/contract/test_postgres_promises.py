"""What PostgreSQL must promise beside: away is told as such, whatever way it goes, and is over when it is back."""

import os
import signal
import threading
import traceback
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from hub.adapters.sql import patience
from hub.adapters.sql.engine import Unavailable, make_engine
from hub.adapters.sql.migrate import upgrade
from hub.adapters.sql.unit_of_work import SqlUnitOfWork
from hub.errors import Transient
from hub.services.ingest.poison import SafeProcessor
from tests.contract.hub_rig import until
from tests.servers_postgres import PostgreSQL, postgresql
from tests.unit.alerting.clinic import clinics
from tests.unit.ingest.home import Home, batch, kg, reading


@pytest.fixture(scope="module")
def server() -> Iterator[PostgreSQL]:
    with postgresql(durable=True) as made:
        yield made


@pytest.fixture
def home(server: PostgreSQL, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Home]:
    monkeypatch.setitem(patience.REACHES, "connect_timeout", 2)
    monkeypatch.setattr(patience, "PATIENCE_S", 1.0)
    url = server.create("hub")
    engine = make_engine(url, hurries=False)
    upgrade(engine)
    engine.dispose()
    for clinic in clinics(tmp_path, url=url):
        yield Home(clinic)
    server.drop("hub")


@pytest.mark.parametrize("how", [signal.SIGQUIT, signal.SIGKILL, signal.SIGINT])
def test_a_server_that_ended_is_away_until_it_is_back(home: Home, server: PostgreSQL, how: signal.Signals) -> None:
    assert home.measures(kg(78)) == "stored"
    server.stop(how)
    for _ in range(3):
        with pytest.raises(Unavailable):
            home.measures(kg(79))
    server.start()
    assert home.measures(kg(79)) == "stored"
    assert home.count("reading") == 2


def test_a_server_that_ends_within_a_transaction_has_not_taken_it(home: Home, server: PostgreSQL) -> None:
    with home.hub.unit_of_work() as uow:
        uow.operations.set_stamp("before", "x")
        server.stop()
        with pytest.raises(Unavailable):
            uow.commit()
    server.start()
    assert home.count("stamp") == 0


def test_a_server_that_stands_still_is_not_waited_for(home: Home, server: PostgreSQL) -> None:
    assert home.measures(kg(78)) == "stored"
    server.freeze()
    try:
        for _ in range(2):  # on a connection that was open, and on a new one
            with pytest.raises(Unavailable):
                home.measures(kg(79))
    finally:
        server.thaw()
    assert home.measures(kg(79)) == "stored"
    assert home.count("reading") == 2


def test_a_socket_that_breaks_while_its_connection_is_tried_is_away(home: Home, server: PostgreSQL) -> None:
    """The driver leaves such a connection open, in the middle of an answer."""
    assert home.measures(kg(78)) == "stored"
    with home.clinic.engine.connect() as connection:
        socket = connection.connection.driver_connection.fileno()
    unread, broken = os.pipe()
    os.close(unread)
    server.freeze()
    breaks = threading.Timer(0.2, os.dup2, [broken, socket])
    try:
        breaks.start()
        with pytest.raises(Unavailable):
            home.measures(kg(79))
        breaks.join()
    finally:
        server.thaw()
        os.close(broken)
    assert home.measures(kg(79)) == "stored"
    assert home.count("reading") == 2


def test_a_lock_that_another_holds_is_waited_for_within_bounds(home: Home) -> None:
    with home.clinic.engine.connect() as other:
        other.execute(text("LOCK TABLE journal"))
        with pytest.raises(Unavailable):
            home.measures(kg(78))
    assert home.measures(kg(78)) == "stored"


def test_whoever_stops_a_writer_that_waits_for_a_lock_blames_no_message(home: Home) -> None:
    """It may be killed before the lock is free: then this would be a life that ended in an attempt at the message."""
    message = home.message(batch(home.now, reading(1, home.now, kg(78))), redelivered=True)
    safe = SafeProcessor(home.hub)
    with home.clinic.engine.connect() as other:
        other.execute(text("LOCK TABLE journal"))
        waiting = threading.Thread(target=safe.process, args=[[message]])
        waiting.start()
        until(lambda: home.count("ingest_attempt") == 1)
        safe.leave()
        assert home.count("ingest_attempt") == 0
        assert waiting.is_alive()
    waiting.join()
    assert home.count("ingest_attempt") == 0


def test_two_who_change_two_rows_crosswise_are_told_to_try_again(home: Home) -> None:
    with home.hub.unit_of_work() as uow:
        uow.operations.set_stamp("a", "x")
        uow.operations.set_stamp("b", "x")
        uow.commit()
    with SqlUnitOfWork(home.clinic.engine) as one, SqlUnitOfWork(home.clinic.engine) as two:
        one.operations.restamp("a", "y")
        two.operations.restamp("b", "y")
        with pytest.raises(Transient):
            one.operations.restamp("b", "y")  # within a second one gives up, by itself or as a deadlock


def test_an_error_holds_no_value_of_any_row(home: Home) -> None:
    nothing = "INSERT INTO patient (mrn, name, zone, state) VALUES ('M-77', 'Nel Invented', 'UTC', NULL)"
    for statement in (nothing, "INSERT INTO stamp VALUES ('Invented', '1'), ('Invented', '2')"):
        with home.clinic.engine.begin() as connection, pytest.raises(SQLAlchemyError) as raised:
            connection.exec_driver_sql(statement)
        whole = "".join(traceback.format_exception(raised.value))
        assert "violates" in whole
        assert "Invented" not in whole.replace(statement, "").replace(nothing, "")


def test_a_word_in_a_value_makes_no_error_pass(home: Home) -> None:
    with home.hub.unit_of_work() as uow:
        uow.operations.set_stamp("deadlock detected", "x")
        with pytest.raises(SQLAlchemyError):
            uow.operations.set_stamp("deadlock detected", "could not serialize")
