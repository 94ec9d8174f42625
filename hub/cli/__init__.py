"""The ``rpmhub`` command."""

import os
import sys

import click


def main() -> None:
    """Run ``rpmhub``; every error made on purpose ends it with its sentence and status 1."""
    try:
        from hub.cli.commands import rpmhub
        from hub.errors import HubError
    except ModuleNotFoundError as missing:
        click.echo(f"{missing.name} is not installed. The hub needs its extra: pip install 'rpmhub[hub]'", err=True)
        sys.exit(1)
    os.umask(0o077)  # whatever the hub writes holds patient data: its owner's alone
    try:
        rpmhub(prog_name="rpmhub")
    except HubError as error:
        click.echo(f"Error: {error}", err=True)
        sys.exit(1)
