"""Protocols."""

from pathlib import Path

import click

from hub.adapters.protocol_files import load_template
from hub.bootstrap import build_hub
from hub.cli.context import COMMAND_LINE, hub, json_option, print_row, settings
from hub.services import signing


@click.group()
def protocol() -> None:
    """Protocols: templates that a clinician signs into force."""


@protocol.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def check(file: Path) -> None:
    """Check a protocol FILE: every rule, limit and slot, before anybody signs it."""
    found = load_template(file).protocol
    click.echo(
        f"{found.id} version {found.version}: {len(found.rules)} rules, {len(found.slots)} slots, no fault found."
    )


@protocol.command()
@click.argument("protocol_id", metavar="ID")
@click.option("--by", required=True, metavar="NAME", help="The clinician who signs.")
@json_option
def sign(protocol_id: str, by: str, as_json: bool) -> None:
    """Copy the template ID into force, signed. Patients already on an earlier copy stay on it."""
    version_id = signing.sign_protocol(hub(), COMMAND_LINE, protocol_id, by)
    print_row({"id": version_id, "protocol": protocol_id, "signed_by": by}, as_json=as_json)


@protocol.command(name="list")
def list_protocols() -> None:
    """List templates, and which are in force."""
    the_hub = build_hub(settings(), role="command")
    with the_hub.unit_of_work() as uow:
        in_force = {one.protocol.id: one for one in uow.protocols.all_current()}
    for name, (_body, template) in sorted(the_hub.templates().items()):
        one = in_force.get(name)
        state = (
            "not in force"
            if one is None
            else f"in force since {one.signed_at:%Y-%m-%d}, "
            + (f"signed by {one.protocol.signed_by}" if one.protocol.signed_by else "not signed off")
        )
        if one is not None and not signing.is_current(the_hub, name):
            state += "; the template differs: read it, then sign again"
        click.echo(f"{name:20} {template.title} ({state})")
