"""The database."""

from functools import partial

import click

from hub.adapters.database_file.presence import refuse_missing
from hub.bootstrap import DEMO, PRODUCTION, open_database
from hub.cli.context import new_database, settings


@click.group()
def db() -> None:
    """The database."""


@db.command()
@click.option("--mode", type=click.Choice([PRODUCTION, DEMO]), default=PRODUCTION, show_default=True)
@click.option("--existing", is_flag=True, help="Make no new database: for a service that starts by itself.")
@new_database
def upgrade(mode: str, existing: bool, new: bool) -> None:
    """Bring the database to this version's schema; a new one is stamped with its mode for ever."""
    wanted = settings()
    if existing and wanted.database_file is not None:
        refuse_missing(wanted.database_file, wanted.data)
    open_database(wanted, mode, new=new, tell=partial(click.echo, err=True))
    click.echo("The database is at this version's schema.")
