"""How long a worker takes from its start to its first tick on a database of two million readings, and a check takes.

After a clean stop the file is read behind the worker's back, after an unclean one before it serves.
"""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from hub.adapters.clock import SystemClock
from hub.adapters.sql.engine import sqlite_driver
from hub.bootstrap import DEMO, open_database
from hub.services.engine.soundness import ROLE
from hub.settings import Settings
from tests.bench.record import Figure, at_most, put

READINGS = int(os.environ.get("BENCH_READINGS", "2000000"))
ROOT = Path(__file__).parents[2]
CLOCK = SystemClock()
WAIT_S = 600.0
NUMBERS = f"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {READINGS})"
FILL = (
    f"""INSERT INTO journal (gateway_id, spool, seq, device, status, patient_id, effective_at, hub_received_at, age_s,
        flags, body) {NUMBERS} SELECT 'gbench', 'a-spool-of-the-bench', i, 'BENCH-' || i % 2000, 'stored', i % 2000,
        1700000000000 + i * 1000, 1700000001000 + i * 1000, 1.0, '', randomblob(400) FROM n""",
    f"""INSERT INTO transport_key (gateway_id, spool, seq, digest, status)
        {NUMBERS} SELECT 'gbench', 'a-spool-of-the-bench', i, randomblob(16), 'stored' FROM n""",
    f"""INSERT INTO record_key (device, record, digest, journal_id)
        {NUMBERS} SELECT 'BENCH-' || i % 2000, i, randomblob(16), i FROM n ORDER BY 1, 2""",
    f"""INSERT INTO reading (patient_id, metric, at, reading_id, value, profile, flags)
        {NUMBERS} SELECT i % 2000, 3, 1700000000000 + i * 1000, i * 16, 97.0, 'oximeter', '' FROM n ORDER BY 1, 3""",
)


def ask(file: Path, question: str) -> Any:
    with closing(sqlite_driver().connect(f"file:{file}?mode=ro", uri=True, timeout=30)) as connection:
        row = connection.execute(question).fetchone()
        return None if row is None else row[0]


def comes_true(is_so: Callable[[], bool]) -> float:
    """Seconds until it did."""
    began, pause = CLOCK.monotonic(), threading.Event()
    while not is_so():
        assert CLOCK.monotonic() - began < WAIT_S
        pause.wait(0.02)
    return CLOCK.monotonic() - began


def beaten(file: Path, role: str, since: datetime) -> Callable[[], bool]:
    milliseconds = since.timestamp() * 1000
    return lambda: (ask(file, f"SELECT max(at) FROM heartbeat WHERE role = '{role}'") or 0) > milliseconds


def worker(folder: Path) -> subprocess.Popen[bytes]:
    ours = {name: value for name, value in os.environ.items() if not name.startswith("RPMHUB_")}
    environment = {**ours, "PYTHONPATH": str(ROOT), "RPMHUB_DATA_DIR": str(folder), "RPMHUB_CLINIC_ZONE": "UTC"}
    return subprocess.Popen(
        [sys.executable, "-P", "-m", "hub.cli", "worker"], env=environment, stdout=subprocess.DEVNULL
    )


@pytest.mark.timeout(1800)
def test_start(tmp_path: Path) -> None:
    open_database(Settings(data_dir=str(tmp_path)), DEMO)
    file = tmp_path / "hub.sqlite3"
    with closing(sqlite_driver().connect(file)) as connection:
        for statement in FILL:
            connection.execute(statement)
            connection.commit()
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    figures = []
    stops = (("a clean", "behind its back", signal.SIGKILL), ("an unclean", "before it serves", signal.SIGTERM))
    for name, check, end in stops:
        since = CLOCK.now()
        process = worker(tmp_path)
        try:
            bar = at_most(3) if name == "a clean" else None
            figures.append(
                Figure(f"start to first tick after {name} stop", "s", [comes_true(beaten(file, "worker", since))], bar)
            )
            comes_true(beaten(file, ROLE, since))
            detail = json.loads(ask(file, f"SELECT detail FROM heartbeat WHERE role = '{ROLE}'"))
            assert detail["sound_at"] is not None
            figures.append(Figure(f"check {check}", "s", [detail["took_s"]]))
        finally:
            process.send_signal(end)
            process.wait(WAIT_S)
    put("start", figures, tmp_path, readings=READINGS, file_mb=round(file.stat().st_size / 1e6))
