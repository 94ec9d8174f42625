"""What is set, and whether it can work."""

import click

from hub.cli.context import settings
from hub.settings import describe


@click.command()
@click.option(
    "--settings", "show_settings", is_flag=True, help="Print every setting with its value and what it is for."
)
def doctor(show_settings: bool) -> None:
    """Check the settings; with --settings print them, secrets masked."""
    found = settings()
    if show_settings:
        for name, value, text in describe(found):
            click.echo(f"{name}={value}\n    {text}")
    else:
        click.echo("The settings are readable.")
