"""Who uses a database's file: the hub's programs share it, a restore has it alone."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hub.adapters.probes.database import file_of, parse
from hub.errors import Transient, WrongSetting

UNFINISHED = "restore-unfinished"
"""Lies beside a database while a restore puts another in its place. It names where the one before it is."""

RESTORING = "{} is being restored: start again when that has ended."

_shared: dict[Path, int] = {}


def share(url: str) -> None:
    """Hold an embedded database's file until this process ends.

    Raises ``Transient`` while a restore has it, ``WrongSetting`` where a restore did not come to its end.
    """
    file = file_of(parse(url))
    if file is None or file in _shared or not file.parent.is_dir():
        return
    mark = _open(file)
    try:
        _lock(mark, fcntl.LOCK_SH, RESTORING.format(file))
        refuse_unfinished(file)
    except Exception:
        os.close(mark)
        raise
    _shared[file] = mark


def refuse_restoring(url: str) -> None:
    """Raise as ``share`` does, and hold nothing."""
    file = file_of(parse(url))
    if file is not None and file.parent.is_dir():
        mark = _open(file)
        try:
            _lock(mark, fcntl.LOCK_SH, RESTORING.format(file))
            refuse_unfinished(file)
        finally:
            os.close(mark)


@contextmanager
def alone(file: Path) -> Iterator[None]:
    """Have the database's file to itself. Raises ``Transient`` while a program of the hub uses it."""
    mark = _open(file)
    try:
        stop = "systemctl stop rpmhub rpmhub-backup"
        _lock(mark, fcntl.LOCK_EX, f"A program of the hub uses {file}: stop it first ({stop}).")
        yield
    finally:
        os.close(mark)


def refuse_unfinished(file: Path) -> None:
    """Raise ``WrongSetting`` with the mend, if a restore did not come to its end here."""
    unfinished = file.with_name(UNFINISHED)
    if unfinished.exists():
        before = unfinished.read_text().strip()
        raise WrongSetting(
            f"A restore of {file} did not come to its end. Run rpmhub restore again. "
            f"The database before it is whole in {before}."
        )


def hand_over(path: Path, like: Path) -> None:
    """What root makes beside the hub's data is for the hub's own user."""
    if os.geteuid() == 0:
        owner = like.stat()
        os.chown(path, owner.st_uid, owner.st_gid)


def _open(file: Path) -> int:
    place = file.with_name(f"{file.name}.lock")
    try:
        mark = os.open(place, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise WrongSetting(f"{place} cannot be opened for writing: {error.strerror}.") from error
    hand_over(place, file.parent)
    return mark


def _lock(mark: int, kind: int, refusal: str) -> None:
    try:
        fcntl.flock(mark, kind | fcntl.LOCK_NB)
    except OSError as error:
        raise Transient(refusal) from error
