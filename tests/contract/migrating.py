"""A database at the schema of an earlier version."""

from alembic import command
from alembic.config import Config
from sqlalchemy import Engine

from hub.adapters.sql import migrate


def at_revision(engine: Engine, revision: str, *, back: bool = False) -> None:
    """Bring it there, forward or ``back``."""
    config = Config()
    config.set_main_option("script_location", str(migrate.MIGRATIONS))
    with engine.connect() as connection:
        config.attributes["connection"] = connection
        (command.downgrade if back else command.upgrade)(config, revision)
        connection.commit()
