"""Bring a database to this version's schema, and know whether it is there."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine

from hub.errors import WrongSetting


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
