"""The time series: its summaries, and what is kept of it."""

import threading
from datetime import timedelta

import click

from hub.cli.context import COMMAND_LINE, hub, settings
from hub.cli.progress import progress
from hub.services.forgetting import forget_keys
from hub.services.rolling import begin_anew, finish
from hub.services.thinning import FEWEST, KEEP, Thinned, begin
from hub.services.thinning import thin as thin_patient

PAUSE_S = 0.02
"""Between two transactions: whoever waits for the database gets it."""


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
    tell, breath = progress(), threading.Event()
    for place, patient_id in enumerate(begun):
        tell("Rolling up", place, len(begun))
        finish(opened, patient_id, lambda: breath.wait(PAUSE_S))
    tell("Rolling up", len(begun), len(begun))
    who = "1 patient's" if len(begun) == 1 else f"{len(begun)} patients'"
    click.echo(f"{who} hours and days are made anew.")
    if missing := sorted(set(patient_ids) - set(everybody)):
        raise click.ClickException(f"Nothing was measured of patient {', '.join(map(str, missing))}.")


@series.command()
@click.option("--older-than", type=click.IntRange(1), metavar="DAYS", help="Instead of RPMHUB_RAW_DAYS.")
@click.option("--keep", type=click.IntRange(FEWEST), default=KEEP, show_default=True, help="Of a metric and day.")
@click.option("--dry-run", is_flag=True, help="Count, and take nothing away.")
def thin(older_than: int | None, keep: int, dry_run: bool) -> None:
    """Thin old readings: what is drawn looks the same, hours and days stay, and the journal keeps every reading.

    The first, last, lowest and highest of each stretch of a day stay, and whatever is a bound, doubted, amended, spoken
    of by a finding, or met an expectation. The hub may run; interrupted, run it again.
    """
    days = older_than or settings().raw_days
    if not days:
        raise click.UsageError("Readings are kept for ever: set RPMHUB_RAW_DAYS or say --older-than DAYS.")
    opened = hub()
    order, patients = begin(opened, COMMAND_LINE, timedelta(days=days), keep, dry=dry_run)
    tell, breath = progress(), threading.Event()
    total, waiting = Thinned(), 0
    for place, patient_id in enumerate(patients):
        tell("Thinning", place, len(patients))
        done = thin_patient(opened, COMMAND_LINE, patient_id, order, lambda: breath.wait(PAUSE_S))
        waiting += done is None
        total += done or Thinned()
    tell("Thinning", len(patients), len(patients))
    would = "would be" if dry_run else "were"
    click.echo(f"{total.removed} readings of {total.days} days {would} thinned away, {total.left} stay one by one.")
    if total.removed and not dry_run and settings().series_url:
        click.echo("The copy of the series has them still: rpmhub series rebuild makes it like the database.", err=True)
    if waiting:
        click.echo(f"{waiting} patients were left out: their hours and days are not all made yet.", err=True)


@series.command(name="forget-keys")
@click.option("--older-than", type=click.IntRange(1), metavar="DAYS", required=True, help="30 at least.")
def forget(older_than: int) -> None:
    """Forget by which numbers gateways sent readings that were received longer ago. The hub may run.

    A gateway that was off for longer may then make duplicates of its last readings. The readings and the journal stay,
    and so do the keys of devices that number or date their records.
    """
    breath = threading.Event()
    days = timedelta(days=older_than)
    gone = forget_keys(hub(), COMMAND_LINE, days, progress(), lambda: breath.wait(PAUSE_S))
    click.echo(f"{gone} keys were forgotten.")
