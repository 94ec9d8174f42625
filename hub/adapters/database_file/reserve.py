"""Space put by for the day the disk is full: given up, it is room for alerts, texts and audit. Readings stay outside.

The file is absent until it is first made, of its full size while it is held, and empty once it was given up.
"""

import contextlib
import hashlib
import os
import shutil
from pathlib import Path

MIB = 1024 * 1024
LEAST_HEADROOM = MIB


def reserve_of(file: Path) -> Path:
    """Where the reserved space of this database lies: on its disk."""
    return file.with_name(f"{file.name}-reserved")


class Reserve:
    """``size`` bytes beside the database's file. None of it for a server, or where the site wants none."""

    def __init__(self, file: Path | None, size: int) -> None:
        self._path = None if file is None else reserve_of(file)
        self._size = size if file is not None else 0

    @property
    def held(self) -> bool:
        """Whether it is there whole: only then are readings taken."""
        return self._length() == self._size if self._size else True

    @property
    def given_up(self) -> bool:
        """Whether a full disk has taken it."""
        return bool(self._size) and self._length() == 0

    def give_up(self) -> None:
        """Let others have the room, at once. Nothing happens where it is given up already."""
        if self._path is not None and self._size and self._length() != 0:
            with contextlib.suppress(OSError):
                handle = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
                os.close(handle)

    def mend(self) -> bool:
        """Make it, where there is room for it and some to spare; whether it is held."""
        if self.held:
            return True
        path = self._path
        if path is None:
            return True
        if shutil.disk_usage(path.parent).free < self._size + max(self._size // 4, LEAST_HEADROOM):
            self.give_up()
            return False
        try:
            self._make(path)
        except OSError:
            self.give_up()
        return self.held

    def _make(self, path: Path) -> None:
        """Whole or not at all. A file of zeros may be stored as nothing: this one is noise."""
        new = path.with_name(f"{path.name}.new")
        try:
            with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
                for start in range(0, self._size, MIB):
                    noise = hashlib.shake_128(f"reserved {start}".encode())
                    file.write(noise.digest(min(MIB, self._size - start)))
                file.flush()
                os.fsync(file.fileno())
            new.replace(path)
        except OSError:
            new.unlink(missing_ok=True)
            raise

    def _length(self) -> int | None:
        try:
            return None if self._path is None else self._path.stat().st_size
        except FileNotFoundError:
            return None
