"""The embedded database's own file: read whole where it must be, refused where it is not sound, never begun anew."""

import threading
from pathlib import Path

import pytest

from hub.adapters.clock import SystemClock
from hub.adapters.database_file.check import BackgroundCheck, admit, read_whole
from hub.adapters.database_file.marks import Marks
from hub.adapters.sql.engine import make_engine, sqlite_driver
from hub.adapters.sql.unit_of_work import SqlUnitOfWork
from hub.bootstrap import DEMO, PRODUCTION, admitted, build_hub, open_database, serving
from hub.errors import DamagedDatabase, NoDatabase
from hub.services.engine.soundness import last_good
from hub.settings import Settings

PAGE = 4096
CLOCK = SystemClock()


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    made = Settings(data_dir=str(tmp_path / "hub"), clinic_zone="UTC", last_resort_phone="+15555550199")
    open_database(made, DEMO)
    return made


def file_of(settings: Settings) -> Path:
    file = settings.database_file
    assert file is not None
    return file


def crash(settings: Settings) -> None:
    """What a writer that was killed leaves behind."""
    with pytest.raises(ZeroDivisionError), Marks(file_of(settings)).writing("ingest", "killed"):
        raise ZeroDivisionError


def spoil(file: Path, page: int = 5) -> None:
    with file.open("r+b") as damaged:
        damaged.seek((page - 1) * PAGE)
        damaged.write(b"\xa5" * PAGE)


def checked(settings: Settings) -> object:
    with SqlUnitOfWork(make_engine(settings.database)) as uow:
        return last_good(uow.operations)


def test_after_a_clean_stop_it_is_served_unread(settings: Settings) -> None:
    with serving(settings, "ingest", admitted(settings)):
        pass
    assert admitted(settings) is None
    assert checked(settings) is None


def test_after_an_unclean_one_it_is_read_first_and_that_is_kept(settings: Settings) -> None:
    crash(settings)
    verdict = admitted(settings)
    assert verdict is not None
    assert verdict.sound
    with serving(settings, "ingest", verdict):
        assert checked(settings) is not None
    assert admitted(settings) is None


def test_the_upgrade_reads_it_first_too(settings: Settings) -> None:
    crash(settings)
    open_database(settings, DEMO)
    assert checked(settings) is not None
    assert Marks(file_of(settings)).standing().clean


def test_a_damaged_page_is_refused_and_nothing_is_changed(settings: Settings) -> None:
    crash(settings)
    spoil(file_of(settings))
    before = file_of(settings).read_bytes()
    for _ in range(2):
        with pytest.raises(DamagedDatabase, match=r"is damaged \(.*newest verified backup"):
            admitted(settings)
        with pytest.raises(DamagedDatabase):
            open_database(settings, DEMO)
    assert file_of(settings).read_bytes() == before


@pytest.mark.parametrize("content", [b"\0" * 3 * PAGE, b"SQLite format 3\0" + b"\xff" * 2 * PAGE])
def test_what_is_no_database_any_more_is_refused(settings: Settings, content: bytes) -> None:
    crash(settings)
    file_of(settings).write_bytes(content)
    with pytest.raises(DamagedDatabase):
        admitted(settings)
    assert file_of(settings).read_bytes() == content


def test_where_others_write_it_is_read_behind_their_back(settings: Settings) -> None:
    crash(settings)
    marks = Marks(file_of(settings))
    with marks.writing("worker", "alive"):
        assert admitted(settings) is None
        assert (marks.standing().left, marks.owed) == ((), True)
        check = BackgroundCheck(file_of(settings), marks, CLOCK, threading.Event())
        verdict = check.run()
        check.settle(verdict)
        assert verdict.sound
        assert not check.owed


def test_damage_that_was_found_while_serving_is_refused_by_the_next_start(settings: Settings) -> None:
    marks = Marks(file_of(settings))
    with marks.writing("worker", "alive"):
        spoil(file_of(settings))
        check = BackgroundCheck(file_of(settings), marks, CLOCK, threading.Event())
        verdict = check.run()
        assert verdict.said is not None
        check.settle(verdict)
    with pytest.raises(DamagedDatabase):
        admitted(settings)


def test_a_check_that_is_told_to_stop_says_that_it_did_not_end(settings: Settings) -> None:
    many = sqlite_driver().connect(file_of(settings))
    many.execute(
        """CREATE TABLE many AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300000)
           SELECT i, hex(randomblob(20)) AS text FROM n"""
    )
    many.close()
    verdict = read_whole(file_of(settings), CLOCK, lambda: True)
    assert (verdict.whole, verdict.said, verdict.sound) == (False, None, False)


def test_a_check_takes_no_lock_that_a_writer_waits_for(settings: Settings) -> None:
    hub = build_hub(settings, role="command")
    wrote: list[bool] = []

    def look() -> bool:
        if not wrote:
            with hub.unit_of_work() as uow:
                uow.operations.count("while-it-is-read")
                uow.commit()
            wrote.append(True)
        return False

    many = sqlite_driver().connect(file_of(settings))
    many.execute(
        """CREATE TABLE many AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300000)
           SELECT i, hex(randomblob(20)) AS text FROM n"""
    )
    many.close()
    assert read_whole(file_of(settings), CLOCK, look).sound
    assert wrote == [True]


@pytest.mark.parametrize("how", ["gone", "empty"])
def test_a_database_that_was_there_is_not_begun_anew(settings: Settings, how: str) -> None:
    file = file_of(settings)
    with Marks(file).writing("ingest", "before"):
        pass
    if how == "gone":
        file.unlink()
    else:
        file.write_bytes(b"")
    for start in (lambda: open_database(settings, DEMO), lambda: admitted(settings), lambda: build_hub(settings)):
        with pytest.raises(NoDatabase, match="volume mounted"):
            start()
    assert not file.exists() or file.stat().st_size == 0
    open_database(settings, DEMO, new=True)
    build_hub(settings)


@pytest.mark.parametrize("sign", ["secrets/mqtt-hub-password", "backups/hub.sqlite3", "hub.sqlite3-wal"])
def test_each_sign_of_an_earlier_database_counts(tmp_path: Path, sign: str) -> None:
    (tmp_path / sign).parent.mkdir(exist_ok=True)
    (tmp_path / sign).write_text("x")
    with pytest.raises(NoDatabase, match="is gone"):
        open_database(Settings(data_dir=str(tmp_path)), PRODUCTION)
    assert not (tmp_path / "hub.sqlite3").exists()


def test_a_role_makes_no_database(tmp_path: Path) -> None:
    settings = Settings(data_dir=str(tmp_path))
    for start in (lambda: admitted(settings), lambda: build_hub(settings)):
        with pytest.raises(NoDatabase, match="Run: rpmhub db upgrade"):
            start()
    assert not (tmp_path / "hub.sqlite3").exists()


def test_a_database_without_its_mode_is_not_taken(settings: Settings) -> None:
    taken = sqlite_driver().connect(file_of(settings))
    taken.execute("DELETE FROM stamp")
    taken.commit()
    taken.close()
    with pytest.raises(NoDatabase, match="carries no mode"):
        open_database(settings, PRODUCTION)
    open_database(settings, PRODUCTION, new=True)


def test_a_start_while_another_reads_it_waits_for_the_verdict(settings: Settings) -> None:
    crash(settings)
    marks = Marks(file_of(settings))
    found: list[object] = []
    other = threading.Thread(target=lambda: found.append(admit(file_of(settings), marks, CLOCK, threading.Event())))
    with Marks(file_of(settings)).gate():
        other.start()
        other.join(0.3)
        assert found == []
    other.join(20)
    assert len(found) == 1
