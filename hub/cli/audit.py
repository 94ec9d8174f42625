"""The audit log."""

import sys

import click

from hub.cli.context import hub
from hub.services.engine.sealing import verify


@click.group()
def audit() -> None:
    """The audit log."""


@audit.command(name="verify")
def verify_chain() -> None:
    """Check the hash chain: any edit, deletion or swap of a sealed row breaks it."""
    checked, broken = verify(hub())
    if broken is not None:
        click.echo(
            f"The chain is broken at row {broken}: it, or one before it, was changed after it was sealed.", err=True
        )
        sys.exit(1)
    click.echo(f"{checked} rows sealed, the chain holds.")
