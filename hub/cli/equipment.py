"""Gateways and devices."""

from datetime import UTC, datetime

import click

from hub.adapters.clock import SystemIds
from hub.adapters.mosquitto_files import hash_password, write_files
from hub.bootstrap import HUB_USER, broker_address
from hub.cli.context import COMMAND_LINE, hub, json_option, print_row, settings
from hub.services import equipment
from hub.services.hub import Hub
from hub.settings import Settings, config_dir


class Gateway(click.Group):
    """``gateway add`` is the hub's; every other command is the gateway program's own."""

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The hub's command of this name, else one that starts the gateway program with it."""
        return super().get_command(ctx, cmd_name) or _passed_on(cmd_name)


def _passed_on(name: str) -> click.Command | None:
    if name.startswith("-"):
        return None

    @click.command(name=name, context_settings={"ignore_unknown_options": True, "help_option_names": []})
    @click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
    def passed_on(arguments: tuple[str, ...]) -> None:
        from hub.cli.roles import become

        become("device_gateway", name, *arguments)

    return passed_on


@click.group(cls=Gateway)
def gateway() -> None:
    """Gateways: add one to the hub, or run, status, decode as the gateway program does."""


@gateway.command(name="add")
@click.argument("name")
@json_option
def add_gateway(name: str, as_json: bool) -> None:
    """Register a gateway NAME and make its broker credential.

    Prints the new id, which is its user name at the broker and stands in its topics. The password is shown once.
    """
    wanted, the_hub, ids = settings(), hub(), SystemIds()
    password = ids.token()
    gateway_id = equipment.add_gateway(the_hub, COMMAND_LINE, name, hash_password(password, ids.token().encode()[:12]))
    write_broker_files(wanted, the_hub)
    address = wanted.broker
    scheme = "mqtts" if address.tls else "mqtt"
    url = f"{scheme}://{gateway_id}:{password}@{address.host}:{address.port}"
    print_row({"id": gateway_id, "name": name, "mqtt_url": url}, as_json=as_json)
    if not as_json:
        click.echo(f"RPMHUB_GATEWAY_MQTT_URL={url}", err=True)
        click.echo(
            f"The password is shown this once. Now reload mosquitto: its files in {wanted.data / 'broker'} are new.",
            err=True,
        )


@gateway.command(name="credentials")
def credentials() -> None:
    """Write the broker's password and access files again."""
    wanted = settings()
    write_broker_files(wanted, hub())
    click.echo(f"Written to {wanted.data / 'broker'}.")


def write_broker_files(wanted: Settings, the_hub: Hub) -> None:
    """mosquitto's passwd and acl for every gateway that is not retired, and for the hub itself."""
    with the_hub.unit_of_work() as uow:
        known = {row.id: row.credential for row in uow.gateways.all() if row.retired_at is None}
    own = broker_address(wanted)
    user = own.user or HUB_USER
    known[user] = hash_password(own.password or "", user.encode().ljust(12, b"."))
    acl = (config_dir() / "deploy" / "mosquitto.acl").read_text().replace(f"user {HUB_USER}", f"user {user}")
    write_files(wanted.data / "broker", acl, known)


@click.group()
def device() -> None:
    """Devices."""


@device.command(name="add")
@click.option("--address", required=True, help="As the gateway reports it: the BLE identity address, or a serial.")
@click.option("--profile", required=True, type=click.Choice(sorted(equipment.PROFILES)))
@click.option("--gateway", "gateway_id", required=True, metavar="ID", help="The gateway it is accepted on.")
@json_option
def add_device(address: str, profile: str, gateway_id: str, as_json: bool) -> None:
    """Register a device on a gateway; prints the new id."""
    device_id = equipment.add_device(hub(), COMMAND_LINE, address, profile, gateway_id)
    row = {"id": device_id, "address": address, "profile": profile, "gateway": gateway_id}
    print_row(row, as_json=as_json)


@device.command()
@click.argument("device_id", type=int)
@click.argument("patient_id", type=int)
@click.option("--slot", type=click.IntRange(0, 255), help="The user number, on a device that several people share.")
@click.option("--from", "since", type=click.DateTime(["%Y-%m-%dT%H:%M:%S%z"]), help="Default: now.")
@json_option
def assign(device_id: int, patient_id: int, slot: int | None, since: datetime | None, as_json: bool) -> None:
    """Give a device to a patient; the period before on the same slot ends; prints the period's id."""
    start = None if since is None else since.astimezone(UTC)
    period = equipment.assign_device(hub(), COMMAND_LINE, device_id, patient_id, slot, start)
    print_row({"id": period, "device": device_id, "patient": patient_id, "slot": slot}, as_json=as_json)
