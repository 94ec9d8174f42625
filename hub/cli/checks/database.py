"""The database: opens, is whole, is this version's, and is one that ``up`` takes."""

from collections.abc import Iterator
from pathlib import Path

from sqlalchemy import URL, Connection
from sqlalchemy.exc import SQLAlchemyError

from hub.adapters.database_file.presence import MADE_ANEW, held_before, is_there
from hub.adapters.probes.database import damage, file_of, looking, parse, says_damaged
from hub.adapters.probes.directory import owner
from hub.adapters.sql.engine import is_busy, sqlite_version, wal_is_safe
from hub.adapters.sql.migrate import Schema, standing
from hub.bootstrap import PRODUCTION
from hub.cli.checks.server import months, server
from hub.cli.checks.subject import Subject
from hub.services.checkup.finding import Finding, fine, must, should

UPGRADE = "rpmhub db upgrade"
NO_DATABASE = "The hub does not start, and no reading is stored."
CHECK_S = 1.5


def database(subject: Subject) -> Iterator[Finding]:
    """Everything that can be said without changing it."""
    url = parse(subject.settings.database)
    file = file_of(url)
    if file is not None and not is_there(file):
        yield _absent(file, held_before(file, subject.settings.data))
        return
    try:
        engine = looking(url, subject.within_s)
        with engine.connect() as connection:
            yield from _whole(subject, url, connection)
            yield from _standing(connection)
            if file is None and standing(connection) is Schema.CURRENT:
                yield from months(connection, subject.now)
    except ModuleNotFoundError:
        yield must("PostgreSQL's driver is not installed.", NO_DATABASE, "pip install 'rpmhub[hub,postgres]'")
    except SQLAlchemyError as error:
        yield _closed(url, error)


def _absent(file: Path, sign: str | None) -> Finding:
    if sign is None:
        return must(f"There is no database at {file}.", NO_DATABASE, UPGRADE)
    mend = f"Mount its volume, or restore the newest backup: rpmhub restore FROM; {MADE_ANEW}"
    return must(f"The database {file} is gone: {sign}.", NO_DATABASE, mend)


def _closed(url: URL, error: SQLAlchemyError) -> Finding:
    said = str(getattr(error, "orig", None) or type(error).__name__).strip().splitlines()[0]
    file = file_of(url)
    if file is None:
        place = f"{url.host or 'localhost'}:{url.port or 5432}"
        said = said.rpartition("failed: ")[2].rstrip(".")
        return must(f"PostgreSQL at {place} does not let us in: {said}.", NO_DATABASE, "RPMHUB_DATABASE_URL=…")
    if is_busy(error):
        return should(f"{file} is being written: {said}.", "Nothing can be said of it now.", "rpmhub doctor, again")
    if says_damaged(error):
        return must(f"{file} is damaged: {said}.", NO_DATABASE, _restore(url))
    mend = f"As its owner: sudo -E -u {owner(file)} rpmhub doctor, or chown it"
    return must(f"{file} cannot be opened: {said}.", NO_DATABASE, mend)


def _restore(url: URL) -> str:
    return f"Stop the hub, then rpmhub restore FROM, your newest backup: it will move {file_of(url)} aside and keep it"


def _whole(subject: Subject, url: URL, connection: Connection) -> Iterator[Finding]:
    if file_of(url) is None:
        yield from server(connection)
        return
    try:
        bound = float("inf") if subject.whole else CHECK_S
        trouble = damage(connection, bound, subject.clock.monotonic)
    except TimeoutError:
        why = "A damaged page deep in it would not be known."
        yield should("The database is too large to be read whole in passing.", why, "rpmhub doctor --whole")
        return
    if trouble is None:
        yield fine(f"{file_of(url)} is whole.")
    else:
        said = trouble.strip().splitlines()[0]
        yield must(f"The database is damaged: {said}.", "What was stored may be gone or wrong.", _restore(url))


def _standing(connection: Connection) -> Iterator[Finding]:
    stands = standing(connection)
    if stands is Schema.FOREIGN:
        why = "This version would misread it, and does not start."
        yield must("The database is of a later version.", why, "Install the version that made it")
    elif stands is not Schema.CURRENT:
        yield must("The database is not at this version's schema.", NO_DATABASE, UPGRADE)
    else:
        yield fine("The database is at this version's schema.")


def mode(subject: Subject) -> Iterator[Finding]:
    """Whether ``up`` takes it (SF20)."""
    with subject.rows() as uow:
        mode = uow.operations.stamp("mode")
    if mode == PRODUCTION:
        yield fine("It is a production database.")
    elif mode is None:
        yield must("The database carries no mode yet.", "The hub does not start.", UPGRADE)
    else:
        why = "It stays one for ever: rpmhub up refuses it, and no patient may go in."
        yield must(f"This is a {mode} database.", why, "RPMHUB_DATA_DIR=… of another place, then rpmhub db upgrade")


def sqlite(subject: Subject) -> Iterator[Finding]:
    """The library's version against the fault that several writers meet in a WAL."""
    if file_of(parse(subject.settings.database)) is None:
        return
    version = ".".join(map(str, sqlite_version()))
    if wal_is_safe():
        yield fine(f"SQLite {version} is free of the WAL-reset fault.")
    else:
        why = "The hub therefore writes through a rollback journal: safe, and slower."
        mend = "pip install 'pysqlite3>=0.6.1' (x86_64 Linux), or PostgreSQL by RPMHUB_DATABASE_URL=…"
        yield should(f"SQLite {version} has the WAL-reset fault, which can corrupt a file.", why, mend)
