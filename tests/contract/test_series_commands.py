"""What an operator does with the time series."""

import json
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from hub.adapters.sql.engine import make_engine
from hub.adapters.sql.unit_of_work import SqlUnitOfWork
from tests.contract.series_rows import DAY, NOON, stores
from tests.contract.series_stores import influx
from tests.contract.test_command_line import Operator


@pytest.fixture
def operator(tmp_path: Path) -> Operator:
    """With two patients who weighed themselves every day for 40 days."""
    somebody = Operator(tmp_path)
    somebody.says("db", "upgrade")
    for name in ("Ada Nonesuch", "Bo Nonesuch"):
        somebody.says("patient", "add", "--mrn", name[:2], "--name", name, "--born", "1950-01-31")
    engine = make_engine(f"sqlite:///{somebody.data / 'hub.sqlite3'}")
    with SqlUnitOfWork(engine) as uow:
        at = [NOON - n * DAY + patient * timedelta(minutes=1) for n in range(40) for patient in (1, 2)]
        stores(uow, *((1 + place % 2, one, [("body_weight", "80.5")]) for place, one in enumerate(at)))
        uow.commit()
    engine.dispose()
    return somebody


def test_readings_are_exported_with_a_manifest_and_an_audit_row(operator: Operator, tmp_path: Path) -> None:
    out = tmp_path / "export"
    said = operator.says("export", "--out", str(out), "--patient", "2", "--metric", "body_weight")
    assert said.endswith("readings.csv: 40 readings of 1 patients, 0.0 MB.")
    assert json.loads((out / "manifest.json").read_text())["rows"] == 40
    assert "Nonesuch" not in (out / "readings.csv").read_text() + (out / "manifest.json").read_text()
    engine = make_engine(f"sqlite:///{operator.data / 'hub.sqlite3'}")
    with SqlUnitOfWork(engine) as uow:
        acts = [row.act for row in uow.audit.unsealed(99)]
    engine.dispose()
    assert acts[-2:] == ["series.export", "series.exported"]
    assert operator.row("export", "--out", str(tmp_path / "p"), "--format", "parquet")["rows"] == 80
    assert "there already" in operator.refuses("export", "--out", str(out))
    assert "no patient 9" in operator.refuses("export", "--out", str(tmp_path / "x"), "--patient", "9")
    assert "no time with its offset" in operator.refuses("export", "--out", str(out), "--since", "2026-03-01")


def test_where_no_sqlite_may_be_trusted_with_a_wal_the_commands_do_the_same(operator: Operator, tmp_path: Path) -> None:
    absent = tmp_path / "absent"
    absent.mkdir()
    (absent / "sitecustomize.py").write_text(
        "import sqlite3, sys\nsys.modules['pysqlite3'] = None\nsqlite3.sqlite_version = '3.40.1'\n"
    )
    operator.environment["PYTHONPATH"] = str(absent)
    assert operator.says("series", "rollup") == "2 patients' hours and days are made anew."
    assert operator.row("export", "--out", str(tmp_path / "out"))["rows"] == 80
    assert operator.says("series", "thin", "--older-than", "90").startswith("0 readings")
    assert not list(operator.data.glob("*-wal"))


def test_without_its_library_parquet_says_what_to_install(operator: Operator, tmp_path: Path) -> None:
    absent = tmp_path / "absent"
    absent.mkdir()
    (absent / "sitecustomize.py").write_text("import sys\nsys.modules['pyarrow'] = None\n")
    command = [sys.executable, "-P", "-m", "hub.cli", "export", "--out", str(tmp_path / "out"), "--format", "parquet"]
    theirs = operator.environment | {"PYTHONPATH": str(absent)}
    done = subprocess.run(command, env=theirs, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "pip install 'rpmhub[export]'" in done.stderr
    assert not (tmp_path / "out" / "readings.parquet").exists()


def test_old_readings_are_thinned_only_where_the_operator_says_a_number_of_days(operator: Operator) -> None:
    assert "kept for ever" in operator.refuses("series", "thin")
    assert "must be 0, or 90 at least" in operator.refuses("series", "thin", RPMHUB_RAW_DAYS="30")
    assert "never thinned" in operator.refuses("series", "thin", "--older-than", "30")
    operator.says("series", "rollup")
    assert operator.says("series", "thin", "--older-than", "90") == (
        "0 readings of 0 days were thinned away, 0 stay one by one."
    )


def test_hours_and_days_are_made_anew_by_one_command(operator: Operator) -> None:
    assert operator.says("series", "rollup") == "2 patients' hours and days are made anew."
    assert operator.says("series", "rollup", "--patient", "2") == "1 patient's hours and days are made anew."
    assert "Nothing was measured of patient 7" in operator.refuses("series", "rollup", "--patient", "7")


def test_the_copy_in_influxdb_is_made_anew_and_compared(operator: Operator, influx_url: str) -> None:
    operator.environment["RPMHUB_SERIES_URL"] = influx_url
    assert "80 readings are not in it yet" in operator.refuses("series", "verify")
    assert operator.says("series", "rebuild") == "The copy of the series is made anew from 80 readings."
    assert operator.says("series", "verify") == "The copy is the same: 80 samples."
    copy = influx(influx_url)
    copy.erase(1, NOON - 3 * DAY, NOON)
    copy.close()
    done = operator.run("series", "verify")
    assert done.returncode == 1
    said = done.stdout + done.stderr
    assert "Patient 1, Weight: 40 here, 37 in the copy, not the same." in said
    assert "rpmhub series rebuild" in said
    operator.says("series", "rebuild")
    operator.says("series", "verify")


def test_where_there_is_no_copy_the_commands_say_so(operator: Operator) -> None:
    for command in ("rebuild", "verify"):
        assert "RPMHUB_SERIES_URL is not set" in operator.refuses("series", command)
