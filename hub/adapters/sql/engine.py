"""Connections: one place that knows how each database must be opened to keep its promises."""

import re
import shutil
import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

from sqlalchemy import Connection, Engine, ExceptionContext, create_engine, event
from sqlalchemy.engine import make_url

from hub.adapters.clock import SystemClock
from hub.adapters.sql.straight import tell_failures
from hub.errors import Transient, WrongSetting

WAL_RESET_MENDED = (3, 51, 3)
"""From this version on several connections may write and checkpoint a WAL without the WAL-reset fault."""

BUSY_MS = 5000

CHECKPOINT_PAGES = 4000
"""Some 16 MB of WAL: readings of several groups change the same pages, which are then written once."""

LONG_PAGES = 4 * CHECKPOINT_PAGES
"""From here on a writer is held up for a moment, if it must be, so that the WAL can begin anew."""

SPARE_PAGES = 10 * CHECKPOINT_PAGES
"""Where whoever else writes moves it into the database after all: ingest is away, or it would have been done."""

PAGE_BYTES = 4096
"""SQLite's own. What a long question made the WAL grow beyond twice the long one is given back once it is copied."""

CACHE_KB, SMALL_CACHE_KB = 2000, 1000
"""A connection's cache: SQLite's own, and as much as ingest has use for. Each of its groups changes more pages than
either holds, and finds nearly none of them again: by turns 4 and 8 MB made it no faster, and 1 MB no slower. That is
with a WAL. With a rollback journal what finds no room is written early, and keeps readers out until the commit."""

TRY_EVERY_S = 0.001
"""SQLite itself would ask for the write lock less and less often, up to 0.1 s apart: between two groups of readings the
worker and the pages would seldom meet the moment when it is free."""

_CLOCK, _PAUSE = SystemClock(), threading.Event()
"""By what the write lock is waited for; nobody sets the event."""

_BUSY = re.compile(r"database is locked|database table is locked")
_BUSY_STATES = frozenset({"40001", "40P01", "55P03"})
"""PostgreSQL's: could not serialize, a deadlock, a lock that was not to be had in time."""

_CANNOT_WRITE = re.compile(
    r"database or disk is full|disk I/O error|readonly database|unable to open database file|No space left on device"
)


_FULL = re.compile(r"database or disk is full|No space left on device")

_PERHAPS_FULL, NEXT_TO_NOTHING = re.compile(r"disk I/O error"), 1024 * 1024
"""SQLite does not say "full" where only the index of the WAL, 32 KB at a time, finds no room: the bytes left tell."""


class Unavailable(Transient):
    """The database cannot take this now: locked, full, or not reachable. Nothing was written."""


def sqlite_driver() -> ModuleType:
    """The newest SQLite at hand: the bundled one where its wheel exists, else the standard library's."""
    try:
        from pysqlite3 import dbapi2
    except ImportError:
        return sqlite3
    module: ModuleType = dbapi2
    return module


def sqlite_version() -> tuple[int, ...]:
    """Version of the SQLite that ``make_engine`` opens."""
    return tuple(int(part) for part in sqlite_driver().sqlite_version.split("."))


def wal_is_safe() -> bool:
    """Whether several processes may write through a WAL. Where not, the rollback journal is used: slower, not wrong."""
    return sqlite_version() >= WAL_RESET_MENDED


def make_engine(
    url: str,
    *,
    checkpoints: bool = False,
    when_full: Callable[[], None] | None = None,
    hurries: bool = True,
    small_cache: bool = False,
) -> Engine:
    """An engine whose transactions begin as writers (``BEGIN IMMEDIATE``) and are durable when ``commit`` returns.

    ``checkpoints``: who commits moves the WAL into the database, as suits a program that is alone. Else
    ``checkpointing`` does, in ingest, and whoever commits only where it would grow too long.
    ``read_only(engine)`` gives transactions that never wait for a writer. ``when_full`` is called whenever a write
    found no room on the disk.
    ``hurries`` False: a statement may take as long as it does, as those of a migration.
    ``small_cache``: see ``SMALL_CACHE_KB``.
    """
    parsed = make_url(url)
    if parsed.get_backend_name() == "postgresql":
        from hub.adapters.sql.patience import be_patient  # its driver is there only where it is used

        server = create_engine(parsed.set(drivername="postgresql+psycopg"), pool_pre_ping=True, hide_parameters=True)
        be_patient(server, hurries=hurries)
        tell_failures(server)
        event.listen(server, "handle_error", _without_detail)
        event.listen(server, "handle_error", _say_what_may_pass)
        return server
    if parsed.get_backend_name() != "sqlite":
        raise WrongSetting(f"DATABASE_URL: {parsed.get_backend_name()} is not supported; use sqlite or postgresql")
    engine = create_engine(
        parsed, module=sqlite_driver(), connect_args={"timeout": BUSY_MS / 1000}, hide_parameters=True
    )
    _open_safely(engine, checkpoints=checkpoints, small_cache=small_cache)
    tell_failures(engine)
    if when_full is not None:
        _tell_when_full(engine, when_full, Path(parsed.database or "").parent)
    event.listen(engine, "handle_error", _say_what_may_pass)
    return engine


def read_only(engine: Engine) -> Engine:
    """The same database for questions: one snapshot, no write lock."""
    if engine.dialect.name == "postgresql":
        return engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
    return engine.execution_options(reading=True)


def _open_safely(engine: Engine, *, checkpoints: bool, small_cache: bool) -> None:
    journal = "WAL" if wal_is_safe() else "DELETE"
    cache_kb = SMALL_CACHE_KB if small_cache and journal == "WAL" else CACHE_KB

    @event.listens_for(engine, "connect")
    def _connected(dbapi_connection: Any, _record: object) -> None:
        dbapi_connection.isolation_level = None  # the driver must not open transactions of its own
        cursor = dbapi_connection.cursor()
        cursor.execute(f"PRAGMA busy_timeout = {BUSY_MS}")
        cursor.execute(f"PRAGMA journal_mode = {journal}")
        # With a rollback journal FULL does not wait until the journal's removal, which is the commit, is on the disk.
        cursor.execute("PRAGMA synchronous = EXTRA")
        cursor.execute("PRAGMA foreign_keys = ON")
        cursor.execute(f"PRAGMA cache_size = -{cache_kb}")
        cursor.execute(f"PRAGMA wal_autocheckpoint = {CHECKPOINT_PAGES if checkpoints else SPARE_PAGES}")
        cursor.execute(f"PRAGMA journal_size_limit = {2 * LONG_PAGES * PAGE_BYTES}")
        cursor.close()

    @event.listens_for(engine, "begin")
    def _begun(connection: Connection) -> None:
        # A deferred transaction that reads and then writes fails at once with BUSY_SNAPSHOT, whatever the timeout.
        reading = connection.get_execution_options().get("reading", False)
        if reading:
            connection.exec_driver_sql("BEGIN")
        else:
            _begin_as_writer(connection)

    @event.listens_for(engine, "commit")
    def _committing(connection: Connection) -> None:
        # A full disk may make SQLite undo the whole transaction by itself; the driver's commit then does nothing and
        # says nothing, and what follows it would be acknowledged.
        driver: Any = connection.connection.dbapi_connection
        if not driver.in_transaction:
            raise Unavailable("the database undid this transaction")


def _begin_as_writer(connection: Connection) -> None:
    """Take the write lock, for which the connection's busy timeout is waited; the last try says what is wrong."""
    driver: Any = connection.connection.dbapi_connection
    (patience_ms,) = driver.execute("PRAGMA busy_timeout").fetchone()
    driver.execute("PRAGMA busy_timeout = 0")
    until = _CLOCK.monotonic() + patience_ms / 1000
    try:
        while _CLOCK.monotonic() < until:
            try:
                driver.execute("BEGIN IMMEDIATE")
            except driver.Error as error:
                if not is_busy(error):
                    break
                _PAUSE.wait(TRY_EVERY_S)
            else:
                return
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    finally:
        driver.execute(f"PRAGMA busy_timeout = {patience_ms}")


def _tell_when_full(engine: Engine, when_full: Callable[[], None], place: Path) -> None:
    @event.listens_for(engine, "handle_error")
    def _failed(context: ExceptionContext) -> None:
        said = str(context.original_exception)
        if _FULL.search(said) or (_PERHAPS_FULL.search(said) and shutil.disk_usage(place).free < NEXT_TO_NOTHING):
            when_full()


def _without_detail(context: ExceptionContext) -> None:
    """PostgreSQL's second line shows values of the row it speaks of, and errors are logged."""
    original = context.original_exception
    said = str(original).partition("\n")[0]
    original.args = (said,)
    if context.sqlalchemy_exception is not None:
        kind = type(original)
        context.sqlalchemy_exception.args = (f"({kind.__module__}.{kind.__qualname__}) {said}",)


def _say_what_may_pass(context: ExceptionContext) -> None:
    """Raise ``Unavailable`` in the place of the driver's error, where the same may succeed later."""
    original = context.original_exception
    if context.is_disconnect or is_busy(original) or _CANNOT_WRITE.search(str(original)) or _unreachable(original):
        raise Unavailable(str(original)) from original


def _unreachable(error: BaseException) -> bool:
    """PostgreSQL could not be connected to, is starting or stopping, or has run out of something."""
    kind = type(error)
    if kind.__module__.partition(".")[0] != "psycopg":
        return False
    state = getattr(error, "sqlstate", None)
    if state is None:  # from the driver itself: one of its own kinds, such as a timeout
        return any(base.__name__ == "OperationalError" for base in kind.__mro__)
    return state[:2] in {"08", "53", "57"}


def is_busy(error: BaseException) -> bool:
    """Whether a database error is a lock that may be free a moment later."""
    state = getattr(error, "sqlstate", None)
    return state in _BUSY_STATES if state is not None else _BUSY.search(str(error)) is not None
