"""The engine's tick: one module or row that fails stops no other, and an operator knows."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, insert, text, update

from hub.adapters.sql.engine import Unavailable
from hub.adapters.sql.tables.operations import audit
from hub.errors import Transient
from hub.services.engine.guard import one_by_one
from hub.services.engine.runner import PASSES_WITHIN, Engine
from hub.services.engine.sealing import BATCH, SETTLED, Sealing, verify
from hub.services.hub import Hub
from hub.services.ports.storage import UnitOfWork
from tests.unit.ingest.home import ADMIN, Home, homes

SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)


@pytest.fixture
def home(tmp_path: Path, database_url: str | None) -> Iterator[Home]:
    yield from homes(tmp_path, url=database_url)


@dataclass
class Part:
    """A module that does what the test says."""

    name: str
    error: Exception | None = None
    takes: timedelta = timedelta()
    deadline: timedelta = timedelta(seconds=10)
    runs: list[datetime] = field(default_factory=list)
    home: Home | None = None

    def run(self, hub: Hub, now: datetime) -> int:
        self.runs.append(now)
        if self.home is not None:
            self.home.clinic.clock.forward(self.takes)
        if self.error is not None:
            raise self.error
        return 0


def test_a_module_that_raises_does_not_stop_the_next_and_alarms(home: Home) -> None:
    broken, after = Part("broken", ValueError("x")), Part("after")
    engine = Engine(home.hub, [broken, after], "test")
    engine.tick()
    engine.tick()
    assert len(after.runs) == 2
    assert home.alerts() == ["module:broken open"]
    assert home.sentences() == ["The hub's broken module fails (ValueError): its duties wait"]
    assert home.rows("alert", "severity", "over_at") == [(3, None)]


def test_when_it_runs_again_the_alarm_says_it_is_over_even_after_a_restart(home: Home) -> None:
    Engine(home.hub, [Part("broken", ValueError("x"))], "test").tick()
    Engine(home.hub, [Part("broken")], "test").tick()
    assert home.rows("alert", "state", "over_at") == [("open", home.now)]


def test_a_module_that_takes_too_long_alarms(home: Home) -> None:
    Engine(home.hub, [Part("slow", takes=MINUTE, home=home)], "test").tick()
    assert home.sentences() == ["The hub's slow module took 60 s: what is due waits behind it"]


def test_what_may_pass_is_no_alarm(home: Home) -> None:
    after = Part("after")
    Engine(home.hub, [Part("busy", Unavailable("database is locked")), after], "test").tick()
    assert home.alerts() == []
    assert len(after.runs) == 1


def test_what_may_pass_and_does_not_is_an_alarm(home: Home) -> None:
    busy = Part("busy", Unavailable("database is locked"))
    engine = Engine(home.hub, [busy], "test")

    def ticks(forward: timedelta) -> None:
        engine.tick()
        home.clinic.clock.forward(forward)
        engine.tick()

    ticks(PASSES_WITHIN - SECOND)
    busy.error = None
    engine.tick()
    busy.error = Unavailable("database is locked")
    ticks(PASSES_WITHIN - SECOND)
    assert home.alerts() == []
    home.clinic.clock.forward(SECOND)
    engine.tick()
    assert home.sentences() == ["The hub's busy module is hindered for 5 min: its duties wait. Its log shows why"]
    busy.error = None
    engine.tick()
    assert home.rows("alert", "state", "over_at") == [("open", home.now)]


def test_where_not_even_an_alarm_can_be_raised_the_next_module_runs(home: Home) -> None:
    with home.clinic.engine.begin() as connection:
        connection.execute(text("DROP TABLE alert_event"))
    after = Part("after")
    Engine(home.hub, [Part("broken", ValueError("x")), after], "test").tick()
    assert len(after.runs) == 1


def test_a_heartbeat_says_what_is_slow_and_what_fails(home: Home) -> None:
    Engine(home.hub, [Part("slow", takes=3 * SECOND, home=home), Part("broken", ValueError("x"))], "test").tick()
    with home.hub.unit_of_work() as uow:
        (beat,) = uow.operations.heartbeats()
    assert beat.detail == {"slowest_s": {"slow": 3.0}, "failing": ["broken"]}


def test_one_row_that_fails_does_not_stop_the_rest(home: Home) -> None:
    done: list[int] = []

    def act(uow: UnitOfWork, row: int) -> None:
        if row == 2:
            raise ZeroDivisionError
        uow.operations.count("done")
        done.append(row)

    assert one_by_one(home.hub, home.now, [1, 2, 3], act, "rows", str) == 2
    assert done == [1, 3]
    assert home.counters()["done", ""] == 2
    assert home.rows("alert", "subject", "problem") == [("module:rows", "row-failed")]
    assert home.sentences() == ["The hub cannot deal with one rows row, 2: ZeroDivisionError"]


def test_one_row_that_has_to_wait_does_not_stop_the_rest_and_is_told(home: Home) -> None:
    done: list[int] = []

    def act(_uow: UnitOfWork, row: int) -> None:
        if row == 2:
            raise Transient("changed by too many at once")
        if row == 4:
            raise ZeroDivisionError
        done.append(row)

    with pytest.raises(Transient, match="too many at once"):
        one_by_one(home.hub, home.now, [1, 2, 3, 4], act, "rows", str)
    assert done == [1, 3]
    assert home.sentences() == ["The hub cannot deal with one rows row, 4: ZeroDivisionError"]


def test_a_module_that_fails_on_every_row_is_one_alarm(home: Home) -> None:
    def act(_uow: UnitOfWork, _row: int) -> None:
        raise ZeroDivisionError

    for first in (1, 101):
        assert one_by_one(home.hub, home.now, range(first, first + 200), act, "missing", str) == 0
    assert home.rows("alert", "subject", "problem") == [("module:missing", "row-failed")]
    assert home.sentences() == ["The hub cannot deal with 200 missing rows, the first of them 1: ZeroDivisionError"]


# The audit's chain -----------------------------------------------------------------------------------------------


def sealed(home: Home, rows: int = 6) -> None:
    with home.hub.unit_of_work() as uow:
        for number in range(rows):
            uow.audit.write(home.now, ADMIN.name, "test.act", f"thing:{number}", {"n": number})
        uow.commit()
    home.clinic.clock.forward(SETTLED)
    while Sealing().run(home.hub, home.now):
        pass


def change(home: Home, statement: Any) -> None:
    with home.clinic.engine.begin() as connection:
        connection.execute(statement)


def test_a_whole_chain_holds(home: Home) -> None:
    sealed(home, BATCH + 7)
    checked, wrong = verify(home.hub)
    assert wrong is None
    assert checked == home.count("audit")


@pytest.mark.parametrize("column", ["actor", "act", "subject", "detail"])
def test_an_edit_is_found(home: Home, column: str) -> None:
    sealed(home)
    row_id = home.rows("audit", "id")[-3]
    change(home, update(audit).where(audit.c.id == row_id).values({column: "x"}))
    assert verify(home.hub)[1] == row_id


def test_a_deletion_is_found(home: Home) -> None:
    sealed(home)
    ids = home.rows("audit", "id")
    change(home, delete(audit).where(audit.c.id == ids[-3]))
    assert verify(home.hub)[1] == ids[-2]


def test_a_swap_is_found(home: Home) -> None:
    sealed(home)
    first, second = home.rows("audit", "id")[-3:-1]
    for before, after in ((first, -1), (second, first), (-1, second)):
        change(home, update(audit).where(audit.c.id == before).values(id=after))
    assert verify(home.hub)[1] == second, "it stands where the first stood"


def test_a_hash_that_was_taken_away_is_found(home: Home) -> None:
    sealed(home)
    row_id = home.rows("audit", "id")[-3]
    change(home, update(audit).where(audit.c.id == row_id).values(subject="x", hash=None))
    assert verify(home.hub)[1] == row_id


def test_a_row_that_was_unsealed_whole_leaves_a_gap(home: Home) -> None:
    sealed(home)
    ids = home.rows("audit", "id")
    change(home, update(audit).where(audit.c.id == ids[-3]).values(subject="x", hash=None, position=None))
    assert verify(home.hub)[1] == ids[-2]
    home.clinic.clock.forward(SETTLED)
    Sealing().run(home.hub, home.now)
    assert verify(home.hub)[1] == ids[-2], "sealing it again does not close the gap"


def test_a_row_that_committed_late_with_a_lower_id_breaks_nothing(home: Home) -> None:
    """As PostgreSQL does it: ids are taken when rows are written, seen when their transaction commits."""
    sealed(home)
    row = {"at": home.now, "actor": "x", "act": "test.act", "subject": "y", "detail": "{}"}
    for row_id in (1000, 999, 1001):
        change(home, insert(audit).values(id=row_id, **row))
        home.clinic.clock.forward(SETTLED)
        assert Sealing().run(home.hub, home.now) == 1
    assert verify(home.hub) == (home.count("audit"), None)
    assert sorted(home.rows("audit", "position")) == list(range(1, home.count("audit") + 1))
    assert home.rows("audit", "id", "position")[-3][0] == 999


def test_two_workers_do_not_seal_two_rows_at_one_position(home: Home) -> None:
    sealed(home)
    with home.hub.unit_of_work() as uow:
        for subject in ("one", "two"):
            uow.audit.write(home.now, "x", "test.act", subject, {})
        one, two = uow.audit.unsealed(9)
        uow.audit.seal([(one.id, 99, b"1" * 32)])
        with pytest.raises(Transient, match="another worker"):
            uow.audit.seal([(two.id, 99, b"2" * 32)])


def test_what_is_not_sealed_yet_is_not_wrong(home: Home) -> None:
    sealed(home)
    with home.hub.unit_of_work() as uow:
        uow.audit.write(home.now, "x", "test.act", "y", {})
        uow.commit()
    assert Sealing().run(home.hub, home.now) == 0
    assert verify(home.hub) == (home.count("audit") - 1, None)


def test_rows_are_sealed_whatever_the_clock_did(home: Home) -> None:
    """One written just now, then one whose clock stood an hour behind."""
    with home.hub.unit_of_work() as uow:
        uow.audit.write(home.now, "x", "test.act", "first", {})
        uow.audit.write(home.now - HOUR, "x", "test.act", "second", {})
        uow.commit()
    home.clinic.clock.forward(SECOND)
    while Sealing().run(home.hub, home.now):
        pass
    home.clinic.clock.forward(SETTLED)
    while Sealing().run(home.hub, home.now):
        pass
    assert verify(home.hub) == (home.count("audit"), None)


# Gateways --------------------------------------------------------------------------------------------------------


def alarms(home: Home) -> list[str]:
    return [line for line in home.alerts() if line.split()[0] in {"offline", "silent", "dropping", "clock-wrong"}]


def test_an_offline_gateway_is_alarmed_after_five_minutes_and_closed_when_it_is_back(home: Home) -> None:
    home.status()
    home.status(online=False)
    home.forward(4 * MINUTE, every=MINUTE)
    assert alarms(home) == []
    home.forward(2 * MINUTE, every=MINUTE)
    assert alarms(home) == ["offline open"]
    home.status()
    home.tick()
    assert alarms(home) == ["offline closed"]


def test_a_gateway_whose_first_word_is_its_last_will_is_offline(home: Home) -> None:
    home.status(online=False)
    home.forward(6 * MINUTE, every=MINUTE)
    assert alarms(home) == ["offline open"]


def test_online_and_silent_is_an_alarm_of_its_own(home: Home) -> None:
    home.status()
    home.forward(16 * MINUTE, every=MINUTE)
    assert alarms(home) == ["silent open"]
    home.measures([], flags=["no_signal"])
    home.tick()
    assert alarms(home) == ["silent closed"]


def test_a_wrong_clock_is_alarmed_and_over_when_it_is_right(home: Home) -> None:
    home.status(clock_offset_s=-3600.0)
    home.tick()
    assert alarms(home) == ["clock-wrong open"]
    assert home.sentences() == ["The clock of gateway Home 1 is off by -3600 s"]
    home.status(clock_offset_s=1.0)
    home.tick()
    assert alarms(home) == ["clock-wrong closed"]


def test_dropped_readings_are_alarmed_each_time_there_are_more(home: Home) -> None:
    home.status(spool_dropped_total=3)
    home.status(spool_dropped_total=3)
    home.tick()
    assert alarms(home) == ["dropping open"]
    change(home, text("UPDATE alert SET state = 'resolved'"))
    home.status(spool_dropped_total=3)
    home.forward(2 * MINUTE, every=MINUTE)
    assert alarms(home) == ["dropping resolved"]
    home.status(spool_dropped_total=5)
    assert alarms(home) == ["dropping resolved", "dropping open"]
    home.status(spool_dropped_total=0)
    assert alarms(home) == ["dropping resolved", "dropping closed"]


def test_a_retired_gateway_alarms_nobody(home: Home) -> None:
    home.status()
    home.status(online=False)
    home.forward(6 * MINUTE, every=MINUTE)
    change(home, text("UPDATE gateway SET retired_at = 1"))
    home.tick()
    assert alarms(home) == ["offline closed"]


def test_a_gateway_that_was_never_heard_is_not_installed_yet(home: Home) -> None:
    home.forward(HOUR)
    assert alarms(home) == []
