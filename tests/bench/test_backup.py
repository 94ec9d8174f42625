"""A backup and a drill of a million readings: seconds, MB/s, and what a writer notices of it meanwhile."""

import json
from pathlib import Path
from typing import Any

import pytest

from hub.adapters.sql.engine import sqlite_driver
from tests.bench.record import Figure, Reference, percentile, put
from tests.contract.test_backup import Writer
from tests.contract.test_command_line import Operator

READINGS, PATIENTS = 1_000_000, 200
QUIET_GROUPS = 300
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
INSERT INTO reading (patient_id, metric, at, reading_id, centi, source, words)
{NUMBERS} SELECT {PATIENT}, 3, {AT}, i * 16, 9700, 37, '' FROM n
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

    quietly, meanwhile = ([one * 1e3 for one in took] for took in (writer.took[20:quiet], writer.took[quiet:busy]))
    figures = [
        Figure("backup", "MB/s", [size / alone["seconds"]]),
        Figure("backup beside a writer", "s", [beside["seconds"]], reference=Reference("alone", [alone["seconds"]])),
        Figure("drill", "MB/s", [size / drill["seconds"]]),
        *(
            Figure(
                f"writer's group meanwhile, {name}",
                "ms",
                [percentile(meanwhile, share)],
                reference=Reference("without a backup", [percentile(quietly, share)]),
            )
            for name, share in (("p50", 0.5), ("p99", 0.99), ("worst", 1.0))
        ),
    ]
    parts = {part: drill[f"seconds_{part}"] for part in ("verified", "restored", "opened")}
    detail = {"readings": alone["counts"]["journal"], "megabytes": round(size, 1), "drill_parts_s": parts}
    put("backup", figures, tmp_path, groups_meanwhile=busy - quiet, backup_s=alone["seconds"], **detail)
    assert alone["counts"]["journal"] == READINGS
    assert busy > quiet
