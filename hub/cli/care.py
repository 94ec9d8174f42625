"""Protocols and check-ins."""

from datetime import datetime
from pathlib import Path

import click

from hub.adapters.checkin_files import load_checkin
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
    click.echo(f"{protocol_id} is in force, signed by {by}.", err=True)


@protocol.command(name="list")
def list_protocols() -> None:
    """List templates, and which are in force."""
    the_hub = build_hub(settings(), role="command")
    with the_hub.unit_of_work() as uow:
        in_force = {one.protocol.id: (one.signed_at, one.protocol.signed_by) for one in uow.protocols.all_current()}
    for name, (_body, template) in sorted(the_hub.templates().items()):
        differs = name in in_force and not signing.is_current(the_hub, name)
        click.echo(f"{name:20} {template.title} ({_state(in_force.get(name), differs=differs)})")


@click.group()
def checkin() -> None:
    """Check-ins: what patients are asked by text, once a clinician has signed it."""


@checkin.command(name="check")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def check_checkin(file: Path) -> None:
    """Check a check-in FILE: every question and answer, and that its texts may be sent, before anybody signs it."""
    found = load_checkin(file).checkin
    questions = f"{len(found.steps)} question{'s' if len(found.steps) > 1 else ''}"
    click.echo(f"{found.id} version {found.version}: {questions}, no fault found.")


@checkin.command(name="sign")
@click.argument("checkin_id", metavar="ID")
@click.option("--by", required=True, metavar="NAME", help="The clinician who signs.")
@json_option
def sign_checkin(checkin_id: str, by: str, as_json: bool) -> None:
    """Copy the template ID into force, signed. From then on it is asked of every patient it is for who agreed."""
    version_id = signing.sign_checkin(hub(), COMMAND_LINE, checkin_id, by)
    print_row({"id": version_id, "checkin": checkin_id, "signed_by": by}, as_json=as_json)
    click.echo(f"{checkin_id} is in force, signed by {by}.", err=True)


@checkin.command()
@click.argument("checkin_id", metavar="ID")
def retire(checkin_id: str) -> None:
    """Ask the check-in ID of nobody any more."""
    signing.retire_checkin(hub(), COMMAND_LINE, checkin_id)
    click.echo(f"{checkin_id} is asked of nobody any more.")


@checkin.command(name="list")
def list_checkins() -> None:
    """List templates, and which are in force."""
    the_hub = build_hub(settings(), role="command")
    with the_hub.unit_of_work() as uow:
        in_force = {one.checkin.id: (one.signed_at, one.checkin.signed_by) for one in uow.checkins.all_current()}
    for name, (_body, template) in sorted(the_hub.checkin_templates().items()):
        differs = name in in_force and not signing.is_checkin_current(the_hub, name)
        click.echo(f"{name:20} {template.title} ({_state(in_force.get(name), differs=differs)})")


def _state(signed: tuple[datetime, str | None] | None, *, differs: bool) -> str:
    if signed is None:
        return "not in force"
    at, by = signed
    state = f"in force since {at:%Y-%m-%d}, {f'signed by {by}' if by else 'not signed off'}"
    return f"{state}; the template differs: read it, then sign again" if differs else state
