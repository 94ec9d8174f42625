"""What keeps the embedded database safe: how it was closed, when it was last read whole, and room for a full disk."""

from collections.abc import Iterator
from datetime import timedelta

from hub.adapters.database_file.check import RESTORE
from hub.adapters.database_file.marks import Marks
from hub.adapters.database_file.presence import is_there
from hub.adapters.database_file.reserve import MIB, Reserve
from hub.cli.checks.subject import Subject
from hub.services.checkup.finding import Finding, fine, must, should
from hub.services.engine.soundness import ROLE, sound_at

CHECKED_WITHIN = timedelta(days=2)
WHOLE = "rpmhub doctor --whole"


def closed(subject: Subject) -> Iterator[Finding]:
    """Whether everything that wrote the database stopped cleanly."""
    file = subject.settings.database_file
    if file is None or not is_there(file):
        return
    standing = Marks(file).standing()
    if standing.clean:
        yield fine("Whatever wrote the database before has stopped cleanly.")
        return
    why = "The next start reads it whole before it serves, which takes minutes where there are years of readings."
    yield should("The database was not closed cleanly, and is not known to be sound since.", why, WHOLE)


def reserved(subject: Subject) -> Iterator[Finding]:
    """Room for alerts when the disk is full."""
    file = subject.settings.database_file
    wanted = subject.settings.reserved_mb
    if file is None or not is_there(file):
        return
    reserve = Reserve(file, wanted * MIB)
    mend = f"Make room: du -xh --max-depth=2 {file.parent}"
    if not wanted:
        why = "On a full disk no alert could be written either."
        yield should("No space is reserved for a full disk.", why, "RPMHUB_RESERVED_MB=64")
    elif reserve.given_up:
        why = "No reading is stored or judged until there is room; alerts and pages go on in what was reserved."
        yield must("The disk was full, and the reserved space is given up.", why, mend)
    elif reserve.held:
        yield fine(f"{wanted} MiB are reserved for alerts on a full disk.")


def last_check(subject: Subject) -> Iterator[Finding]:
    """The last time it was read whole."""
    file = subject.settings.database_file
    if file is None:
        return
    with subject.rows() as uow:
        beats = [beat for beat in uow.operations.heartbeats() if beat.role == ROLE]
    said = beats[0].detail.get("said") if beats else None
    good = sound_at(beats[0].detail) if beats else None
    if isinstance(said, str):
        yield _damaged(said)
    elif good is None:
        yield should("The database was never read whole.", "Damage in it would not be known.", "rpmhub up does it")
    elif subject.now - good > CHECKED_WITHIN:
        why = "Damage since would not be known."
        yield should(f"The database was last read whole {good:%Y-%m-%d %H:%M} UTC.", why, WHOLE)
    else:
        hours = max((subject.now - good).total_seconds(), 0) / 3600
        yield fine(f"The database was read whole {hours:.0f} h ago, and is sound.")


def _damaged(said: str) -> Finding:
    what = f"The hub found the database damaged: {said.strip().splitlines()[-1]}."
    return must(what, "What was stored may be gone or wrong, and the next start refuses it.", RESTORE)
