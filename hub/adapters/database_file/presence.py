"""A hub that lost its database must not begin anew: its patients would be watched by nobody, and nothing would tell."""

from pathlib import Path

from hub.adapters.database_file.marks import directory_of
from hub.errors import NoDatabase

NEW = "--new-database"
MADE_ANEW = f"only if there has never been one: rpmhub db upgrade {NEW}"


def held_before(file: Path, data: Path) -> str | None:
    """What says that there has been a database here; None: nothing does, it is a first start."""
    if file.exists() and file.stat().st_size == 0:
        return "it is there, with 0 bytes"
    signs = [*sorted((data / "secrets").glob("*")), directory_of(file), file.with_name(f"{file.name}-wal")]
    for sign in [*signs, data / "backups"]:
        if sign.exists():
            return f"{sign} is left of it"
    return None


def is_there(file: Path) -> bool:
    """Whether the file exists and holds something."""
    return file.exists() and file.stat().st_size > 0


def refuse_missing(file: Path, data: Path) -> None:
    """Raise ``NoDatabase`` where there is none: opening it would make an empty one."""
    if is_there(file):
        return
    sign = held_before(file, data)
    if sign is None:
        raise NoDatabase(f"There is no database at {file}. Run: rpmhub db upgrade")
    raise lost(file, sign)


def refuse_lost(file: Path, data: Path) -> None:
    """Raise ``NoDatabase`` where there was one and there is none now. A first start passes."""
    sign = None if is_there(file) else held_before(file, data)
    if sign is not None:
        raise lost(file, sign)


def lost(file: Path, sign: str) -> NoDatabase:
    """The refusal, with what to do."""
    return NoDatabase(
        f"The database {file} is gone ({sign}), and the hub does not begin anew in its place. Is its volume mounted? "
        f"Else restore the newest backup: rpmhub restore FROM; {MADE_ANEW}"
    )
