"""A database server for those tests that ask for one: started once a worker, a database of its own for each test."""

import itertools
from collections.abc import Iterator

import pytest

from hub.adapters.sql import migrate
from hub.adapters.sql.engine import make_engine
from tests.servers_postgres import PostgreSQL, postgresql

_NUMBERS = itertools.count(1)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgreSQL]:
    """A PostgreSQL that is quick and not durable, with a database ``hub`` at this version's schema to copy from."""
    with postgresql() as server:
        engine = make_engine(server.create("hub"))
        migrate.upgrade(engine)
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
