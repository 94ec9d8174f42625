"""Backups of a real database under writers, and whatever may go wrong while one is made."""

import json
import resource
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from hub.adapters.clock import SystemClock
from hub.adapters.sql import manifest as manifests
from hub.adapters.sql.backup import Made, back_up
from hub.adapters.sql.engine import make_engine, sqlite_driver
from hub.adapters.sql.hold import alone
from hub.adapters.sql.unit_of_work import SqlUnitOfWork
from hub.bootstrap import PRODUCTION, open_database
from hub.errors import Refused
from hub.settings import Settings
from tests.contract.test_command_line import Operator

CLOCK = SystemClock()


def silent(*_: object) -> None:
    """Nobody watches."""


@pytest.fixture
def database(tmp_path: Path) -> Path:
    open_database(Settings(data_dir=str(tmp_path / "data")), PRODUCTION)
    return tmp_path / "data" / "hub.sqlite3"


def acts(file: Path, many: int, first: int = 0) -> None:
    """Acts that were acknowledged: committed one by one."""
    engine = make_engine(f"sqlite:///{file}")
    for number in range(first, first + many):
        with SqlUnitOfWork(engine) as uow:
            uow.audit.write(CLOCK.now(), "tests", "act", str(number), {"padding": "x" * 200})
            uow.commit()
    engine.dispose()


def fill(file: Path, rows: int) -> None:
    engine = make_engine(f"sqlite:///{file}")
    with SqlUnitOfWork(engine) as uow:
        for number in range(rows):
            uow.audit.write(CLOCK.now(), "tests", "fill", str(number), {"padding": "x" * 2000})
        uow.commit()
    engine.dispose()


def subjects(file: Path) -> set[str]:
    connection = sqlite_driver().connect(f"file:{file}?mode=ro&immutable=1", uri=True)
    found = {row[0] for row in connection.execute("SELECT subject FROM audit")}
    connection.close()
    return found


WRITER = """
import sys
from hub.adapters.sql.engine import make_engine
from hub.adapters.sql.unit_of_work import SqlUnitOfWork
from hub.adapters.clock import SystemClock
clock, engine = SystemClock(), make_engine("sqlite:///" + sys.argv[1], checkpoints=True)
number = 0
while True:
    began = clock.monotonic()
    with SqlUnitOfWork(engine) as uow:
        for one in range(20):
            uow.audit.write(clock.now(), "tests", "write", f"w{number}-{one}", {"padding": "x" * 200})
        uow.commit()
    print(number, clock.monotonic() - began, flush=True)
    number += 1
"""


class Writer:
    """Another process that commits groups without end, and says each one that was committed."""

    def __init__(self, file: Path) -> None:
        command = [sys.executable, "-P", "-c", WRITER, str(file)]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        self.took: list[float] = []
        self._read = threading.Thread(target=self._listen)
        self._read.start()

    def until(self, groups: int) -> int:
        tick = threading.Event()
        while len(self.took) < groups:
            tick.wait(0.01)
            assert self._process.poll() is None
        return len(self.took)

    def stop(self) -> None:
        self._process.kill()
        self._process.wait()
        self._read.join()
        assert self._process.stdout is not None
        self._process.stdout.close()

    def _listen(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self.took.append(float(line.split()[1]))


@pytest.fixture
def writer(database: Path) -> Iterator[Writer]:
    fill(database, 8000)
    one = Writer(database)
    yield one
    one.stop()


def test_what_was_acknowledged_before_it_began_is_in_it_and_ingest_goes_on(
    database: Path, writer: Writer, tmp_path: Path
) -> None:
    told: list[tuple[str, int, int]] = []
    before = writer.until(5)
    made = back_up(database, tmp_path / "kept", 14, CLOCK.now(), lambda *how: told.append(how))
    after = len(writer.took)
    held = subjects(made.file)
    assert {f"w{number}-19" for number in range(before)} <= held
    assert after > before, "the writer stood still meanwhile"
    assert max(writer.took[before:after]) < 1.0
    assert len([what for what, _done, _of in told if what == "copied"]) > 3, "it was not copied in steps"
    groups = [len([one for one in held if one.startswith(f"w{number}-")]) for number in range(after + 50)]
    assert set(groups) <= {0, 20}, "half a commit is in it"
    assert len(held) == made.manifest.contents.counts["audit"]


def test_the_manifest_says_what_is_in_it_and_nobody_else_may_read_it(database: Path, tmp_path: Path) -> None:
    acts(database, 3)
    made = back_up(database, tmp_path / "kept", 14, CLOCK.now(), silent)
    said = manifests.read_manifest(made.file)
    assert said == made.manifest
    assert (said.contents.mode, said.contents.counts["audit"], said.bytes) == (
        "production",
        3,
        made.file.stat().st_size,
    )
    assert manifests.looked_at(made.file) == said.contents
    assert manifests.digest(made.file, silent) == (said.sha256, said.bytes)
    for path in (made.file, manifests.manifest_of(made.file)):
        assert path.stat().st_mode & 0o777 == 0o600
    assert sorted(path.name for path in made.file.parent.iterdir()) == sorted(
        [".lock", made.file.name, manifests.manifest_of(made.file).name]
    )


def test_the_newest_are_kept_and_the_only_one_is_never_deleted(database: Path, tmp_path: Path) -> None:
    now, folder = CLOCK.now(), tmp_path / "kept"
    made = [back_up(database, folder, 3, now + timedelta(days=day), silent) for day in range(5)]
    left = [file for file, _manifest in manifests.verified(folder)]
    assert left == [made[4].file, made[3].file, made[2].file]
    assert made[4].deleted == (made[1].file,)
    alone = back_up(database, folder, 1, now + timedelta(days=9), silent)
    assert [file for file, _manifest in manifests.verified(folder)] == [alone.file]


def test_what_was_made_by_a_clock_that_stood_ahead_pushes_nothing_out(database: Path, tmp_path: Path) -> None:
    now, folder = CLOCK.now(), tmp_path / "kept"

    def make(days: int, keep: int = 3) -> Made:
        return back_up(database, folder, keep, now + timedelta(days=days), silent)

    def left() -> list[Path]:
        return [file for file, _manifest in manifests.verified(folder)]

    ahead = [make(days) for days in (10, 11, 12)]
    mended = make(0)
    assert left() == [ahead[2].file, ahead[1].file, mended.file], "the one just made is never deleted"
    assert (mended.deleted, mended.ahead) == ((ahead[0].file,), (ahead[2].file, ahead[1].file))
    second, third = make(1), make(2)
    assert (second.deleted, third.deleted) == ((ahead[1].file,), (ahead[2].file,))
    assert (left(), third.ahead) == ([third.file, second.file, mended.file], ())
    fourth = make(3)
    assert fourth.deleted == (mended.file,)
    back = make(-9)
    assert left() == [fourth.file, third.file, back.file], "of a clock that stands back now"


def test_a_backup_that_lost_its_manifest_counts_for_nothing(database: Path, tmp_path: Path) -> None:
    now, folder = CLOCK.now(), tmp_path / "kept"
    first = back_up(database, folder, 1, now, silent)
    manifests.manifest_of(first.file).unlink()
    second = back_up(database, folder, 1, now + timedelta(days=1), silent)
    assert second.deleted == ()
    assert first.file.exists()


def test_a_disk_that_becomes_full_leaves_nothing_half_made(database: Path, tmp_path: Path) -> None:
    fill(database, 4000)
    folder = tmp_path / "kept"
    good = back_up(database, folder, 14, CLOCK.now(), silent)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1024 * 1024, limits[1]))
    try:
        with pytest.raises(Refused, match=r"could not be copied|No backup was made"):
            back_up(database, folder, 1, CLOCK.now() + timedelta(days=1), silent)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert sorted(path.name for path in folder.iterdir()) == sorted(
        [".lock", good.file.name, manifests.manifest_of(good.file).name]
    )
    assert manifests.looked_at(good.file) == good.manifest.contents


def test_a_damaged_database_is_no_backup(database: Path, tmp_path: Path) -> None:
    fill(database, 500)
    size = database.stat().st_size
    with database.open("r+b") as file:
        file.seek(size // 2)
        file.write(b"\xa7" * 9000)
    with pytest.raises(Refused, match=r"damaged|could not be copied|does not hold"):
        back_up(database, tmp_path / "kept", 14, CLOCK.now(), silent)
    assert manifests.verified(tmp_path / "kept") == []


KILLED = """
import os, sys
from pathlib import Path
from hub.adapters.clock import SystemClock
from hub.adapters.sql.backup import back_up
told = 0
def tell(*_):
    global told
    told += 1
    if told == int(sys.argv[3]):
        os.kill(os.getpid(), 9)
back_up(Path(sys.argv[1]), Path(sys.argv[2]), 1, SystemClock().now(), tell)
"""


@pytest.mark.parametrize("at", [1, 3, 6, 9])
def test_killed_on_its_way_it_leaves_the_database_and_the_backup_before(
    database: Path, tmp_path: Path, at: int
) -> None:
    fill(database, 4000)
    folder = tmp_path / "kept"
    good = back_up(database, folder, 1, CLOCK.now(), silent)
    done = subprocess.run([sys.executable, "-P", "-c", KILLED, database, folder, str(at)], check=False)
    assert done.returncode == -signal.SIGKILL
    assert [file for file, _manifest in manifests.verified(folder)] == [good.file]
    assert manifests.looked_at(good.file) == good.manifest.contents
    again = back_up(database, folder, 1, CLOCK.now(), silent)
    assert again.manifest.contents == good.manifest.contents
    assert not list(folder.glob("*.part*")) + list(folder.glob(".rpmhub-*"))


def test_the_command_prints_what_it_made_and_fails_in_one_sentence(tmp_path: Path) -> None:
    operator = Operator(tmp_path)
    assert "There is no database" in operator.refuses("backup")
    operator.says("db", "upgrade")
    said: dict[str, Any] = json.loads(operator.says("backup", "--json"))
    assert Path(said["file"]).parent == operator.data / "backups"
    assert set(said) >= {"made_at", "mode", "schema", "bytes", "sha256", "counts", "seconds"}
    assert "verified, in" in operator.says("backup", str(tmp_path / "elsewhere"))
    server = operator.refuses("backup", RPMHUB_DATABASE_URL="postgresql://rpm:hush@db.example/hub")
    assert "pg_dump" in server
    assert "pg_restore" in server
    assert "hush" not in server


def test_the_command_warns_of_what_cannot_be_restored_yet(tmp_path: Path) -> None:
    operator = Operator(tmp_path)
    operator.says("db", "upgrade")
    folder, later = operator.data / "backups", CLOCK.now() + timedelta(days=3)
    ahead = back_up(operator.data / "hub.sqlite3", folder, 14, later, silent).file
    done = operator.run("backup", "--json")
    assert json.loads(done.stdout)["still_to_come"] == [str(ahead)]
    assert f"not to be restored before it: {ahead.name}." in done.stderr
    assert "still to come" in operator.refuses("restore", "--drill", str(ahead))
    of_the_folder = operator.refuses("restore", "--drill", str(ahead.parent))
    assert f"of a time that is still to come: {ahead.name}." in of_the_folder
    assert of_the_folder.strip().endswith(f"The newest other one is {Path(json.loads(done.stdout)['file']).name}.")
    gone = operator.run("backup", "--keep", "2")
    assert "Deleted beyond the 2 that are kept: 1." in gone.stdout
    assert (ahead.exists(), gone.stderr) == (False, "")


def test_a_backup_that_cannot_hold_the_lock_says_so(tmp_path: Path) -> None:
    operator = Operator(tmp_path)
    operator.says("db", "upgrade")
    (operator.data / "hub.sqlite3.lock").unlink(missing_ok=True)
    (operator.data / "hub.sqlite3.lock").mkdir()
    assert "hub.sqlite3.lock cannot be opened for writing: Is a directory." in operator.refuses("backup")


RESTORED_MEANWHILE = """
import sys
from pathlib import Path
from hub.adapters.sql.hold import alone
from hub.cli import backup
from hub.errors import Transient
def tell(*_):
    try:
        with alone(Path(sys.argv[1])):
            print("alone")
    except Transient as error:
        print(error)
backup.progress = lambda: tell
backup.backup([])
"""


def test_the_command_and_a_restore_keep_each_other_out(tmp_path: Path) -> None:
    operator = Operator(tmp_path)
    operator.says("db", "upgrade")
    file = operator.data / "hub.sqlite3"
    with alone(file):
        assert "is being restored" in operator.refuses("backup")
    assert not (operator.data / "backups").exists()
    done = subprocess.run(
        [sys.executable, "-P", "-c", RESTORED_MEANWHILE, file],
        env=operator.environment | {"PYTHONPATH": str(Path(__file__).parents[2])},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "stop it first" in done.stdout
    assert "alone" not in done.stdout


def test_a_disk_without_room_is_not_filled(tmp_path: Path) -> None:
    """A mount of its own, so that the room is small; where none may be mounted, the process's own bound is the test."""
    operator = Operator(tmp_path)
    operator.says("db", "upgrade")
    small = tmp_path / "small"
    small.mkdir()
    inside = f"mount -t tmpfs -o size=256k none {small} && exec {sys.executable} -P -m hub.cli backup {small}"
    done = subprocess.run(
        ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", inside],
        env=operator.environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "MiB free" in done.stderr, done.stderr
