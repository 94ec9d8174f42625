"""The roles a hub is made of, and ``up``, which runs all of them on one machine."""

import os
import sys

import click

from hub.adapters.clock import SystemClock
from hub.adapters.log_lines import start_logging
from hub.adapters.processes import Program, Supervisor
from hub.bootstrap import PRODUCTION, open_database, run_ingest, run_worker
from hub.cli.context import new_database, settings, until_told_to_stop
from hub.services.ingest.shard import Shard
from hub.settings import check_production


@click.command()
@new_database
def up(new: bool) -> None:
    """Run a hub on this machine: ingest, worker and web, restarted if one dies. The broker is yours to run."""
    start_logging("up")
    wanted = settings()
    check_production(wanted)
    stop = until_told_to_stop()
    open_database(wanted, PRODUCTION, new=new, stop=stop)
    supervisor = Supervisor(role_programs(wanted.ingest_processes), SystemClock())
    supervisor.start()
    click.echo(f"The pages are at {wanted.address}")
    supervisor.run(stop)


@click.command()
def ingest() -> None:
    """Run the ingest role: from the broker into the database."""
    start_logging("ingest")
    run_ingest(settings(), until_told_to_stop())


@click.command()
def worker() -> None:
    """Run the worker role: what is due, escalation, messages."""
    start_logging("worker")
    run_worker(settings(), until_told_to_stop())


@click.command()
def web() -> None:
    """Run the web role: the pages, webhooks and metrics."""
    become("dashboards.wsgi")


@click.command(context_settings={"ignore_unknown_options": True, "help_option_names": []})
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def simulate(arguments: tuple[str, ...]) -> None:
    """Run simulated devices (see rpmhub simulate --help)."""
    become("device_gateway", "simulate", *arguments)


def role_programs(ingests: int = 1) -> list[Program]:
    """The three roles as programs to supervise; of ``ingests`` ingest processes each has its part of the gateways."""
    shards = [Shard(number, ingests) for number in range(1, ingests + 1)]
    return [
        *(
            Program(f"ingest{shard.name}", "hub.cli", ("ingest",), {"RPMHUB_INGEST_SHARD": str(shard)})
            for shard in shards
        ),
        Program("worker", "hub.cli", ("worker",)),
        Program("web", "dashboards.wsgi"),
    ]


def become(module: str, *arguments: str) -> None:
    """Go on as another program: nothing of ours is imported across."""
    os.execv(sys.executable, [sys.executable, "-P", "-m", module, *arguments])  # noqa: S606 - no shell, our own modules
