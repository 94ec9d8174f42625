"""How far a long command is: on a terminal one line that moves, elsewhere nothing."""

import sys

import click

from hub.adapters.sql.manifest import Tell


def progress() -> Tell:
    """What a long command tells how far it is."""
    if not sys.stderr.isatty():
        return lambda _what, _done, _of: None
    shown = ""

    def tell(what: str, done: int, of: int) -> None:
        nonlocal shown
        line = f"  {what} {100 * done // max(of, 1)} %"
        if line != shown:
            click.echo(f"\r{line}   ", nl=done >= of, err=True)
            shown = line

    return tell
