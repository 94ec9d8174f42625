"""A production hub that runs, told to replay by its own command; and a real recording, fetched when it is wanted."""

import contextlib
import json
import os
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hub.adapters.sql.engine import make_engine, read_only
from tests.commands import rpmhub
from tests.faults.clinic import Program
from tests.servers import Mosquitto, mosquitto

ROOT = Path(__file__).parents[2]
REAL = "iglu_python==0.4.3"
REAL_SHA256 = "7ece97cd50fbf0eae95572c830908225cbfecc37d2ef4475a8cf02d3462bf4dd"
"""Five people's continuous glucose, some 14 000 values. GPL: it is fetched for the test, and never kept here."""


class Replaying:
    """A hub in production, and ``rpmhub`` beside it."""

    def __init__(self, directory: Path, broker: Mosquitto) -> None:
        self.directory, self.broker = directory, broker
        self.data = directory / "hub"
        self.environment = {name: value for name, value in os.environ.items() if not name.startswith("RPMHUB_")}
        self.environment |= {
            "RPMHUB_DATA_DIR": str(self.data),
            "RPMHUB_MQTT_URL": f"mqtt://127.0.0.1:{broker.port}",
            "RPMHUB_CLINIC_ZONE": "UTC",
            "RPMHUB_EMERGENCY_NUMBER": "911",
            "RPMHUB_LAST_RESORT_PHONE": "+15555550199",
            "PYTHONPATH": str(ROOT),
        }
        self.says("db", "upgrade")
        self.says(
            "user",
            "add",
            "--login",
            "ana",
            "--name",
            "Ana",
            "--role",
            "nurse",
            "--phone",
            "+15555550101",
            "--password",
            "not a secret",
        )
        self.says("protocol", "sign", "diabetes", "--by", "Dr Invented")
        self.programs = [
            Program(role, ("hub.cli", role), self.environment, directory / f"{role}.log")
            for role in ("ingest", "worker")
        ]

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return rpmhub(arguments, self.environment)

    def says(self, *arguments: str) -> str:
        done = self.run(*arguments)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def patient(self, number: int, *options: str) -> str:
        born = ("--mrn", f"T-{number}", "--name", f"Tess Invented {number}", "--born", "1950-01-01")
        return self.says("patient", "add", *born, "--protocol", "diabetes", *options)

    def replays(self, *arguments: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.says("replay", *arguments, "--json"))
        return found

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """Of the hub's own database."""
        engine = make_engine(f"sqlite:///{self.data / 'hub.sqlite3'}")
        try:
            with read_only(engine).connect() as connection:
                return [tuple(row) for row in connection.exec_driver_sql(sql)]
        finally:
            engine.dispose()

    def nobody_is_asked(self) -> bool:
        return [self.rows(f"SELECT count(*) FROM {table}")[0][0] for table in ("alert", "task", "outbox")] == [0, 0, 0]


@contextlib.contextmanager
def replaying(directory: Path, *rules: str) -> Iterator[Replaying]:
    with mosquitto(directory / "broker", *rules) as broker:
        site = Replaying(directory, broker)
        for program in site.programs:
            program.start()
        try:
            yield site
        finally:
            for program in site.programs:
                program.kill()


def real_recording(directory: Path) -> Path:
    """The recording, out of a source distribution of that very content. Nothing of it is built or installed."""
    wanted = directory / "wanted.txt"
    wanted.write_text(f"{REAL} --hash=sha256:{REAL_SHA256}\n")
    options = ("--no-deps", "--no-binary", "iglu_python", "--no-build-isolation", "--require-hashes", "--retries", "5")
    fetch = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", *options]
    done = subprocess.run(
        [*fetch, "--dest", str(directory), "-r", str(wanted)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    (archive,) = directory.glob("iglu_python-*.tar.gz")
    with tarfile.open(archive) as opened:
        (member,) = [each for each in opened.getnames() if each.endswith("/tests/data/example_data_5_subject.csv")]
        found = opened.extractfile(member)
        assert found is not None
        file = directory / "recording.csv"
        file.write_bytes(found.read())
    return file
