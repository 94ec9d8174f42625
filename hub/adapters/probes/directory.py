"""What a directory lets us do, and who may read what is in it."""

import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path


def writes(directory: Path) -> str | None:
    """None if a file can be made there; else why not. The file has no name, or is gone at once."""
    try:
        with tempfile.TemporaryFile(dir=directory) as file:
            file.write(b"\0")
    except OSError as error:
        return error.strerror or str(error)
    return None


def free_bytes(directory: Path) -> int:
    """What a program without privileges may still write there."""
    return shutil.disk_usage(directory).free


def mode(path: Path) -> int:
    """Permission bits."""
    return stat.S_IMODE(path.stat().st_mode)


def owner(path: Path) -> str:
    """The owner's name, or number where it has none."""
    try:
        return path.owner()
    except KeyError:
        return str(path.stat().st_uid)


def of_others(directory: Path) -> Iterator[Path]:
    """What in the directory, and one level below, is not its owner's."""
    uid = directory.stat().st_uid
    for path in sorted([*directory.glob("*"), *directory.glob("*/*")]):
        if path.lstat().st_uid != uid:
            yield path


def am_root() -> bool:
    """Whether no permission binds this process."""
    return os.geteuid() == 0
