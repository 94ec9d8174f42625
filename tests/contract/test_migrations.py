"""A database that an earlier version made, with rows in it, brought to this version's schema."""

import fcntl
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory

from hub.adapters.sql import migrate
from hub.adapters.sql.engine import make_engine, sqlite_driver
from hub.adapters.sql.unit_of_work import SqlUnitOfWork
from hub.errors import Transient
from tests.contract.migrating import at_revision
from tests.contract.test_command_line import Operator

GATEWAY = "INSERT INTO gateway (id, name, credential, created_at) VALUES ('g-1', 'Home 1', 'x', 0)"
FINDING = """INSERT INTO finding (rule, problem, severity, at, found_at, sentence, inputs, confirmed, retrospective,
    patient_id, reading_id) VALUES ('r', 'p', 3, 1000, 1000, 's', '{}', 1, 1, 1, 16)"""


def test_the_files_of_migrations_are_named_in_the_order_in_which_they_run() -> None:
    config = Config()
    config.set_main_option("script_location", str(migrate.MIGRATIONS))
    scripts = ScriptDirectory.from_config(config).walk_revisions()
    assert [script.revision for script in scripts][::-1] == migrate.revisions()


def test_gateways_and_findings_of_before_are_nothing_of_a_replay(tmp_path: Path) -> None:
    file = tmp_path / "hub.db"
    engine = make_engine(f"sqlite:///{file}")
    at_revision(engine, "0001")
    with closing(sqlite3.connect(file)) as database, database:
        database.execute(GATEWAY)
        database.execute(FINDING)
    migrate.upgrade(engine)
    with SqlUnitOfWork(engine) as uow:
        (gateway,) = uow.gateways.all()
        assert (gateway.id, gateway.purpose, gateway.replays) == ("g-1", "ordinary", False)
        assert uow.findings.worst_since(1, datetime(1970, 1, 1, tzinfo=UTC)) == 3
    engine.dispose()


def test_each_step_is_told_before_it_begins_and_when_it_is_done(tmp_path: Path) -> None:
    file = tmp_path / "hub.db"
    engine = make_engine(f"sqlite:///{file}")
    at_revision(engine, "0009")
    newest = migrate.revisions()[-1]
    told: list[tuple[str, str]] = []
    migrate.upgrade(engine, lambda sentence: told.append((sentence, stands(file))))
    assert told[0] == (f"Migration 0010 of {newest}: A sample takes half the room.", "0009")
    assert told[1][0].startswith("Migration 0010 took ")
    assert told[1][1] == "0010"
    assert len(told) == 2 * len([one for one in migrate.revisions() if one > "0009"])
    migrate.upgrade(engine, lambda sentence: pytest.fail(sentence))
    engine.dispose()


def test_nothing_is_migrated_under_a_program_of_before(tmp_path: Path) -> None:
    file = tmp_path / "hub.db"
    engine = make_engine(f"sqlite:///{file}")
    at_revision(engine, "0011")
    with (tmp_path / "hub.db.lock").open("w") as theirs:
        fcntl.flock(theirs, fcntl.LOCK_SH)
        with pytest.raises(Transient, match="stop it first"):
            migrate.upgrade_alone(engine)
    assert stands(file) == "0011"
    migrate.upgrade_alone(engine)
    with (tmp_path / "hub.db.lock").open("w") as theirs:
        fcntl.flock(theirs, fcntl.LOCK_SH)
        migrate.upgrade_alone(engine)  # nothing is to be done
    engine.dispose()


def test_a_new_database_is_made_without_a_word(tmp_path: Path) -> None:
    engine = make_engine(f"sqlite:///{tmp_path / 'hub.db'}")
    migrate.upgrade(engine, lambda sentence: pytest.fail(sentence))
    assert migrate.is_current(engine)
    engine.dispose()


def test_the_operator_sees_each_step_of_an_upgrade(tmp_path: Path) -> None:
    operator = Operator(tmp_path)
    operator.says("db", "upgrade")
    engine = make_engine(f"sqlite:///{operator.data / 'hub.sqlite3'}")
    at_revision(engine, "0010", back=True)
    engine.dispose()
    done = operator.run("db", "upgrade")
    assert done.returncode == 0, done.stderr
    assert done.stdout == "The database is at this version's schema.\n"
    assert "Migration 0011 of " in done.stderr
    assert "Migration 0011 took " in done.stderr


def stands(file: Path) -> str:
    """The revision that another program sees."""
    with closing(sqlite_driver().connect(file)) as database:
        (revision,) = database.execute("SELECT version_num FROM alembic_version").fetchone()
    return str(revision)
