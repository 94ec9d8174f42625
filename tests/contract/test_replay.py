"""``rpmhub replay`` in production: both programs, a real mosquitto and a real database between them."""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.contract.recordings import Replaying, replaying

UNTIL = ("--until", "2026-11-01T12:00:00+00:00")
LINES = (
    "time,metric,value,unit",
    "2015-06-06 08:00:00,blood_glucose,2.9,mmol/L",
    "2015-06-06 08:05:00,blood_glucose,6.1,mmol/L",
    "2015-06-06 09:00:00,systolic_blood_pressure,185,mmHg",
    "2015-06-06 09:00:00,diastolic_blood_pressure,95,mmHg",
)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Replaying]:
    with replaying(tmp_path_factory.mktemp("site")) as running:
        yield running


@pytest.fixture
def file(tmp_path: Path) -> Path:
    made = tmp_path / "recording.csv"
    made.write_text("\n".join(LINES))
    return made


def test_a_recording_goes_by_spool_and_wire_and_is_listed(site: Replaying, file: Path) -> None:
    tess = site.patient(1, "--test")
    made = site.replays(str(file), "--patient", tess)
    assert made["recording"]["readings"] == 3
    assert made["outcome"]["answered"] == {"stored": 3}
    assert [(one["rule"], one["severity"], one["count"]) for one in made["outcome"]["found"]] == [
        ("glucose-low", 3, 1),
        ("systolic-high", 3, 1),
    ]
    assert site.nobody_is_asked()
    assert site.rows(f"SELECT DISTINCT gateway_id FROM journal WHERE patient_id = {tess}") == [("replay",)]
    (body,) = site.rows(f"SELECT body FROM journal WHERE patient_id = {tess} ORDER BY id LIMIT 1")[0]
    reading = json.loads(body)["reading"]
    assert reading["flags"] == ["from_memory", "replayed"]
    assert reading["values"] == [
        {"metric": "blood_glucose", "value": 52.25, "unit": "mg/dL", "shown": {"value": 2.9, "unit": "mmol/L"}}
    ]
    assert bytes.fromhex(reading["raw"][0]["data"]).decode() == LINES[1]
    assert reading["decoder"] == "recording/1"


def test_with_the_same_end_a_second_replay_changes_nothing(site: Replaying, file: Path) -> None:
    tess = site.patient(2, "--test")
    assert site.replays(str(file), "--patient", tess, *UNTIL)["outcome"]["answered"] == {"stored": 3}
    again = site.replays(str(file), "--patient", tess, *UNTIL)["outcome"]
    assert (again["answered"], again["found"]) == ({"duplicate": 3}, [])
    assert "Nothing was new, so nothing was judged" in site.says("replay", str(file), "--patient", tess, *UNTIL)
    assert site.rows(f"SELECT count(*) FROM replayed WHERE patient_id = {tess}") == [(4,)]
    assert site.replays(str(file), "--patient", tess)["outcome"]["answered"] == {"stored": 3}


def test_for_people_to_read(site: Replaying, file: Path) -> None:
    said = site.run("replay", str(file), "--patient", site.patient(3, "--test"))
    assert said.returncode == 0
    assert "3 readings up to" in said.stdout
    assert "3 stored" in said.stdout
    assert "0 alerts, 0 tasks, 0 messages" in said.stdout
    assert "acknowledged" not in said.stderr  # progress is for a terminal


def test_production_refuses_a_patient_who_is_no_test(site: Replaying, file: Path) -> None:
    real = site.patient(4)
    refused = site.run("replay", str(file), "--patient", real)
    assert refused.returncode == 1
    assert "SF20" in refused.stderr
    assert site.rows(f"SELECT count(*) FROM journal WHERE patient_id = {real}") == [(0,)]


def test_what_cannot_be_replayed_changes_nothing(site: Replaying, file: Path) -> None:
    tess = site.patient(5, "--test")
    file.write_text("\n".join([*LINES, "2015-06-06 10:00:00,blood_glucose,Low,mmol/L"]))
    refused = site.run("replay", str(file), "--patient", tess)
    assert refused.returncode == 1
    assert "line 6: 'Low' is no number" in refused.stderr
    assert site.rows(f"SELECT count(*) FROM assignment WHERE patient_id = {tess}") == [(0,)]
    made = site.replays(str(file), "--patient", tess, "--skip-bad")
    assert made["outcome"]["answered"] == {"stored": 3}
    assert made["recording"]["skipped"] == [{"line": 6, "reason": "'Low' is no number"}]


def test_fractions_of_a_second_and_a_long_recording_are_all_the_patients(site: Replaying, file: Path) -> None:
    """Times are finer than the wire's milliseconds; more readings than one batch holds."""
    lines = (
        f"2015-06-06T08:{number // 60:02}:{number % 60:02}.1239999Z,pulse_rate,{60 + number % 20},bpm"
        for number in range(500)
    )
    file.write_text("\n".join([LINES[0], *lines, "2015-06-06T09:00:00Z,pulse_rate,60,bpm"]))
    made = site.replays(str(file), "--patient", site.patient(7, "--test"))
    assert made["outcome"]["answered"] == {"stored": 501}


def test_speed_only_paces(site: Replaying, file: Path) -> None:
    """An hour of recording, 1800 times faster: two seconds, and the same outcome."""
    made = site.replays(str(file), "--patient", site.patient(6, "--test"), "--speed", "1800")
    assert made["outcome"]["answered"] == {"stored": 3}
    assert [one["rule"] for one in made["outcome"]["found"]] == ["glucose-low", "systolic-high"]


def test_it_does_not_say_of_a_check_that_the_rules_found_nothing(site: Replaying, file: Path) -> None:
    refused = site.run("replay", str(file), "--patient", site.patient(8, "--test"), "--check")
    assert refused.returncode == 2
    assert "rpmhub gateway replay FILE --check" in refused.stderr


def test_ctrl_c_is_answered_by_the_program_that_sends(site: Replaying, file: Path, tmp_path: Path) -> None:
    """At the recording's own pace: the first reading went, the others are an hour away."""
    tess, pause = site.patient(9, "--test"), threading.Event()
    command = [sys.executable, "-P", "-m", "hub.cli", "replay", str(file), "--patient", tess, "--speed", "1"]
    with (tmp_path / "said").open("wb") as said:
        process = subprocess.Popen(command, env=site.environment, stdout=said, stderr=said, start_new_session=True)
    with process:
        while process.poll() is None and not site.rows(f"SELECT 1 FROM replayed WHERE patient_id = {tess}"):
            pause.wait(0.1)
        os.killpg(process.pid, signal.SIGINT)
    assert process.returncode == 1
    assert "Stopped. What is in the spool goes out with the next replay." in (tmp_path / "said").read_text()


def test_the_gateway_group_passes_it_on(site: Replaying, file: Path) -> None:
    said = json.loads(site.says("gateway", "replay", str(file), "--check", "--json"))
    assert [each["device"] for each in said["devices"]] == ["recording/blood-pressure", "recording/glucose-meter"]


def test_a_demo_that_never_ran_is_said_to_be_absent(site: Replaying, file: Path, tmp_path: Path) -> None:
    refused = site.run("replay", str(file), "--patient", "1", "--demo", "--data", str(tmp_path / "none"))
    assert refused.returncode == 1
    assert "no demo has run" in refused.stderr


def test_without_a_broker_nothing_is_begun(tmp_path: Path, file: Path) -> None:
    with replaying(tmp_path) as site:
        tess = site.patient(1, "--test")
        site.broker.kill()
        refused = site.run("replay", str(file), "--patient", tess)
        assert refused.returncode == 1
        assert "does not answer" in refused.stderr
        assert site.rows("SELECT count(*) FROM device") == [(0,)]


def test_a_broker_that_does_not_know_it_yet_delays_and_loses_nothing(tmp_path: Path, file: Path) -> None:
    """The first replay makes the credential. Until mosquitto is reloaded it is refused; the next one delivers both."""
    files = tmp_path / "hub" / "broker"
    rules = ("allow_anonymous false", f"password_file {files}/passwords", f"acl_file {files}/acl")
    files.mkdir(parents=True)
    for name in ("passwords", "acl"):
        (files / name).touch(0o600)
    with replaying(tmp_path, *rules) as site:
        site.says("gateway", "credentials")
        site.broker.reload()
        tess = site.patient(1, "--test")
        early = site.run("replay", str(file), "--patient", tess, *UNTIL, "--patience", "2")
        assert early.returncode == 1
        assert "Reload mosquitto" in early.stderr
        assert "not answered for 2 s. 3 readings are left" in early.stderr
        site.broker.reload()
        assert site.replays(str(file), "--patient", tess, *UNTIL)["outcome"]["answered"] == {
            "duplicate": 3,
            "stored": 3,
        }
        assert site.nobody_is_asked()
