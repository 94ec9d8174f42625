"""A backup and a drill of a million readings: seconds, MB/s, and what a writer notices of it meanwhile."""

import json
import platform
from pathlib import Path
from typing import Any

import pytest

from hub.adapters.sql.engine import sqlite_driver, sqlite_version
from tests.contract.test_backup import Writer
from tests.contract.test_command_line import Operator

READINGS, PATIENTS = 1_000_000, 200
QUIET_GROUPS = 300
RESULTS = Path(__file__).parent / "results"
BODY = json.dumps({"v": 1, "values": [{"metric": "oxygen_saturation", "value": 97, "unit": "%"}], "pad": "x" * 330})

NUMBERS = f"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {READINGS}) "
AT, PATIENT = "1770000000000 + i * 7000", f"1 + i % {PATIENTS}"
DEVICE, GATEWAY = f"'device-' || i % {PATIENTS}", "'g-' || i % 50"
FILL = f"""
INSERT INTO journal
    (id, gateway_id, spool, seq, device, status, patient_id, effective_at, hub_received_at, age_s, flags, body)
{NUMBERS} SELECT i, {GATEWAY}, 'spool', i, {DEVICE}, 'stored', {PATIENT}, {AT}, {AT} + 900, 0.9, '',
    CAST('{BODY}' AS BLOB) FROM n;
INSERT INTO transport_key (gateway_id, spool, seq, digest, status)
{NUMBERS} SELECT {GATEWAY}, 'spool', i, randomblob(16), 'stored' FROM n;
INSERT INTO record_key (device, record, digest, journal_id)
{NUMBERS} SELECT {DEVICE}, i, randomblob(16), i FROM n;
INSERT INTO reading (patient_id, metric, at, reading_id, value, profile, flags)
{NUMBERS} SELECT {PATIENT}, 3, {AT}, i * 16, 97.0, 'pulse-oximeter', '' FROM n
"""


def filled(operator: Operator) -> Path:
    operator.says("db", "upgrade")
    file = operator.data / "hub.sqlite3"
    connection = sqlite_driver().connect(file)
    connection.execute("PRAGMA synchronous = OFF")
    for statement in FILL.split(";"):
        connection.execute(statement)
        connection.commit()
    connection.close()
    return file


@pytest.mark.timeout(900)
def test_backup(tmp_path: Path) -> None:
    operator = Operator(tmp_path)
    file = filled(operator)
    alone: dict[str, Any] = json.loads(operator.says("backup", "--json"))
    writer = Writer(file)
    try:
        quiet = writer.until(QUIET_GROUPS)
        beside: dict[str, Any] = json.loads(operator.says("backup", "--json"))
        busy = len(writer.took)
    finally:
        writer.stop()
    drill: dict[str, Any] = json.loads(operator.says("restore", "--drill", alone["file"], "--json"))
    size = alone["bytes"] / 1e6

    def milliseconds(took: list[float]) -> dict[str, float]:
        ordered = sorted(took)
        return {
            "median": round(ordered[len(ordered) // 2] * 1e3, 1),
            "p99": round(ordered[int(len(ordered) * 0.99)] * 1e3, 1),
            "worst": round(ordered[-1] * 1e3, 1),
        }

    result = {
        "readings": alone["counts"]["journal"],
        "megabytes": round(size, 1),
        "backup_s": alone["seconds"],
        "backup_mb_s": round(size / alone["seconds"], 1),
        "backup_beside_a_writer_s": beside["seconds"],
        "writer_groups_meanwhile": busy - quiet,
        "writer_group_ms_without": milliseconds(writer.took[20:quiet]),
        "writer_group_ms_meanwhile": milliseconds(writer.took[quiet:busy]),
        "drill_s": drill["seconds"],
        "drill_mb_s": round(size / drill["seconds"], 1),
        "drill_parts_s": {part: drill[f"seconds_{part}"] for part in ("verified", "restored", "opened")},
        "python": platform.python_version(),
        "sqlite": ".".join(map(str, sqlite_version())),
    }
    print("\n" + json.dumps(result, indent=2))
    (RESULTS / "backup.json").write_text(json.dumps(result, indent=2) + "\n")
    assert result["readings"] == READINGS
    assert busy > quiet
