"""Every command of ``rpmhub``, in one tree."""

import click

from hub import __version__
from hub.cli import (
    audit,
    backup,
    care,
    db,
    demo,
    doctor,
    equipment,
    export,
    people,
    reading,
    replay,
    restore,
    roles,
    series,
    series_copy,
)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__)
def rpmhub() -> None:
    """Remote patient monitoring: readings in, a named clinician answers.

    Decision support, not a diagnosis and not an emergency service.
    """


for command in (
    demo.demo,
    roles.up,
    roles.ingest,
    roles.worker,
    roles.web,
    roles.simulate,
    replay.replay,
    people.user,
    people.patient,
    reading.reading,
    care.protocol,
    care.checkin,
    equipment.gateway,
    equipment.device,
    db.db,
    series.series,
    export.export,
    backup.backup,
    restore.restore,
    audit.audit,
    doctor.doctor,
):
    rpmhub.add_command(command)
for command in (series_copy.rebuild, series_copy.verify):
    series.series.add_command(command)
