"""A database server for those tests that ask for one: started once a worker, a database of its own for each test."""

import itertools
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from hub.adapters.sql import migrate
from hub.adapters.sql.engine import make_engine
from hub.adapters.sql.partitions import make_ahead
from tests.servers_influx import InfluxDB, influxdb
from tests.servers_postgres import PostgreSQL, postgresql

MONTHS = (datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 4, 1, tzinfo=UTC))
"""Around which stories of tests are set; the months of other rows are left to the default partition."""

BOTH = ("sqlite", "postgresql")

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


@pytest.fixture(params=BOTH)
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a database for a rig: a file that is not there yet; in a second run PostgreSQL's, with tables."""
    return _url(request, tmp_path, "postgres_url")


@pytest.fixture(params=BOTH)
def empty_database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The same, without a table."""
    return _url(request, tmp_path, "empty_postgres_url")


def _url(request: pytest.FixtureRequest, folder: Path, server: str) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{folder / 'hub.db'}"
    url: str = request.getfixturevalue(server)
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
