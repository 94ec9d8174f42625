"""Months of the long tables on PostgreSQL: each is a partition, and what has no month yet lies in the default one.

Nothing here does anything on SQLite, where these are plain tables.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import Connection, Engine

from hub.adapters.sql.types import to_ms

KEYS: Mapping[str, str] = {"journal": "hub_received_at", "reading": "at", "replayed": "at"}
"""The tables, and the instant that says which month a row belongs to."""

AHEAD = 2
"""Months after this one that stand ready."""

LOCK_S = 2
"""Making a month shuts the default partition for a moment; whoever reads it longer than this is not waited for."""

_NAME = re.compile(rf"({'|'.join(KEYS)})_(default|\d{{4}}_\d\d)")
_ONE_AT_A_TIME = 0x72706D01


@dataclass(frozen=True, slots=True)
class Standing:
    """How far the partitions of a database are made."""

    unsorted: Mapping[str, int]
    """Table -> rows in its default partition, counted to a thousand; tables without any are left out."""
    missing: tuple[str, ...]
    """Partitions of this month and the next that are not there."""


def is_partition(name: str) -> bool:
    """Whether this is a partition's name: part of a table, and none of its own."""
    return _NAME.fullmatch(name) is not None


def month_of(at: datetime) -> datetime:
    """The first instant of its month, in UTC."""
    return at.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)


def later(month: datetime, by: int) -> datetime:
    """The month ``by`` months after."""
    years, index = divmod(month.month - 1 + by, 12)
    return month.replace(year=month.year + years, month=index + 1)


def name_of(table: str, month: datetime) -> str:
    """What the partition is called."""
    return f"{table}_{month:%Y_%m}"


def months(connection: Connection, table: str) -> list[datetime]:
    """The months that have a partition, oldest first. Nothing where the table has no partitions."""
    if connection.dialect.name != "postgresql":
        return []
    found = connection.exec_driver_sql(
        "SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid WHERE i.inhparent = to_regclass(%s)",
        (table,),
    ).scalars()
    dated = (name.removeprefix(f"{table}_") for name in found)
    return sorted(datetime.strptime(one, "%Y_%m").replace(tzinfo=UTC) for one in dated if one != "default")


def make_ahead(engine: Engine, now: datetime) -> int:
    """Make this month, the next two, and those of which the default partition holds rows; how many were made.

    Rows of a month move out of the default partition with it. Raises ``Unavailable`` where a lock is not to be had:
    what was made until then stays.
    """
    if engine.dialect.name != "postgresql":
        return 0
    made = 0
    for table in KEYS:
        with engine.connect() as connection:
            wanted = sorted(_wanted(connection, table, now))
        for month in wanted:
            with engine.begin() as connection:
                made += _make(connection, table, month)
    return made


def drop_before(engine: Engine, table: str, until: datetime) -> list[str]:
    """Drop the months of ``table`` that ended by ``until``, with their rows; the names of what went.

    Rows of the default partition stay. Raises ``Unavailable`` where a lock is not to be had.
    """
    with engine.connect() as connection:
        over = [month for month in months(connection, table) if later(month, 1) <= until]
    for month in over:
        with engine.begin() as connection:
            connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{LOCK_S}s'")
            connection.exec_driver_sql(f"ALTER TABLE {table} DETACH PARTITION {name_of(table, month)}")
            connection.exec_driver_sql(f"DROP TABLE {name_of(table, month)}")
    return [name_of(table, month) for month in over]


def look(connection: Connection, now: datetime) -> Standing:
    """How far it is, without touching it."""
    unsorted, missing = {}, []
    for table in KEYS:
        there = months(connection, table)
        missing += [name_of(table, month) for month in _ready(now, 1) if month not in there]
        counted = f"SELECT count(*) FROM (SELECT FROM {table}_default LIMIT 1000) AS first_ones"
        if rows := connection.exec_driver_sql(counted).scalar_one():
            unsorted[table] = int(rows)
    return Standing(unsorted, tuple(missing))


def _ready(now: datetime, ahead: int = AHEAD) -> Iterator[datetime]:
    this = month_of(now)
    return (later(this, by) for by in range(ahead + 1))


def _wanted(connection: Connection, table: str, now: datetime) -> set[datetime]:
    key = KEYS[table]
    fallen = connection.exec_driver_sql(
        f"SELECT DISTINCT date_trunc('month', to_timestamp({key} / 1000.0) AT TIME ZONE 'UTC') FROM {table}_default"
    ).scalars()
    return ({month.replace(tzinfo=UTC) for month in fallen} | set(_ready(now))) - set(months(connection, table))


def _make(connection: Connection, table: str, month: datetime) -> int:
    """Beside the table first, with the rows that are its own; only then it takes its place."""
    connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{LOCK_S}s'")
    connection.exec_driver_sql("SELECT pg_advisory_xact_lock(%s)", (_ONE_AT_A_TIME,))
    if month in months(connection, table):
        return 0
    name, since, until = name_of(table, month), to_ms(month), to_ms(later(month, 1))
    connection.exec_driver_sql(f"CREATE TABLE {name} (LIKE {table} INCLUDING DEFAULTS)")
    connection.exec_driver_sql(f"LOCK TABLE {table}_default IN ACCESS EXCLUSIVE MODE")
    connection.exec_driver_sql(
        f"WITH moved AS (DELETE FROM {table}_default WHERE {KEYS[table]} >= {since} AND {KEYS[table]} < {until} "
        f"RETURNING *) INSERT INTO {name} SELECT * FROM moved"
    )
    connection.exec_driver_sql(f"ALTER TABLE {table} ATTACH PARTITION {name} FOR VALUES FROM ({since}) TO ({until})")
    return 1
