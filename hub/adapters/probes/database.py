"""A database opened to be looked at: no lock that a writer waits for, no change, an answer within a bound."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sqlalchemy import Connection, Engine, NullPool, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, OperationalError

from hub.adapters.sql.engine import sqlite_driver
from hub.errors import WrongSetting

_DAMAGED = re.compile("not a database|malformed|corrupt|disk I/O error")

STEPS = 20_000
"""SQLite's own, between two looks at the clock: a few milliseconds."""


def parse(url: str) -> URL:
    """The URL's parts. Raises ``WrongSetting`` without repeating it: a password may stand in it."""
    try:
        parts = make_url(url)
    except ArgumentError as error:
        raise WrongSetting("RPMHUB_DATABASE_URL is no SQLAlchemy URL, such as postgresql://user@host/name.") from error
    if parts.get_backend_name() not in {"sqlite", "postgresql"}:
        raise WrongSetting(f"RPMHUB_DATABASE_URL: {parts.get_backend_name()} is not supported, use postgresql.")
    return parts


def file_of(url: URL) -> Path | None:
    """The database's file; None for a server."""
    return Path(url.database or "") if url.get_backend_name() == "sqlite" else None


def looking(url: URL, within_s: int) -> Engine:
    """An engine that refuses to write. Nothing is connected yet."""
    file = file_of(url)
    if file is not None:
        return _looking_at_file(file, within_s)
    bounds = f"-c default_transaction_read_only=on -c statement_timeout={within_s * 1000}"
    arguments = {"connect_timeout": max(within_s, 2), "options": bounds}
    return create_engine(url.set(drivername="postgresql+psycopg"), connect_args=arguments, poolclass=NullPool)


def _looking_at_file(file: Path, within_s: int) -> Engine:
    driver = sqlite_driver()

    def connect() -> Any:
        found = driver.connect(f"file:{quote(str(file))}?mode=ro", uri=True, timeout=within_s, check_same_thread=False)
        found.isolation_level = None
        return found

    engine = create_engine("sqlite://", creator=connect, module=driver, poolclass=NullPool)
    event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN"))
    return engine


def damage(connection: Connection, within_s: float, monotonic: Callable[[], float]) -> str | None:
    """What ``PRAGMA quick_check`` says first, or None for a sound file. Raises ``TimeoutError`` at the bound."""
    until = monotonic() + within_s
    return first_damage(connection, lambda: monotonic() > until)


def first_damage(connection: Connection, give_up: Callable[[], bool]) -> str | None:
    """The same, with another bound: ``give_up`` is asked every few milliseconds."""
    driver: Any = connection.connection.dbapi_connection
    driver.set_progress_handler(give_up, STEPS)
    try:
        said = str(connection.exec_driver_sql("PRAGMA quick_check(1)").scalar_one())
    except OperationalError as error:
        if "interrupted" in str(error.orig):
            raise TimeoutError from error
        raise
    finally:
        driver.set_progress_handler(None, STEPS)
    return None if said == "ok" else said


def says_damaged(error: BaseException) -> bool:
    """Whether the database's own error is about its file's content, or the medium under it."""
    return _DAMAGED.search(str(error)) is not None
