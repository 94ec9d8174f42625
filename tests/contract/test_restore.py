"""Restores as an operator types them: what is refused, what is kept, and a process that dies at each edge."""

import json
import os
import shutil
import signal
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from hub.adapters.clock import SystemClock
from hub.adapters.sql.backup import ROOM
from hub.adapters.sql.engine import make_engine, sqlite_driver
from hub.adapters.sql.hold import UNFINISHED
from hub.adapters.sql.migrate import revisions
from hub.adapters.sql.unit_of_work import SqlUnitOfWork
from tests.contract.test_command_line import Operator

CLOCK = SystemClock()
LATER = ["after-the-backup"]


@pytest.fixture
def operator(tmp_path: Path) -> Operator:
    somebody = Operator(tmp_path)
    somebody.says("db", "upgrade")
    return somebody


def acts(file: Path, *names: str) -> None:
    engine = make_engine(f"sqlite:///{file}")
    with SqlUnitOfWork(engine) as uow:
        for name in names:
            uow.audit.write(CLOCK.now(), "tests", "act", name, {})
        uow.commit()
    engine.dispose()


def subjects(file: Path) -> list[str]:
    """Opened as the hub opens it: what its WAL holds counts."""
    connection = sqlite_driver().connect(file)
    assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    found = [row[0] for row in connection.execute("SELECT subject FROM audit WHERE actor = 'tests' ORDER BY id")]
    connection.close()
    return found


@pytest.fixture
def file(operator: Operator) -> Path:
    return operator.data / "hub.sqlite3"


@pytest.fixture
def backup(operator: Operator, file: Path) -> Path:
    acts(file, "before")
    made = Path(json.loads(operator.says("backup", "--json"))["file"])
    acts(file, *LATER)
    return made


def replaced(operator: Operator) -> list[Path]:
    return sorted(operator.data.glob("replaced-*"))


def test_it_puts_the_backup_in_place_and_keeps_what_was_there(operator: Operator, file: Path, backup: Path) -> None:
    said = operator.says("restore", str(backup.parent))
    assert subjects(file) == ["before"]
    (kept,) = replaced(operator)
    assert subjects(kept / file.name) == ["before", *LATER]
    for words in ("kept whole in", "Lost is what was done since", "Readings come again", "--opt-outs-entered"):
        assert words in said
    assert file.stat().st_mode & 0o777 == 0o600
    assert not (operator.data / UNFINISHED).exists()
    operator.says("restore", "--opt-outs-entered")
    assert "No restore waits" in operator.refuses("restore", "--opt-outs-entered")


def test_what_root_restores_is_the_hubs_own(operator: Operator, file: Path, backup: Path) -> None:
    """Only root can tell; for everybody else all is their own anyway."""
    if os.geteuid() == 0:
        os.chown(operator.data, 12345, 12345)
    owner = operator.data.stat().st_uid
    elsewhere = operator.data / "fresh"
    said = json.loads(operator.says("backup", str(elsewhere), "--json"))
    operator.says("restore", said["file"])
    made = [file, elsewhere, *elsewhere.iterdir(), *replaced(operator), file.with_name(f"{file.name}.lock")]
    assert {path.stat().st_uid for path in made} == {owner}


def test_it_restores_on_a_new_machine(operator: Operator, backup: Path, tmp_path: Path) -> None:
    row = json.loads(operator.says("restore", str(backup), "--to", str(tmp_path / "new" / "hub"), "--json"))
    assert row["kept"] is None
    assert subjects(tmp_path / "new" / "hub" / "hub.sqlite3") == ["before"]


def test_what_only_the_wal_holds_is_kept_with_the_database(operator: Operator, file: Path, backup: Path) -> None:
    killed = f"""
import os, sys
from pathlib import Path
from tests.contract.test_restore import *
engine = make_engine("sqlite:///{file}")
with SqlUnitOfWork(engine) as uow:
    uow.audit.write(CLOCK.now(), "tests", "act", "in the wal", {{}})
    uow.commit()
os.kill(os.getpid(), 9)
"""
    subprocess.run([sys.executable, "-c", killed], check=False, cwd=Path(__file__).parents[2])
    assert file.with_name(f"{file.name}-wal").stat().st_size > 0
    operator.says("restore", str(backup))
    (kept,) = replaced(operator)
    assert subjects(kept / file.name) == ["before", *LATER, "in the wal"]
    assert subjects(file) == ["before"]


def test_what_is_not_what_its_manifest_says_is_refused_and_nothing_is_touched(
    operator: Operator, file: Path, backup: Path, tmp_path: Path
) -> None:
    manifest = backup.with_suffix(".json")

    def refused(name: str, change: str) -> str:
        folder = tmp_path / name
        shutil.copytree(backup.parent, folder)
        copy = folder / backup.name
        subprocess.run(["python3", "-c", change, copy, copy.with_suffix(".json")], check=True)
        return operator.refuses("restore", str(copy))

    flip = "import sys; f=open(sys.argv[1],'r+b'); f.seek(9000); f.write(b'x'*500)"
    assert "other bytes" in refused("flipped", flip)
    assert "bytes instead of" in refused("cut", "import sys; f=open(sys.argv[1],'r+b'); f.truncate(90000)")
    other = "import sys,json; p=sys.argv[2]; d=json.load(open(p)); d['contents']['counts']['audit']+=1; "
    assert "does not hold what" in refused("counts", other + "json.dump(d,open(p,'w'))")
    assert "does not say" in refused("half", "import sys; f=open(sys.argv[2],'r+b'); f.truncate(40)")
    assert "does not say" in refused("none", "import sys,os; os.unlink(sys.argv[2])")
    torn = (
        "import sys,json,hashlib; f=open(sys.argv[1],'r+b'); f.seek(8192); f.write(b'x'*4096); f.close(); "
        "p=sys.argv[2]; d=json.load(open(p)); d['sha256']=hashlib.sha256(open(sys.argv[1],'rb').read()).hexdigest(); "
        "json.dump(d,open(p,'w'))"
    )
    assert "damaged" in refused("damaged", torn)
    assert "no verified backup" in operator.refuses("restore", str(tmp_path))
    assert manifest.exists()
    assert subjects(file) == ["before", *LATER]
    assert replaced(operator) == []


def test_a_backup_of_a_later_version_is_refused(operator: Operator, file: Path, tmp_path: Path) -> None:
    connection = sqlite_driver().connect(file)
    connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.commit()
    connection.close()
    made = json.loads(operator.says("backup", str(tmp_path / "kept"), "--json"))["file"]
    assert "later version" in operator.refuses("restore", made)
    assert not list(operator.data.glob("*restoring*"))


def test_a_backup_of_another_mode_is_refused(operator: Operator, backup: Path, tmp_path: Path) -> None:
    demo = Operator(tmp_path / "demo")
    demo.says("db", "upgrade", "--mode", "demo")
    assert "production database" in demo.refuses("restore", str(backup))


def test_nothing_is_restored_under_a_hub_that_lives(operator: Operator, file: Path, backup: Path) -> None:
    lives = "import sys; from hub.adapters.sql.hold import share; share(sys.argv[1]); print('on', flush=True); input()"
    command = [sys.executable, "-P", "-c", lives, f"sqlite:///{file}"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "on\n"
        assert "stop it first" in operator.refuses("restore", str(backup))
        process.communicate("\n")
    engine = make_engine(f"sqlite:///{file}")
    for ago, refused in ((timedelta(seconds=3), True), (timedelta(seconds=30), False)):
        with SqlUnitOfWork(engine) as uow:
            uow.operations.beat("worker", "elsewhere", CLOCK.now() - ago, {})
            uow.commit()
        done = operator.run("restore", str(backup))
        assert (done.returncode != 0) is refused, done.stderr
        assert ("worker gave a sign of life" in done.stderr) is refused
    engine.dispose()


KILLED = """
import os, sys
from pathlib import Path
from hub.adapters.sql import restoring
def step(name):
    if name == sys.argv[1]:
        os.kill(os.getpid(), 9)
put, prepare = restoring.put, restoring.prepare
restoring.put = lambda prepared, database, now: put(prepared, database, now, step)
def prepared(*arguments):
    step("prepare")
    return prepare(*arguments)
restoring.prepare = prepared
from hub.cli.commands import rpmhub
rpmhub(["restore", sys.argv[2]])
"""

EDGES = (
    "prepare",
    "linked hub.sqlite3",
    "linked hub.sqlite3-wal",
    "linked hub.sqlite3-shm",
    "signed",
    "unlinked hub.sqlite3-wal",
    "unlinked hub.sqlite3-shm",
    "replaced",
)


@pytest.mark.parametrize("edge", EDGES)
def test_killed_at_any_edge_the_database_before_is_whole_and_no_hub_starts_on_half_of_it(
    operator: Operator, file: Path, backup: Path, edge: str
) -> None:
    for part in ("-wal", "-shm"):
        file.with_name(f"{file.name}{part}").touch()
    done = subprocess.run(
        [sys.executable, "-P", "-c", KILLED, edge, str(backup)],
        env=operator.environment | {"PYTHONPATH": str(Path(__file__).parents[2])},
        capture_output=True,
        check=False,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr
    unfinished, kept = operator.data / UNFINISHED, None
    if unfinished.exists():
        kept = Path(unfinished.read_text())
        assert subjects(kept / file.name) == ["before", *LATER]
        assert str(kept) in operator.refuses("db", "upgrade")
        assert "did not come to its end" in operator.refuses("audit", "verify")
        assert "Run rpmhub restore again" in operator.refuses("backup")
        assert list(backup.parent.glob("*.sqlite3")) == [backup]
        assert file.exists(), "never without a database: a hub would begin anew"
    else:
        assert subjects(file) == ["before", *LATER]
        operator.says("db", "upgrade")
    row = json.loads(operator.says("restore", str(backup), "--json"))
    assert subjects(file) == ["before"]
    assert not unfinished.exists()
    assert subjects(Path(row["kept"]) / file.name) == ["before", *LATER]
    newest = str(replaced(operator)[-1])
    assert (row["kept"], row["cut_short"]) == ((newest, None) if kept is None else (str(kept), newest))


def test_a_restore_that_was_cut_short_and_is_run_again_says_where_the_whole_one_is(
    operator: Operator, file: Path, backup: Path
) -> None:
    unfinished, whole = operator.data / UNFINISHED, operator.data / "replaced-1"
    unfinished.write_text(str(whole))
    said = operator.says("restore", str(backup))
    (left,) = (folder for folder in replaced(operator) if folder != whole)
    assert f"kept whole in {whole}." in said
    assert f"{left} holds what the restore that was cut short had left" in said


def test_a_disk_that_becomes_full_changes_nothing(operator: Operator, file: Path, backup: Path) -> None:
    command = f"ulimit -f 200; exec {sys.executable} -P -m hub.cli restore {backup}"
    done = subprocess.run(
        ["bash", "-c", command], env=operator.environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "Nothing was changed" in done.stderr
    assert subjects(file) == ["before", *LATER]
    assert not list(operator.data.glob("*restoring*")) + replaced(operator)


def test_the_drill_changes_nothing_and_says_how_long_it_took(operator: Operator, file: Path, backup: Path) -> None:
    row = json.loads(operator.says("restore", "--drill", str(backup.parent), "--json"))
    assert row["counts"]["audit"] == 1
    assert row["seconds"] >= row["seconds_restored"] > 0
    assert "can be restored" in operator.says("restore", "--drill", str(backup))
    assert subjects(file) == ["before", *LATER]
    assert not (operator.data / "restore-drill").exists()
    with backup.open("r+b") as damaged:
        damaged.seek(9000)
        damaged.write(b"x" * 100)
    assert "other bytes" in operator.refuses("restore", "--drill", str(backup))


def restored(operator: Operator, backup: Path, room: int, *options: str, left: int = 0) -> str:
    """What it says where that many bytes are free, and what lies there then: on a mount of its own, which ends with it.

    ``left``: bytes that one which was killed had left there.
    """
    place = operator.data.parent / "small"
    place.mkdir(exist_ok=True)
    command = f"{sys.executable} -P -m hub.cli restore {' '.join(options)} {backup} --to {place}"
    leave = f"head -c {left} /dev/zero > {place}/hub.sqlite3-restoring" if left else "true"
    inside = f"mount -t tmpfs -o size={room} none {place} && {leave} && {command}; ls -A {place}"
    done = subprocess.run(
        ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", inside],
        env=operator.environment | {"PYTHONPATH": str(Path(__file__).parents[2])},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout + done.stderr


def test_a_drill_leaves_room_for_the_hub_that_runs(operator: Operator, file: Path, backup: Path) -> None:
    size = backup.stat().st_size
    connection = sqlite_driver().connect(file)
    connection.execute("UPDATE alembic_version SET version_num = ?", [revisions()[-2]])
    connection.commit()
    connection.close()
    older = Path(json.loads(operator.says("backup", "--json"))["file"])
    (refused,) = restored(operator, backup, ROOM + size // 2, "--drill").splitlines()  # and nothing is left there
    assert refused.startswith(f"Error: {operator.data.parent}/small/restore-drill has 100 MiB free and")
    assert refused.endswith("are needed. Name another place with --to.")
    assert "can be restored" in restored(operator, backup, ROOM + size * 3 // 2, "--drill")
    assert "MiB free" in restored(operator, older, ROOM + size * 3 // 2, "--drill"), "it is to be migrated"


def test_a_restore_without_room_is_refused_before_it_copies(operator: Operator, backup: Path) -> None:
    size = backup.stat().st_size
    *left, refused = restored(operator, backup, size // 2).splitlines()
    assert refused.startswith(f"Error: {operator.data.parent}/small has 0 MiB free and 1 are needed. Make room there")
    assert left == ["hub.sqlite3.lock"]
    assert "Restored" in restored(operator, backup, size * 2, left=size * 3 // 2), (
        "what a killed one left is taken away"
    )


def test_what_another_tool_brought_back_is_marked_by_hand(operator: Operator) -> None:
    assert "Name the backup" in operator.refuses("restore")
    assert "still to come" in operator.refuses("restore", "--made-at", "2199-01-01T00:00:00")
    assert "restored from 2026-01-02 03:04 UTC" in operator.says("restore", "--made-at", "2026-01-02T03:04:00")
    assert "since 2026-01-02 03:04 UTC is entered" in operator.says("restore", "--opt-outs-entered")
