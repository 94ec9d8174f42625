"""What commands share: settings, the hub, the command line's own actor, and how results are printed."""

import json
import os
import signal
import threading
from collections.abc import Mapping
from typing import Any

import click

from hub.adapters.database_file.presence import NEW
from hub.bootstrap import build_hub
from hub.services.hub import Actor, Hub
from hub.settings import Settings, load

COMMAND_LINE = Actor("command line", "admin")
"""Whoever may run commands on the hub's machine may do anything to it; the audit says that it was done here."""

json_option = click.option("--json", "as_json", is_flag=True, help="Print the whole row as JSON.")

new_database = click.option(
    NEW, "new", is_flag=True, help="Begin with an empty database although there are signs of one that is gone."
)


def settings() -> Settings:
    """The settings of this start."""
    return load(os.environ)


def hub() -> Hub:
    """The hub on the database the settings name."""
    return build_hub(settings(), role="command")


def print_row(row: Mapping[str, Any], *, as_json: bool) -> None:
    """The id alone, for a shell to catch; with ``as_json`` the whole row."""
    click.echo(json.dumps(row, default=str) if as_json else row["id"])


def until_told_to_stop() -> threading.Event:
    """An event that SIGTERM and SIGINT set."""
    stop = threading.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda _number, _frame: stop.set())
    return stop
