"""The server that tests run on: what it keeps of a crash, and that each test has a database of its own."""

import signal
from collections.abc import Iterator

import psycopg
import pytest

from tests.servers_postgres import PostgreSQL, postgresql


@pytest.fixture(scope="module")
def durable_server() -> Iterator[PostgreSQL]:
    with postgresql(durable=True) as server:
        yield server


def test_a_database_is_at_this_versions_schema_and_its_own(postgres_url: str, empty_postgres_url: str) -> None:
    with psycopg.connect(postgres_url) as connection:
        assert connection.execute("SELECT count(*) FROM journal").fetchone() == (0,)
    with psycopg.connect(empty_postgres_url) as connection:
        assert connection.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'").fetchone() == (0,)


@pytest.mark.parametrize("how", [signal.SIGQUIT, signal.SIGKILL, signal.SIGINT])
def test_what_was_committed_survives_a_crash(durable_server: PostgreSQL, how: signal.Signals) -> None:
    url = durable_server.create(f"kept_{how.name.lower()}")
    with psycopg.connect(url) as connection:
        connection.execute("CREATE TABLE kept (n INT)")
        connection.execute("INSERT INTO kept VALUES (7)")
        connection.commit()
        durable_server.stop(how)
    durable_server.start()
    with psycopg.connect(url) as connection:
        assert connection.execute("SELECT n FROM kept").fetchone() == (7,)


def test_a_frozen_server_takes_no_connection(durable_server: PostgreSQL) -> None:
    durable_server.freeze()
    with pytest.raises(psycopg.OperationalError, match="timeout"):
        psycopg.connect(durable_server.url(), connect_timeout=2)
    durable_server.thaw()
    psycopg.connect(durable_server.url(), connect_timeout=10).close()
