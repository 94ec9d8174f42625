"""A reading is known by both its keys whichever tree they lie in, and no key lies in two."""

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, Table, event, func, inspect, select, text
from sqlalchemy.exc import IntegrityError

from hub.adapters.sql.engine import make_engine
from hub.adapters.sql.journal import SqlJournal
from hub.adapters.sql.key_trees import TOGETHER
from hub.adapters.sql.migrate import upgrade
from hub.adapters.sql.tables import metadata
from hub.adapters.sql.tables.keys import record_by_time, record_key, transport_by_time, transport_key
from hub.adapters.sql.unit_of_work import SqlUnitOfWork
from hub.domain.effective import OLDEST
from hub.services.forgetting import SHORTEST
from hub.services.ports.measuring import AnsweredKey, JournalEntry, KeyTaken, KnownKey, KnownRecord
from hub.services.ports.storage import UnitOfWork
from tests.contract.migrating import at_revision
from tests.contract.series_rows import NOON, entry
from tests.unit.ingest.home import Home

RECORDS = [
    "2026-03-02T12:00:00/9f86d081884c7d65",  # the device's clock and its bytes
    "17/2026-03-02T12:00:00",  # its number and clock
    "17/9f86d081884c7d65",
    "2026-03-02T12:00:00",
    "r",
    "/",
    "ünï-code/2026-03-02T12:00:00+01:00/x",
]
FEW, MANY = 1, TOGETHER
ASKED = "SCAN json_each VIRTUAL TABLE INDEX 1:"


def group(count: int, first: int = 100, **more: Any) -> list[JournalEntry]:
    """Readings of one gateway in one transaction; ``more`` is of the first of them."""
    entries = [entry(seq, 1, NOON, device="D", record=f"{seq}/2026-03-02") for seq in range(first, first + count)]
    return [entry(first, 1, NOON, **({"device": "D", "record": f"{first}/2026-03-02"} | more)), *entries[1:]]


def counts(connection: Connection) -> dict[str, int]:
    tables: list[Table] = [transport_key, transport_by_time, record_key, record_by_time]
    return {one.name: connection.execute(select(func.count()).select_from(one)).scalar_one() for one in tables}


def standing(home: Home) -> dict[str, int]:
    with home.clinic.engine.connect() as connection:
        return counts(connection)


def stored(home: Home, *groups: list[JournalEntry]) -> None:
    with home.hub.unit_of_work() as uow:
        for entries in groups:
            uow.journal.append(entries)
        uow.commit()


@pytest.fixture
def empty(empty_database_url: str) -> Iterator[Engine]:
    engine = make_engine(empty_database_url)
    yield engine
    engine.dispose()


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_many_of_a_gateway_lie_by_its_name_and_few_by_time(home: Home) -> None:
    stored(home, group(MANY), group(MANY - 1, 200), group(FEW, 300, record=None))
    assert standing(home) == {
        "transport_key": MANY,
        "transport_by_time": MANY,
        "record_key": MANY,
        "record_by_time": MANY - 1,
    }


def test_answers_to_recordings_are_counted_by_their_gateway_s_name(home: Home) -> None:
    stored(home, group(FEW, replayed=True))
    assert standing(home) == {"transport_key": 1, "transport_by_time": 0, "record_key": 1, "record_by_time": 0}


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_where_several_processes_write_there_is_one_tree(home: Home) -> None:
    stored(home, group(FEW), group(MANY, 200))
    assert standing(home)["transport_by_time"] == standing(home)["record_by_time"] == 0


@pytest.mark.parametrize(("before", "again"), [(FEW, MANY), (MANY, FEW), (FEW, FEW), (MANY, MANY)])
@pytest.mark.parametrize("record", RECORDS)
def test_what_came_before_is_told_whichever_way_it_came(uow: UnitOfWork, before: int, again: int, record: str) -> None:
    uow.journal.append(group(before, 100, record=record))
    sent_again = group(again, 100, record="other")
    heard_again = group(again, 200, record=record, gateway_id="g-2")
    for entries in sent_again, heard_again:
        with pytest.raises(KeyTaken), uow.savepoint():
            uow.journal.append(entries)
    uow.journal.append(group(again, 200, record=record, device="E"))


@pytest.mark.parametrize("count", [FEW, MANY])
def test_what_was_answered_without_a_row_is_told_too(uow: UnitOfWork, count: int) -> None:
    uow.journal.note_answered([AnsweredKey("g-1", "s-1", 100, b"x" * 16, "rejected", "schema")])
    with pytest.raises(KeyTaken), uow.savepoint():
        uow.journal.append(group(count))
    uow.journal.append(group(FEW, 300))
    with pytest.raises(KeyTaken):
        uow.journal.note_answered([AnsweredKey("g-1", "s-1", 300, b"x" * 16, "rejected", "schema")])


@pytest.mark.parametrize("count", [FEW, MANY])
@pytest.mark.parametrize("record", RECORDS)
def test_both_keys_are_found_where_they_lie(uow: UnitOfWork, count: int, record: str) -> None:
    (first, *_) = entries = group(count, record=record, status="held", code="unassigned")
    uow.journal.append(entries)
    keys = [("g-1", "s-1", 100), ("g-1", "s-2", 100), ("g-2", "s-1", 100), ("g-1", "s-1", 99)]
    assert uow.journal.transport_keys(keys) == {keys[0]: KnownKey(first.digest, "held", "unassigned")}
    records = [("D", record), ("E", record), ("D", f"{record}x")]
    assert uow.journal.record_keys(records) == {("D", record): KnownRecord(first.record_digest, held=True)}


@pytest.mark.parametrize("count", [FEW, MANY])
@pytest.mark.parametrize("record", RECORDS)
def test_the_key_of_a_held_record_moves_to_the_copy_that_has_an_owner(uow: UnitOfWork, count: int, record: str) -> None:
    held = group(count, record=record, status="held", code="unassigned")
    (before, *_) = uow.journal.append(held)
    owned = group(FEW, 200, record=record, record_digest=held[0].record_digest, replaces_held=True)
    uow.journal.append(owned)
    assert uow.journal.get_held(before) is None
    assert uow.journal.record_keys([("D", record)]) == {("D", record): KnownRecord(held[0].record_digest, held=False)}
    with pytest.raises(KeyTaken):
        uow.journal.append(group(MANY, 300, record=record))


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("undone", [False, True])
def test_what_another_process_adds_by_name_is_looked_at(home: Home, *, undone: bool) -> None:
    """This one has learnt before how far the keys go, and once more in a transaction that came to nothing."""
    other = SqlUnitOfWork(home.clinic.engine)
    clock = "2026-03-02T12:00:{}/x".format
    single: dict[str, Any] = {"device": "D", "device_id": 3}
    stored(home, [entry(10, 1, NOON, record=clock("10"), **single)])
    if undone:
        with home.hub.unit_of_work() as uow:
            uow.journal.append([entry(1000 + n, 1, NOON, record=clock("30") + str(n), **single) for n in range(MANY)])
    with other as uow:
        uow.journal.append([entry(20 + n, 1, NOON, record=clock("20") + str(n), **single) for n in range(MANY)])
        uow.commit()
    for again in entry(20, 1, NOON, record=None, **single), entry(99, 1, NOON, record=clock("20") + "0", **single):
        with home.hub.unit_of_work() as uow, pytest.raises(KeyTaken):
            uow.journal.append([again])
    stored(home, [entry(99, 1, NOON, record=clock("21"), **single)])


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_what_a_savepoint_undid_moves_no_version(home: Home) -> None:
    """Else the next change of another process would pass for this one's own."""
    single: dict[str, Any] = {"device": "D", "device_id": 3}
    stored(home, [entry(1, 1, NOON, record="2026-03-02T12:00:00/x", **single)])
    with home.hub.unit_of_work() as uow:
        with pytest.raises(KeyTaken), uow.savepoint():
            uow.journal.append([entry(1, 1, NOON), *group(MANY, 500)])
        uow.commit()
    with SqlUnitOfWork(home.clinic.engine) as other:
        other.journal.append([entry(20 + n, 1, NOON, record=f"2026-03-02T12:00:2{n}/x", **single) for n in range(MANY)])
        other.commit()
    with home.hub.unit_of_work() as uow, pytest.raises(KeyTaken):
        uow.journal.append([entry(99, 1, NOON, record="2026-03-02T12:00:27/x", **single)])


@pytest.mark.parametrize("at_once", [False, True])
def test_what_this_process_added_by_name_it_looks_at(home: Home, *, at_once: bool) -> None:
    """It had learnt before how far the keys went. ``at_once``: in one unit of work, as another one after its commit."""
    single: dict[str, Any] = {"device": "D", "device_id": 3}
    named = [entry(20 + n, 1, NOON, record=f"2026-03-02T12:00:2{n}/x", **single) for n in range(MANY)]
    noted = AnsweredKey("g-2", "s-1", 30, b"x" * 16, "rejected", "schema")
    stored(home, [entry(1, 1, NOON, record="2026-03-02T12:00:00/x", **single), entry(1, 1, NOON, gateway_id="g-2")])
    with home.hub.unit_of_work() as uow:
        uow.journal.append(named)
        uow.journal.note_answered([noted])
        uow.commit()
        if at_once:
            uow.journal.append([entry(40 + n, 1, NOON, gateway_id="g-3") for n in range(MANY)])
            uow.commit()
    sent, heard = {"record": None} | single, {"record": "2026-03-02T12:00:27/x"} | single
    for again in entry(20, 1, NOON, **sent), entry(99, 1, NOON, **heard), entry(30, 1, NOON, gateway_id="g-2"):
        with home.hub.unit_of_work() as uow, pytest.raises(KeyTaken):
            uow.journal.append([again])


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_what_this_process_added_by_name_it_knows_without_asking_all_again(home: Home) -> None:
    stored(home, [entry(1, 1, NOON, device_id=3, record="2026-03-02T12:00:00/x"), entry(1, 1, NOON, gateway_id="g-2")])
    stored(home, group(MANY, 100))
    asked: list[str] = []
    event.listen(home.clinic.engine, "before_cursor_execute", lambda *told: asked.append(told[2]))
    stored(home, [entry(2, 1, NOON, device_id=3, record="2026-03-02T12:00:01/x", gateway_id="g-2")])
    assert not [question for question in asked if "max(" in question and "_key" in question]
    stored(home, [entry(200, 1, NOON)])
    assert [question for question in asked if "max(seq)" in question]


def test_keys_are_forgotten_in_either_tree(home: Home) -> None:
    stored(home, group(FEW), group(MANY, 200))
    with home.hub.unit_of_work() as uow:
        newest = uow.transport_keys.received_before(NOON + SHORTEST)
        assert uow.transport_keys.forget(0, newest, NOON + OLDEST) == FEW + MANY
        uow.commit()
    assert standing(home)["transport_key"] == standing(home)["transport_by_time"] == 0


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_no_question_walks_through_a_tree(home: Home) -> None:
    """All keys of years are in them."""
    asked: list[tuple[str, Any]] = []
    with home.hub.unit_of_work() as uow:
        uow.journal.append(group(FEW))
        event.listen(home.clinic.engine, "before_cursor_execute", lambda *told: asked.append((told[2], told[3])))
        uow.journal.record_keys([("D", "r"), ("D", "s")])
        uow.journal.transport_keys([("g-1", "s-1", 1), ("g-1", "s-1", 2)])
        uow.journal.append(group(FEW, 500, replaces_held=True))
        uow.commit()
    questions = [(question, given) for question, given in asked if "_by_time" in question or "_key" in question]
    with home.clinic.engine.connect() as connection:
        rows = [connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {question}", given) for question, given in questions]
        plans = [str(row[-1]) for answer in rows for row in answer]
    assert any("USING PRIMARY KEY" in plan for plan in plans)
    assert {plan for plan in plans if plan.startswith("SCAN")} <= {"SCAN CONSTANT ROW", ASKED}


@pytest.mark.parametrize("tables", ["migrated", "as described"])
@pytest.mark.parametrize("empty_database_url", ["sqlite"], indirect=True)
def test_the_database_itself_refuses_by_name_what_stands_by_time(empty: Engine, tables: str) -> None:
    """Also where the tables were made as they are described, with no history."""
    if tables == "migrated":
        upgrade(empty)
    else:
        metadata.create_all(empty)
    sent = "(gateway_id, spool, seq, digest, status) VALUES ('g', 's', 1, x'00', 'stored')"
    named = "(device, record, digest, journal_id) VALUES ('D', '1/2026-03-02T12:00:00', x'00', 1)"
    timed = named.replace("(device", "(clock, device").replace("('D'", "('2026-03-02T12:00:00', 'D'")
    for first, second in (
        (f"transport_by_time {sent}", f"transport_key {sent}"),
        (f"record_by_time {timed}", f"record_key {named}"),
    ):
        with empty.connect() as connection:
            connection.execute(text(f"INSERT INTO {first}"))
            with pytest.raises(IntegrityError, match="UNIQUE constraint failed"):
                connection.execute(text(f"INSERT INTO {second}"))


@pytest.mark.parametrize("empty_database_url", ["sqlite"], indirect=True)
def test_the_tables_are_as_described_with_their_triggers(empty: Engine) -> None:
    def triggers() -> list[tuple[str, str]]:
        with empty.begin() as connection:
            found = connection.execute(text("SELECT name, sql FROM sqlite_master WHERE type = 'trigger' ORDER BY name"))
            return [(name, " ".join(sql.split())) for name, sql in found]

    upgrade(empty)
    migrated = triggers()
    with empty.begin() as connection:
        connection.execute(text("DROP TABLE transport_key"))
        connection.execute(text("DROP TABLE record_key"))
    metadata.create_all(empty, tables=[transport_key, record_key])
    assert [name for name, _ in migrated] == ["record_key_once", "transport_key_once"]
    assert triggers() == migrated


def test_back_at_the_version_before_no_key_is_lost(empty: Engine) -> None:
    upgrade(empty)
    with empty.begin() as connection:
        SqlJournal(connection).append(group(FEW))
        SqlJournal(connection).append(group(MANY, 200))
    at_revision(empty, "0011", back=True)
    assert not inspect(empty).has_table("transport_by_time")
    with empty.connect() as connection:
        for table in (transport_key, record_key):
            assert connection.execute(select(func.count()).select_from(table)).scalar_one() == FEW + MANY
    upgrade(empty)
    with empty.begin() as connection, pytest.raises(KeyTaken):
        SqlJournal(connection).append(group(FEW))
