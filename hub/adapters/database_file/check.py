"""Reads the database whole: before it is served after an unclean stop, else behind the hub's back."""

import contextlib
import os
import sys
import threading
from collections.abc import Callable
from pathlib import Path

from sqlalchemy import URL
from sqlalchemy.exc import DatabaseError

from hub.adapters.database_file.marks import Marks
from hub.adapters.probes.database import first_damage, looking, says_damaged
from hub.adapters.sql.engine import Unavailable, wal_is_safe
from hub.adapters.sql.wal_room import wal_of
from hub.errors import DamagedDatabase
from hub.services.ports.base import Clock
from hub.services.ports.soundness import Verdict

WITHIN_S = 1800.0
WAL_GROWS_TO = 256 * 1024 * 1024
"""While it is read nothing can be taken out of the WAL: it gives up before that fills the disk."""

ROLLBACK_WITHIN_S = 2.0
"""Without a WAL no writer can commit while it is read: shorter than they wait for a lock."""

LOCK_S = 5
RESTORE = "Stop the hub, then run rpmhub restore FROM, the directory of your backups"
MIB = 1024 * 1024


def read_whole(file: Path, clock: Clock, give_up: Callable[[], bool]) -> Verdict:
    """What SQLite's ``quick_check`` finds, over a connection that cannot write. ``give_up`` is asked all along."""
    began = clock.monotonic()
    engine = looking(URL.create("sqlite", database=str(file)), LOCK_S)
    said, whole = None, True
    try:
        with engine.connect() as connection:
            said = first_damage(connection, give_up)
    except TimeoutError:
        whole = False
    except DatabaseError as error:
        if not says_damaged(error):
            raise Unavailable(f"{file} cannot be read: {error.orig}") from error
        said = str(error.orig)
    finally:
        engine.dispose()
    return Verdict(said, whole, clock.monotonic() - began)


class BackgroundCheck:
    """For the worker: on a thread of low priority, until it is done, ``stop`` is set or it holds the WAL too long."""

    def __init__(self, file: Path, marks: Marks, clock: Clock, stop: threading.Event) -> None:
        self._file, self._marks, self._clock, self._stop = file, marks, clock, stop

    @property
    def owed(self) -> bool:
        """See ``hub.services.ports.soundness.SoundnessCheck``."""
        return self._marks.owed

    def run(self) -> Verdict:
        """The same."""
        found: list[Verdict | Exception] = []
        thread = threading.Thread(target=self._read, args=(found,), name="database-check")
        thread.start()
        thread.join()
        if isinstance(found[0], Exception):
            raise found[0]
        return found[0]

    def settle(self, verdict: Verdict) -> None:
        """The same."""
        if verdict.sound:
            self._marks.forgive()
        elif verdict.said is not None:
            self._marks.owe()

    def _read(self, found: list[Verdict | Exception]) -> None:
        with contextlib.suppress(OSError):  # a sandbox may forbid it
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), 19)  # Linux: of this thread alone
        until = self._clock.monotonic() + (WITHIN_S if wal_is_safe() else ROLLBACK_WITHIN_S)
        wal = wal_of(self._file)

        def give_up() -> bool:
            return self._stop.is_set() or self._clock.monotonic() > until or _size(wal) > WAL_GROWS_TO

        try:
            found.append(read_whole(self._file, self._clock, give_up))
        except Exception as error:  # noqa: BLE001 - raised again where the worker sees it
            found.append(error)


def admit(file: Path, marks: Marks, clock: Clock, stop: threading.Event) -> Verdict | None:
    """Return when the file may be served; a verdict where it had to be read first.

    Where others write it already, reading it first protects nothing: it is read behind their back. Raises
    ``DamagedDatabase``, and has changed nothing then.
    """
    with marks.gate():
        standing = marks.standing()
        if standing.clean:
            return None
        if standing.at_work:
            if standing.left:
                marks.owe()
                for path in standing.left:
                    path.unlink(missing_ok=True)
            return None
        verdict = read_whole(file, clock, Progress(file, clock, stop))
        if verdict.said is not None:
            raise DamagedDatabase(refusal(file, verdict.said))
        if not verdict.whole:
            raise Unavailable(f"{file} was not read to its end: the start was stopped")
        marks.forgive(standing.left)
        return verdict


def refusal(file: Path, said: str) -> str:
    """Why it is not served, and what to do."""
    first = said.strip().splitlines()[-1]
    return (
        f"The database {file} is damaged ({first}). It is not served, and nothing in it was changed. {RESTORE}: it "
        "puts the newest verified backup in its place, and moves this file aside and keeps it."
    )


class Progress:
    """Says on a terminal how far it is; asked whether to give up, it says so when the start is stopped."""

    def __init__(self, file: Path, clock: Clock, stop: threading.Event) -> None:
        self._clock, self._stop = clock, stop
        self._began = self._said = clock.monotonic()
        self._read = _bytes_read()
        self._name, self._size = file.name, _size(file)
        self._say(
            f"{file} was not closed cleanly: it is read whole ({self._size / MIB:.0f} MiB) before it is served.\n"
        )

    def __call__(self) -> bool:
        now = self._clock.monotonic()
        if now - self._said >= 1:
            self._said = now
            done = (_bytes_read() - self._read) / MIB
            if sys.stderr.isatty():
                self._say(f"\r{self._name}: {now - self._began:.0f} s, {done:.0f} MiB read ")
        return self._stop.is_set()

    @staticmethod
    def _say(words: str) -> None:
        sys.stderr.write(words)
        sys.stderr.flush()


def _size(file: Path) -> int:
    try:
        return file.stat().st_size
    except FileNotFoundError:
        return 0


def _bytes_read() -> int:
    """By this process, as Linux counts it; 0 where it does not."""
    try:
        return int(Path("/proc/self/io").read_text().split()[1])
    except (OSError, ValueError, IndexError):
        return 0
