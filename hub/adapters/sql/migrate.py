"""Bring a database to this version's schema, and know whether it is there."""

from enum import Enum, auto
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine

from hub.errors import WrongSetting


class Schema(Enum):
    """Where a database stands."""

    EMPTY = auto()
    OLDER = auto()
    CURRENT = auto()
    FOREIGN = auto()
    """Of a later version, or of none of ours."""


def upgrade(engine: Engine) -> None:
    """Run every migration that is still to come. Nothing happens where the schema is current."""
    with engine.connect() as connection:
        config = _config()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        connection.commit()


def is_current(engine: Engine) -> bool:
    """Whether the schema is this version's."""
    with engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision() == _head()


def standing(connection: Connection) -> Schema:
    """Where this database stands, told without touching it."""
    revision = MigrationContext.configure(connection).get_current_revision()
    if revision is None:
        return Schema.EMPTY
    if revision == _head():
        return Schema.CURRENT
    known = {script.revision for script in ScriptDirectory.from_config(_config()).walk_revisions()}
    return Schema.OLDER if revision in known else Schema.FOREIGN


def check_current(engine: Engine) -> None:
    """Raise ``WrongSetting`` with the mend, if the schema is another version's."""
    if not is_current(engine):
        raise WrongSetting("The database is not at this version's schema. Run: rpmhub db upgrade")


def _head() -> str | None:
    return ScriptDirectory.from_config(_config()).get_current_head()


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    return config
