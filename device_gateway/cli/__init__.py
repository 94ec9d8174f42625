"""The command `rpmhub-gateway`."""

import click

from device_gateway.cli.bluetooth import forget, pair, scan
from device_gateway.cli.decode import decode
from device_gateway.cli.replay import replay
from device_gateway.cli.run import run
from device_gateway.cli.simulate import simulate
from device_gateway.cli.status import status


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Collects readings from devices and hands each to the hub, losing none."""


for command in (run, scan, pair, forget, status, decode, simulate, replay):
    main.add_command(command)
