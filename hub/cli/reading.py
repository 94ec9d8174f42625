"""Readings."""

import click

from hub.cli.context import COMMAND_LINE, hub
from hub.domain.metrics import METRICS
from hub.services.amending import void_reading


@click.group()
def reading() -> None:
    """Readings, by their number in the journal."""


@reading.command()
@click.argument("journal_id", metavar="ID", type=int)
@click.option("--reason", required=True, metavar="WORDS", help="Why, for whoever reads this next.")
@click.option("--by", required=True, metavar="NAME", help="Who says so.")
def void(journal_id: int, reason: str, by: str) -> None:
    """Leave the reading ID out of charts, rules and exports: somebody else's, or no measurement.

    It stays in the journal. An alert that it raised stays open for a person to close.
    """
    voided = void_reading(hub(), COMMAND_LINE, journal_id, reason, by)
    values = ", ".join(METRICS[metric].label for metric in voided.metrics)
    click.echo(f"Left out of patient {voided.patient_id}: {values}.")
