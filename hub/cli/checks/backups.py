"""Backups: how old the newest is. And what a restore still waits for."""

from collections.abc import Iterator
from datetime import timedelta

from hub.adapters.probes.database import file_of, parse
from hub.adapters.sql.manifest import verified
from hub.cli.checks.subject import Subject
from hub.services import restored
from hub.services.checkup.finding import Finding, fine, should

OLD = timedelta(hours=26)
"""A backup a day, and two hours for whatever held it up."""

MEND = "systemctl enable --now rpmhub-backup.timer, or rpmhub backup"


def newest(subject: Subject) -> Iterator[Finding]:
    """Of those in DATA_DIR/backups. A server's database is backed up by its own means."""
    if file_of(parse(subject.settings.database)) is None:
        return
    folder = subject.settings.data / "backups"
    known = verified(folder) if folder.is_dir() else []
    found = [(file, one) for file, one in known if one.made_at <= subject.now]
    if ahead := len(known) - len(found):
        what = f"Backups of a time that is still to come: {ahead}."
        why = "A clock stood wrong; none of them can be restored before it."
        yield should(what, why, "Set the clock, if it is this one; then rpmhub backup")
    if not found:
        yield should(f"There is no verified backup in {folder}.", "A lost disk is every reading lost.", MEND)
        return
    age = subject.now - found[0][1].made_at
    hours = int(age.total_seconds() // 3600)
    if age > OLD:
        why = "What was done since would be lost with the disk."
        yield should(f"The newest verified backup is {hours} h old.", why, MEND)
    else:
        yield fine(f"The newest verified backup is {hours} h old: {found[0][0].name}.")


def after_restore(subject: Subject) -> Iterator[Finding]:
    """Whether patients are let be since a restore (SF22)."""
    with subject.rows() as uow:
        known = restored.last(uow)
    if known is None or known.over:
        return
    what = f"Restored from a backup of {known.made_at:%Y-%m-%d %H:%M} UTC: no patient is texted."
    since = f"{known.since:%Y-%m-%d %H:%M} UTC"
    if known.entered:
        why = f"What was texted since {since} is still being read from the provider."
        yield should(what, why, "Nothing to do while the worker runs and Twilio answers; else mend these")
    else:
        why = f"Who has opted out, died or left since {since} is not known."
        yield should(what, why, "Enter them on the charts, then rpmhub restore --opt-outs-entered")
