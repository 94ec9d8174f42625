"""What the doctor says of backups, and of a restore that patients still wait behind."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from hub.adapters.sql.backup import back_up
from hub.adapters.sql.engine import make_engine
from hub.adapters.sql.unit_of_work import SqlUnitOfWork
from hub.cli.checks import backups
from hub.services import restored
from hub.services.checkup.finding import Need
from hub.services.hub import Actor
from tests.unit.checkup.subjects import NOW, made, only, subject, wrong


@dataclass
class Fixed:
    at: datetime = NOW

    def now(self) -> datetime:
        return self.at

    def monotonic(self) -> float:
        return 0.0


def silent(*_: object) -> None:
    """Nobody watches."""


def test_a_backup_is_missing_or_young_or_old_and_never_a_must(tmp_path: Path) -> None:
    file = made(tmp_path)
    about = subject(tmp_path, clock=Fixed())
    assert "no verified backup" in only(backups.newest(about)).what
    back_up(file, tmp_path / "backups", 14, NOW - timedelta(hours=26), silent)
    assert wrong(backups.newest(about)) == []
    later = subject(tmp_path, clock=Fixed(NOW + timedelta(minutes=1)))
    assert wrong(backups.newest(later)) == [(Need.SHOULD, "The newest verified backup is 26 h old.")]


def test_a_backup_without_its_length_does_not_count(tmp_path: Path) -> None:
    one = back_up(made(tmp_path), tmp_path / "backups", 14, NOW, silent)
    with one.file.open("ab") as file:
        file.write(b"x")
    assert only(backups.newest(subject(tmp_path, clock=Fixed()))).need is Need.SHOULD


def test_a_backup_of_a_time_to_come_is_told_and_does_not_count(tmp_path: Path) -> None:
    file, about = made(tmp_path), subject(tmp_path, clock=Fixed())
    back_up(file, tmp_path / "backups", 14, NOW - timedelta(hours=27), silent)
    back_up(file, tmp_path / "backups", 14, NOW + timedelta(days=3), silent)
    assert wrong(backups.newest(about)) == [
        (Need.SHOULD, "Backups of a time that is still to come: 1."),
        (Need.SHOULD, "The newest verified backup is 27 h old."),
    ]


def test_a_server_is_backed_up_by_its_own_means(tmp_path: Path) -> None:
    assert list(backups.newest(subject(tmp_path, database_url="postgresql://h/d"))) == []


def test_a_restore_is_told_until_patients_may_be_texted_again(tmp_path: Path) -> None:
    file = made(tmp_path)
    about = subject(tmp_path, clock=Fixed())
    assert list(backups.after_restore(about)) == []
    engine = make_engine(f"sqlite:///{file}")
    with SqlUnitOfWork(engine) as uow:
        restored.mark(uow, Actor("tests", "admin"), NOW - timedelta(hours=4), NOW)
        uow.commit()
    engine.dispose()
    found = only(backups.after_restore(about))
    assert found.need is Need.SHOULD
    assert "08:04 UTC: no patient is texted" in found.what
    assert "--opt-outs-entered" in found.mend
