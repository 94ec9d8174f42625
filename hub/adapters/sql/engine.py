"""Connections: one place that knows how each database must be opened to keep its promises."""

import re
import sqlite3
from types import ModuleType
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import make_url

from hub.errors import WrongSetting

WAL_RESET_MENDED = (3, 51, 3)
"""From this version on several connections may write and checkpoint a WAL without the WAL-reset fault."""

BUSY_MS = 5000


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


def make_engine(url: str, *, checkpoints: bool = False) -> Engine:
    """An engine whose transactions begin as writers (``BEGIN IMMEDIATE``) and are durable when ``commit`` returns.

    ``checkpoints``: this process moves the WAL into the database; one role only does. ``read_only(engine)`` gives
    transactions that never wait for a writer.
    """
    parsed = make_url(url)
    if parsed.get_backend_name() == "postgresql":
        return create_engine(parsed.set(drivername="postgresql+psycopg"), pool_pre_ping=True)
    if parsed.get_backend_name() != "sqlite":
        raise WrongSetting(f"DATABASE_URL: {parsed.get_backend_name()} is not supported; use sqlite or postgresql")
    engine = create_engine(parsed, module=sqlite_driver(), connect_args={"timeout": BUSY_MS / 1000})
    _open_safely(engine, checkpoints=checkpoints)
    return engine


def read_only(engine: Engine) -> Engine:
    """The same database for questions: one snapshot, no write lock."""
    return engine.execution_options(reading=True)


def _open_safely(engine: Engine, *, checkpoints: bool) -> None:
    journal = "WAL" if wal_is_safe() else "DELETE"

    @event.listens_for(engine, "connect")
    def _connected(dbapi_connection: Any, _record: object) -> None:
        dbapi_connection.isolation_level = None  # the driver must not open transactions of its own
        cursor = dbapi_connection.cursor()
        cursor.execute(f"PRAGMA busy_timeout = {BUSY_MS}")
        cursor.execute(f"PRAGMA journal_mode = {journal}")
        cursor.execute("PRAGMA synchronous = FULL")
        cursor.execute("PRAGMA foreign_keys = ON")
        cursor.execute(f"PRAGMA wal_autocheckpoint = {1000 if checkpoints else 0}")
        cursor.close()

    @event.listens_for(engine, "begin")
    def _begun(connection: Connection) -> None:
        # A deferred transaction that reads and then writes fails at once with BUSY_SNAPSHOT, whatever the timeout.
        reading = connection.get_execution_options().get("reading", False)
        connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")


def is_busy(error: BaseException) -> bool:
    """Whether a database error is a lock that may be free a moment later."""
    return bool(re.search(r"database is locked|database table is locked|could not serialize|deadlock", str(error)))
