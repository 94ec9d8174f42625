"""A database that an earlier version made, with rows in it, brought to this version's schema."""

import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from alembic.config import Config
from alembic.script import ScriptDirectory

from hub.adapters.sql import migrate
from hub.adapters.sql.engine import make_engine
from hub.adapters.sql.unit_of_work import SqlUnitOfWork
from tests.contract.migrating import at_revision

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
