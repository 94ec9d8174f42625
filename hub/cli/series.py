"""The time series: its summaries."""

import click

from hub.cli.context import hub
from hub.cli.progress import progress
from hub.services.rolling import begin_anew, go_on


@click.group()
def series() -> None:
    """The time series."""


@series.command()
@click.option("--patient", "patient_ids", type=int, multiple=True, metavar="ID", help="This patient alone; repeatable.")
def rollup(patient_ids: tuple[int, ...]) -> None:
    """Make the hours and days of every patient anew from the readings. The hub may run.

    Until it is done a patient's windows are shown as far as they are made. Interrupted, the worker goes on with it.
    """
    opened = hub()
    with opened.reads() as reads:
        everybody = reads.rollup_source.patients()
    chosen = [one for one in everybody if not patient_ids or one in patient_ids]
    begun = [patient_id for patient_id in chosen if begin_anew(opened, patient_id)]
    tell = progress()
    for place, patient_id in enumerate(begun):
        tell("Rolling up", place, len(begun))
        while go_on(opened, patient_id):
            pass
    tell("Rolling up", len(begun), len(begun))
    who = "1 patient's" if len(begun) == 1 else f"{len(begun)} patients'"
    click.echo(f"{who} hours and days are made anew.")
    if missing := sorted(set(patient_ids) - set(everybody)):
        raise click.ClickException(f"Nothing was measured of patient {', '.join(map(str, missing))}.")
