"""The command line on a PostgreSQL: it makes the database, its months too, and examines it."""

from pathlib import Path

from sqlalchemy import text

from hub.adapters.clock import SystemClock
from hub.adapters.sql.engine import make_engine
from hub.adapters.sql.partitions import Standing, look
from tests.contract.test_command_line import Operator


def test_a_database_is_made_with_its_months_and_examined(tmp_path: Path, empty_postgres_url: str) -> None:
    operator = Operator(tmp_path)
    operator.environment["RPMHUB_DATABASE_URL"] = empty_postgres_url
    for _ in range(2):
        assert operator.says("db", "upgrade") == "The database is at this version's schema."
    engine = make_engine(empty_postgres_url)
    with engine.connect() as connection:
        assert look(connection, SystemClock().now()) == Standing({}, ())
        assert connection.execute(text("SELECT value FROM stamp WHERE name = 'mode'")).scalar() == "production"
    engine.dispose()
    said = operator.run("doctor").stdout
    for sentence in (
        "This month and the next have their partitions.",
        "The database is at this version's schema.",
        "PostgreSQL runs with fsync and synchronous_commit and full_page_writes off.",
    ):
        assert sentence in said


def test_a_database_of_another_mode_is_refused_on_a_server_too(tmp_path: Path, empty_postgres_url: str) -> None:
    operator = Operator(tmp_path)
    operator.environment["RPMHUB_DATABASE_URL"] = empty_postgres_url
    operator.says("db", "upgrade", "--mode", "demo")
    assert "This database is a demo database and stays one" in operator.refuses("db", "upgrade")
