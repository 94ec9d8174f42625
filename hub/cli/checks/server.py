"""A PostgreSQL server: new enough, durable when it says so, and with the months made that readings will fall into."""

from collections.abc import Iterator
from datetime import datetime

from sqlalchemy import Connection

from hub.adapters.sql.partitions import look
from hub.services.checkup.finding import Finding, fine, must, should

LEAST = 15
_DURABLE = ("fsync", "synchronous_commit", "full_page_writes")


def server(connection: Connection) -> Iterator[Finding]:
    """The server itself."""
    major = int((connection.dialect.server_version_info or (0,))[0])
    if major < LEAST:
        why = "Nothing is tested on it."
        yield should(f"PostgreSQL {major} is older than {LEAST}.", why, "Upgrade the server")
    else:
        yield fine(f"PostgreSQL {major} answers.")
    off = [name for name in _DURABLE if connection.exec_driver_sql(f"SHOW {name}").scalar_one() == "off"]
    if off:
        names = " and ".join(off)
        why = "A power cut may take readings that were acknowledged, and the gateways have deleted theirs."
        yield must(
            f"PostgreSQL runs with {names} off.", why, "; ".join(f"ALTER SYSTEM SET {name} = on" for name in off)
        )


def months(connection: Connection, now: datetime) -> Iterator[Finding]:
    """Whether what comes next month has a place of its own."""
    stands = look(connection, now)
    if stands.missing:
        why = "Nothing is lost: rows fall into the default partition, which makes every later month slower to make."
        names = ", ".join(stands.missing)
        yield should(f"Partitions are missing: {names}.", why, "rpmhub db upgrade, or see why the worker does not run")
    if stands.unsorted:
        why = "They move within a day, once their month is made; more of them mean that the worker does not make it."
        rows = ", ".join(f"{table} {'over ' * (many >= 1000)}{many}" for table, many in stands.unsorted.items())
        yield should(f"Rows lie in the default partition: {rows}.", why, "rpmhub db upgrade")
    if not stands.missing and not stands.unsorted:
        yield fine("This month and the next have their partitions.")
