"""Moves SQLite's WAL into the database beside whoever writes: no reading waits while thousands of pages are copied.

By a connection of its own and in a thread of its own. The writer appends to the WAL meanwhile, so it is seldom copied
to its end just when nobody writes, and only then does the writer begin it anew. So what is left is copied under the
write lock: as soon as it is next to nothing, and where the WAL has become long once it is little.
"""

import logging
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy.engine import make_url

from hub.adapters.sql.engine import BUSY_MS, CHECKPOINT_PAGES, LONG_PAGES, sqlite_driver, wal_is_safe
from hub.adapters.sql.wal_room import make_room

log = logging.getLogger(__name__)

LOOK_S, LOOK_SELDOM_S = 0.05, 1.0
"""Between two looks at how long the WAL is; ever longer, while nobody writes."""

NEARLY_NONE, LITTLE = 50, 500
"""Pages that are copied under the write lock: in a millisecond, and in about the time of a group of readings."""

PASSES = 5
"""Copied once more, what is left is what was written meanwhile: each pass has about half of the one before."""

TRIES, TRY_EVERY_S = 20, 0.001
"""For the write lock, which a group of readings may have for longer; the next look tries again."""


@contextmanager
def checkpointing(url: str) -> Iterator[None]:
    """While this is entered, what is written to the database at ``url`` comes to be in its file.

    PostgreSQL needs no help, and an old SQLite has no WAL (decision 4).
    """
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite" or not wal_is_safe():
        yield
        return
    stop = threading.Event()
    thread = threading.Thread(target=_run, args=[Path(parsed.database or ""), stop], name="checkpoints", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def _run(file: Path, stop: threading.Event) -> None:
    """Whatever happens it looks again: without it whoever writes a reading copies pages meanwhile."""
    while not stop.is_set():
        try:
            with closing(
                sqlite_driver().connect(str(file), isolation_level=None, timeout=BUSY_MS / 1000)
            ) as connection:
                connection.execute("PRAGMA synchronous = EXTRA")
                _make_room(connection, file)
                connection.execute("PRAGMA busy_timeout = 0")  # from here on nobody is waited for, but by the tries
                _look_on(Checkpoints(connection, stop), stop)
        except Exception:
            log.exception("what moves the WAL begins anew")
            stop.wait(LOOK_SELDOM_S)


def _make_room(connection: Any, file: Path) -> None:
    try:
        make_room(connection, file)
    except (sqlite_driver().Error, OSError) as error:  # it grows by what is written then, as it does anyway
        log.warning("the WAL is not laid out", extra={"error": str(error)})


def _look_on(checkpoints: "Checkpoints", stop: threading.Event) -> None:
    pause, before = LOOK_S, -1
    while not stop.wait(pause):
        try:
            checkpoints.look()
        except sqlite_driver().Error as error:  # a full disk, mostly, and the WAL stays whole
            log.warning("the WAL was not moved", extra={"error": str(error)})
            stop.wait(LOOK_SELDOM_S)
        pause = LOOK_S if checkpoints.length != before else min(2 * pause, LOOK_SELDOM_S)
        before = checkpoints.length


class Checkpoints:
    """What to do about the WAL of an open database. ``stop``: what it waits by."""

    def __init__(self, connection: Any, stop: threading.Event) -> None:
        self._connection = connection
        self._stop = stop
        self.length = 0
        """Pages in the WAL at the last look."""
        self._copied = 0

    def look(self) -> None:
        """Copy what is to be copied by now. Raises the driver's errors; what was copied until then stays so."""
        self._do("NOOP")
        if self._left < CHECKPOINT_PAGES or not self._copy():
            return
        if self.length < LONG_PAGES:
            if self._left <= NEARLY_NONE:
                self._do("FULL")  # once: whoever writes just now goes first
            return
        for _ in range(PASSES):
            if self._left <= LITTLE or not self._copy():
                break
        self._begin_anew()

    @property
    def _left(self) -> int:
        return self.length - self._copied

    def _copy(self) -> bool:
        """Without holding anybody up. False: somebody reads what stood before, and until then the rest must wait."""
        there = self.length
        self._do("PASSIVE")
        return self._copied >= there

    def _begin_anew(self) -> None:
        """All that is there while nobody writes, so that who writes next begins the WAL anew."""
        for _ in range(TRIES):
            if not self._do("FULL"):
                return
            self._stop.wait(TRY_EVERY_S)

    def _do(self, mode: str) -> bool:
        """Whether somebody else was in the way."""
        busy, self.length, self._copied = self._connection.execute(f"PRAGMA wal_checkpoint({mode})").fetchone()
        return bool(busy)
