"""The series' copy in InfluxDB."""

import threading
from contextlib import closing

import click

from hub.bootstrap import series_copy
from hub.cli.context import hub, settings
from hub.cli.progress import progress
from hub.domain.metrics import METRICS
from hub.services.copying import differences, lag
from hub.services.copying import rebuild as make_anew
from hub.services.ports.copies import SeriesCopy

PAUSE_S = 0.2
"""How often it is looked whether the worker has finished its piece."""


@click.command()
def rebuild() -> None:
    """Empty the copy in InfluxDB and make it anew from the hub's own series. The hub may run.

    Until it is done charts are drawn from the hub's own series. Interrupted, the worker goes on with it.
    """
    opened, tell, tick = hub(), progress(), threading.Event()
    with closing(_copy()) as copy:
        readings = make_anew(opened, copy, lambda done, of: tell("Copying", done, of), lambda: tick.wait(PAUSE_S))
    click.echo(f"The copy of the series is made anew from {readings} readings.")


@click.command()
def verify() -> None:
    """Compare the copy in InfluxDB with the hub's own series, sample by sample. Fails where they are not the same."""
    opened, tell = hub(), progress()
    with closing(_copy()) as copy:
        with opened.reads() as reads:
            behind = lag(reads.copy_source.feed).readings
        if behind:
            raise click.ClickException(f"{behind} readings are not in it yet. Compare when the worker has caught up.")
        found = list(differences(opened, copy, lambda done, of: tell("Comparing", done, of)))
        samples = sum(copy.counts().values())
    for one in found:
        name = METRICS[one.metric].label
        click.echo(f"Patient {one.patient_id}, {name}: {one.here} here, {one.there} in the copy, not the same.")
    if found:
        raise click.ClickException("The copy is not the same. Make it anew: rpmhub series rebuild")
    click.echo(f"The copy is the same: {samples} samples.")


def _copy() -> SeriesCopy:
    copy = series_copy(settings())
    if copy is None:
        raise click.ClickException("RPMHUB_SERIES_URL is not set: the series is in the hub's own database alone.")
    return copy
