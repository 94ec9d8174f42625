"""The database."""

import click

from hub.bootstrap import DEMO, PRODUCTION, open_database
from hub.cli.context import settings


@click.group()
def db() -> None:
    """The database."""


@db.command()
@click.option("--mode", type=click.Choice([PRODUCTION, DEMO]), default=PRODUCTION, show_default=True)
def upgrade(mode: str) -> None:
    """Bring the database to this version's schema; a new one is stamped with its mode for ever."""
    open_database(settings(), mode)
    click.echo("The database is at this version's schema.")
