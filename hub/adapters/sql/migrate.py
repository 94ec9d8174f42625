"""Bring a database to this version's schema, and know whether it is there.

Alembic is loaded where there is something to migrate: to know where a database stands takes one question, and each
process of the hub asks it when it begins.
"""

import logging
from collections.abc import Callable
from contextlib import nullcontext
from enum import Enum, auto
from pathlib import Path

from sqlalchemy import Connection, Engine, column, inspect, select, table

from hub.adapters.clock import SystemClock
from hub.adapters.sql.hold import alone
from hub.errors import WrongSetting

log = logging.getLogger(__name__)

Tell = Callable[[str], None]
"""Takes a sentence for the operator who waits."""

IN_THE_LOG: Tell = log.info

MIGRATIONS = Path(__file__).parent / "migrations"
_STANDS = table("alembic_version", column("version_num"))


class Schema(Enum):
    """Where a database stands."""

    EMPTY = auto()
    OLDER = auto()
    CURRENT = auto()
    FOREIGN = auto()
    """Of a later version, or of none of ours."""


def upgrade_alone(engine: Engine, tell: Tell = IN_THE_LOG) -> None:
    """As ``upgrade``, of a database that others may use.

    Raises ``Transient`` while a program of the version before has an embedded one: it would go on in tables that it
    does not know.
    """
    with engine.connect() as connection:
        older = standing(connection) is Schema.OLDER
    file = engine.url.database if engine.dialect.name == "sqlite" else None
    with alone(Path(file)) if file and older else nullcontext():
        upgrade(engine, tell)


def upgrade(engine: Engine, tell: Tell = IN_THE_LOG) -> None:
    """Run every migration that is still to come. Nothing happens where the schema is current.

    ``tell`` hears of each before it begins and after it: with many readings one takes minutes. A new database is made
    without a word.
    """
    if is_current(engine):
        return
    from alembic import command
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    titles, clock = ScriptDirectory.from_config(config), SystemClock()
    with engine.connect() as connection:
        config.attributes["connection"] = connection
        for revision in _to_come(connection):
            tell(f"Migration {revision} of {revisions()[-1]}: {titles.get_revision(revision).doc}")
            begun = clock.monotonic()
            command.upgrade(config, revision)
            connection.commit()
            tell(f"Migration {revision} took {clock.monotonic() - begun:.1f} s.")
        command.upgrade(config, "head")
        connection.commit()


def is_current(engine: Engine) -> bool:
    """Whether the schema is this version's."""
    with engine.connect() as connection:
        return standing(connection) is Schema.CURRENT


def standing(connection: Connection) -> Schema:
    """Where this database stands, told without touching it."""
    revision, known = _revision(connection), revisions()
    if revision is None:
        return Schema.EMPTY
    if revision == known[-1]:
        return Schema.CURRENT
    return Schema.OLDER if revision in known else Schema.FOREIGN


def check_current(engine: Engine) -> None:
    """Raise ``WrongSetting`` with the mend, if the schema is another version's."""
    if not is_current(engine):
        raise WrongSetting("The database is not at this version's schema. Run: rpmhub db upgrade")


def revisions() -> list[str]:
    """Of this version, the first first: a file of ``migrations/versions`` begins with its revision's number."""
    return sorted(file.name.partition("_")[0] for file in (MIGRATIONS / "versions").glob("[0-9]*.py"))


def _to_come(connection: Connection) -> list[str]:
    """What a database of an earlier version is behind."""
    if standing(connection) is not Schema.OLDER:
        return []
    stands = _revision(connection)
    return [revision for revision in revisions() if stands is not None and revision > stands]


def _revision(connection: Connection) -> str | None:
    if not inspect(connection).has_table(_STANDS.name):
        return None
    return connection.execute(select(_STANDS.c.version_num)).scalar()
