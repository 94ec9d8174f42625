"""Who writes the database, and whether all who did have stopped cleanly: a file each, held while its writer is at work.

A file that nobody holds is of a writer that was killed, or of a machine that lost its power.
"""

import contextlib
import fcntl
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from hub.adapters.durable import sync
from hub.errors import HubError


def directory_of(file: Path) -> Path:
    """Where the marks of this database lie."""
    return file.with_name(f"{file.name}-writers")


@dataclass(frozen=True, slots=True)
class Standing:
    """``left``: marks of writers that did not stop cleanly. ``owed``: a good check is owed since."""

    at_work: int
    left: tuple[Path, ...]
    owed: bool

    @property
    def clean(self) -> bool:
        """Whether the file may be trusted unread."""
        return not self.left and not self.owed


class Marks:
    """The marks of one database."""

    def __init__(self, file: Path) -> None:
        self._directory = directory_of(file)
        self._owed = self._directory / "check-owed"

    def standing(self) -> Standing:
        """Told without changing anything."""
        at_work, left = 0, []
        for path in sorted(self._directory.glob("*.mark")):
            with contextlib.suppress(FileNotFoundError):
                if _is_held(path):
                    at_work += 1
                else:
                    left.append(path)
        return Standing(at_work, tuple(left), self.owed)

    @property
    def owed(self) -> bool:
        """Whether a good check is owed, however the next start stands."""
        return self._owed.exists()

    def owe(self) -> None:
        """From now on the file is not trusted until a check found it sound."""
        self._owed.touch(mode=0o600)
        sync(self._directory)

    def forgive(self, left: tuple[Path, ...] = ()) -> None:
        """It was found sound."""
        for path in (*left, self._owed):
            path.unlink(missing_ok=True)

    @contextlib.contextmanager
    def gate(self) -> Iterator[None]:
        """One start at a time: while a file is read whole, whoever else starts waits for the verdict."""
        self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        with _held(self._directory / "gate"):
            yield

    @contextlib.contextmanager
    def writing(self, role: str, token: str) -> Iterator[None]:
        """Be a writer. The mark stays behind when this ends by a fault, or not at all."""
        path = self._directory / f"{role}-{token}.mark"
        with self.gate():
            mark = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
            fcntl.flock(mark, fcntl.LOCK_EX)
            sync(self._directory)
        try:
            yield
        except (HubError, KeyboardInterrupt):
            path.unlink(missing_ok=True)
            raise
        else:
            path.unlink(missing_ok=True)
        finally:
            os.close(mark)


@contextlib.contextmanager
def _held(path: Path) -> Iterator[None]:
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _is_held(path: Path) -> bool:
    handle = os.open(path, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    else:
        return False
    finally:
        os.close(handle)
