"""A database that must not be trusted is told apart by what is wrong with it, and stays as it is."""

import itertools
from contextlib import closing
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy.exc import OperationalError

from hub.adapters.sql import migrate
from hub.adapters.sql.engine import make_engine, sqlite_driver, wal_is_safe
from hub.bootstrap import DEMO
from hub.cli.checks import database
from hub.errors import WrongSetting
from hub.services.checkup.finding import Need
from tests.unit.checkup.subjects import NOW, made, only, subject, wrong

MANY = """CREATE TABLE many AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000)
    SELECT i, hex(randomblob(8)) AS text FROM n"""


class LeapingClock:
    """A minute goes by whenever it is looked at."""

    def __init__(self) -> None:
        self._minutes = itertools.count()

    def now(self) -> object:
        return NOW

    def monotonic(self) -> float:
        return 60.0 * next(self._minutes)


def at_revision(file: Path, revision: str) -> None:
    engine = make_engine(f"sqlite:///{file}")
    config = Config()
    config.set_main_option("script_location", str(Path(migrate.__file__).parent / "migrations"))
    with engine.connect() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
        connection.commit()
    engine.dispose()


def test_a_new_database_is_fine_and_untouched(tmp_path: Path) -> None:
    file = made(tmp_path)
    before = file.read_bytes(), file.stat().st_mtime_ns
    found = [*database.database(subject(tmp_path)), *database.mode(subject(tmp_path))]
    assert [one.what for one in found] == [
        f"{file} is whole.",
        "The database is at this version's schema.",
        "It is a production database.",
    ]
    assert (file.read_bytes(), file.stat().st_mtime_ns) == before


def test_no_check_can_write(tmp_path: Path) -> None:
    made(tmp_path)
    with subject(tmp_path).rows() as uow, pytest.raises(OperationalError, match="readonly"):
        uow.operations.set_stamp("site", "invented")


def test_no_database_is_made_by_looking(tmp_path: Path) -> None:
    found = only(database.database(subject(tmp_path)))
    assert (found.need, found.mend) == (Need.MUST, "rpmhub db upgrade")
    assert list(tmp_path.iterdir()) == []


def test_an_empty_file_is_a_lost_database_and_an_older_schema_is_upgraded(tmp_path: Path) -> None:
    (tmp_path / "hub.sqlite3").touch()
    found = only(database.database(subject(tmp_path)))
    assert found.need is Need.MUST
    assert found.mend.startswith("Mount its volume, or restore the newest backup")
    at_revision(tmp_path / "hub.sqlite3", "0001")
    found = only(database.database(subject(tmp_path)))
    assert (found.need, found.mend) == (Need.MUST, "rpmhub db upgrade")


def test_a_later_schema_is_not_upgraded(tmp_path: Path) -> None:
    with closing(sqlite_driver().connect(str(made(tmp_path)))) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
        connection.commit()
    found = only(database.database(subject(tmp_path)))
    assert (found.what, found.mend) == (
        "The database is of a later version.",
        "Install the version that made it",
    )


def test_a_demos_database_is_for_no_patient(tmp_path: Path) -> None:
    made(tmp_path, DEMO)
    assert wrong(database.database(subject(tmp_path))) == []
    found = only(database.mode(subject(tmp_path)))
    assert (found.need, found.what) == (Need.MUST, "This is a demo database.")


def test_a_database_without_a_mode_is_upgraded(tmp_path: Path) -> None:
    at_revision(tmp_path / "hub.sqlite3", "head")
    assert only(database.mode(subject(tmp_path))).mend == "rpmhub db upgrade"


def test_what_is_no_database_is_kept(tmp_path: Path) -> None:
    file = tmp_path / "hub.sqlite3"
    file.write_bytes(b"these bytes are no database, whatever they are called" * 100)
    found = only(database.database(subject(tmp_path)))
    assert (found.need, found.what) == (Need.MUST, f"{file} is damaged: file is not a database.")
    assert f"move {file} aside and keep it" in found.mend


def test_a_page_that_went_bad_is_found(tmp_path: Path) -> None:
    file = made(tmp_path)
    with closing(sqlite_driver().connect(str(file))) as connection:
        connection.execute(MANY)
        connection.commit()
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        (page,) = connection.execute("SELECT rootpage FROM sqlite_schema WHERE name = 'many'").fetchone()
    with file.open("r+b") as raw:
        raw.seek((page - 1) * 4096)
        raw.write(b"\xff" * 4096)
    found = only(database.database(subject(tmp_path)))
    assert (found.need, "damaged" in found.what) == (Need.MUST, True)


def test_a_large_database_is_not_waited_for(tmp_path: Path) -> None:
    with closing(sqlite_driver().connect(str(made(tmp_path)))) as connection:
        connection.execute(MANY)
        connection.commit()
    found = only(database.database(subject(tmp_path, clock=LeapingClock())))  # type: ignore[arg-type]
    assert (found.need, found.mend) == (Need.SHOULD, "rpmhub doctor --whole")


def test_a_database_that_is_written_is_not_called_damaged(tmp_path: Path) -> None:
    file = made(tmp_path)
    with closing(sqlite_driver().connect(str(file), isolation_level=None)) as writer:
        writer.execute("PRAGMA journal_mode = DELETE")
        writer.execute("BEGIN EXCLUSIVE")
        found = only(database.database(subject(tmp_path)))
    assert (found.need, found.mend) == (Need.SHOULD, "rpmhub doctor, again")


def test_a_server_that_does_not_answer_is_named_without_the_password(tmp_path: Path) -> None:
    url = "postgresql://rpmhub:invented-password@127.0.0.1:9/rpmhub"
    found = only(database.database(subject(tmp_path, database_url=url)))
    assert found.what.startswith("PostgreSQL at 127.0.0.1:9 does not let us in: ")
    assert "invented-password" not in repr(found)


@pytest.mark.parametrize(
    ("url", "sentence"),
    [("rpmhub:invented@here", "is no SQLAlchemy URL"), ("mysql://rpmhub:invented@here/x", "mysql is not supported")],
)
def test_a_database_of_another_kind_is_refused_without_its_password(tmp_path: Path, url: str, sentence: str) -> None:
    with pytest.raises(WrongSetting, match=sentence) as refused:
        list(database.database(subject(tmp_path, database_url=url)))
    assert "invented" not in str(refused.value)


def test_the_library_is_named_with_what_is_wrong_with_it(tmp_path: Path) -> None:
    (found,) = database.sqlite(subject(tmp_path))
    assert found.need is (Need.FINE if wal_is_safe() else Need.SHOULD)
    assert list(database.sqlite(subject(tmp_path, database_url="postgresql://127.0.0.1/rpmhub"))) == []
