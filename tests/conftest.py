"""A database server for those tests that ask for one: started once a worker, a database of its own for each test."""

import itertools
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest
from hypothesis import settings

from hub.adapters.sql import migrate
from hub.adapters.sql.engine import make_engine
from hub.adapters.sql.partitions import make_ahead
from hub.adapters.sql.tables import metadata
from tests.servers_influx import InfluxDB, influxdb
from tests.servers_postgres import PostgreSQL, postgresql

settings.register_profile("rpmhub", deadline=None)  # how long an example takes depends on what else runs
settings.load_profile("rpmhub")

MONTHS = (datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 4, 1, tzinfo=UTC))
"""Around which stories of tests are set; the months of other rows are left to the default partition."""

BOTH = ("sqlite", "postgresql")

USED_AGAIN = "used_again"

_NUMBERS = itertools.count(1)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgreSQL]:
    """A PostgreSQL that is quick and not durable, with a database ``hub`` at this version's schema to copy from."""
    with postgresql() as server:
        engine = make_engine(server.create("hub"))
        migrate.upgrade(engine)
        for month in MONTHS:
            make_ahead(engine, month)
        engine.dispose()
        yield server


@pytest.fixture
def empty_postgres_url(postgres_server: PostgreSQL) -> Iterator[str]:
    """The URL of a database without a table."""
    yield from _database(postgres_server, "template1")


@pytest.fixture
def postgres_url(postgres_server: PostgreSQL) -> Iterator[str]:
    """The URL of a database at this version's schema, without rows."""
    yield from _database(postgres_server, "hub")


def _database(server: PostgreSQL, template: str) -> Iterator[str]:
    name = f"test_{next(_NUMBERS)}"
    yield server.create(name, template)
    server.drop(name)


@pytest.fixture(scope="session")
def emptied_postgres_url(postgres_server: PostgreSQL) -> str:
    """The URL of one database at this version's schema that ``database_url`` hands out again and again."""
    return postgres_server.create(USED_AGAIN, "hub")


@pytest.fixture(params=BOTH)
def database_url(request: pytest.FixtureRequest) -> Iterator[str | None]:
    """The URL of a database for a rig, with tables; None: let it make a file in the test's own folder.

    On PostgreSQL it is the same each time, emptied; a test that broke its tables costs the next one a new copy.
    """
    if request.param == "sqlite":
        yield None
        return
    server: PostgreSQL = request.getfixturevalue("postgres_server")
    url: str = request.getfixturevalue("emptied_postgres_url")
    yield url
    try:
        _empty(url)
    except psycopg.Error:
        server.drop(USED_AGAIN)
        server.create(USED_AGAIN, "hub")


@pytest.fixture(params=BOTH)
def empty_database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a database without a table."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'hub.db'}"
    url: str = request.getfixturevalue("empty_postgres_url")
    return url


@pytest.fixture(scope="session")
def influx_server() -> Iterator[InfluxDB]:
    """An InfluxDB for those tests that do not stop it."""
    with influxdb() as server:
        yield server


@pytest.fixture
def influx_url(influx_server: InfluxDB) -> Iterator[str]:
    """``RPMHUB_SERIES_URL`` of an empty bucket of it."""
    bucket = f"test_{next(_NUMBERS)}"
    yield influx_server.create(bucket)
    influx_server.drop(bucket)


def _empty(url: str) -> None:
    """Its rows go, and its ids begin anew. Quicker by far than another database."""
    with psycopg.connect(url, options="-c lock_timeout=5s") as connection:
        names = [table.name for table in reversed(metadata.sorted_tables)]
        filled = " UNION ALL ".join(f"SELECT '{name}' WHERE EXISTS (SELECT FROM {name})" for name in names)
        found = {name for (name,) in connection.execute(filled)}
        for name in names:
            if name in found:
                connection.execute(f"DELETE FROM {name}")
        connection.execute("SELECT setval(oid::regclass, 1, false) FROM pg_class WHERE relkind = 'S'")
