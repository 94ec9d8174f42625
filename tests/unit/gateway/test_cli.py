import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from device_gateway.cli import main
from device_gateway.frames import Rejected
from device_gateway.spool import Limits, Spool
from tests.unit.gateway.parts import CUFF, NOW, CountingIds, frame, measurement, seqs


def said(*arguments: str, **environ: str) -> Result:
    base = {"RPMHUB_GATEWAY_MQTT_URL": "mqtt://home-1:secret@127.0.0.1", "RPMHUB_GATEWAY_ZONE": "America/Chicago"}
    named = {f"RPMHUB_GATEWAY_{name.upper()}": value for name, value in environ.items()}
    return CliRunner().invoke(main, list(arguments), env=base | named)


def test_decode_prints_the_measurement_of_json() -> None:
    result = said("decode", "mqtt_cuff_json", json.dumps(CUFF), "--zone", "Europe/Paris")

    assert result.exit_code == 0
    assert result.output.splitlines()[0].split() == ["systolic_blood_pressure", "128", "mm[Hg]"]
    assert "2026-11-22T07:59:58+01:00" in result.output


def test_decode_takes_hex_and_prints_json() -> None:
    result = said("decode", "mqtt_cuff_json", json.dumps(CUFF | {"unit": "kPa", "sys": 16.0}).encode().hex(), "--json")

    assert json.loads(result.output)["values"][0] == {
        "metric": "systolic_blood_pressure",
        "value": 120.0,
        "unit": "mm[Hg]",
        "shown": {"value": 16.0, "unit": "kPa"},
    }


def test_decode_prints_the_measurement_of_a_scale() -> None:
    reading = json.loads(said("decode", "2A9D", "06983fea070b16073b3a01", "--json").output)

    assert reading["values"] == [{"metric": "body_weight", "value": 81.4, "unit": "kg"}]
    assert (reading["measured_at"], reading["user_index"]) == ("2026-11-22T07:59:58Z", 1)
    assert reading["raw"] == [{"kind": "2A9D", "data": "06983fea070b16073b3a01"}]


def test_decode_takes_the_packets_of_one_record_together() -> None:
    packets = ("2a18", "160700ea070b16081e0037c012", "--with", "2a34:02070002")
    result = said("decode", *packets, "--device", "C0:00:00:00:00:01")

    lines = {line.split()[0]: line.split()[1:] for line in result.output.splitlines()}
    assert lines["blood_glucose"] == ["99.09", "mg/dL", "(shown:", "5.5", "mmol/L)"]
    assert (lines["device"], lines["flags"]) == (["C0:00:00:00:00:01"], ["meal_postprandial"])


def test_decode_says_that_a_number_is_a_bound() -> None:
    assert ">600 mg/dL" in said("decode", "2A18", "020700ea070b16081e00fe0711").output


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("2A9D", "06983f"), "rejected(truncated)"),
        (("2A18", "020300e807030f0a1e0001d01a"), "rejected(control_solution)"),
        (("2A5E", "zz"), "The packet of 2A5E is not hex: zz."),
        (("mqtt_cuff_json", "{}"), "rejected(undecodable)"),
        (("mqtt_cuff_json", json.dumps(CUFF | {"unit": None})), "rejected(unit_missing)"),
        (("2A99", "00"), "No decoder is called 2A99"),
        (("mqtt_cuff_json", json.dumps(CUFF), "--zone", "Mars"), "Mars is no time zone"),
    ],
)
def test_decode_fails_in_one_sentence(arguments: tuple[str, ...], sentence: str) -> None:
    result = said("decode", *arguments)

    assert result.exit_code == 1
    assert sentence in result.output


def test_simulated_homes_can_be_listed_without_any_setting() -> None:
    result = CliRunner().invoke(main, ["simulate", "--homes", "12", "--seed", "7", "--list", "--json"])
    rows = json.loads(result.output)

    assert sorted({row["home"] for row in rows}) == list(range(1, 13))
    assert {name: rows[0][name] for name in ("home", "device", "profile", "link")} == {
        "home": 1,
        "device": "C1:52:50:4D:00:01",
        "profile": "weight-scale",
        "link": "ble",
    }
    assert rows[0]["people"][0]["condition"] == "heart-failure"
    assert (
        CliRunner().invoke(main, ["simulate", "--homes", "12", "--seed", "7", "--list", "--json"]).output
        == result.output
    )


def test_status_reads_the_spool_beside_a_running_gateway(tmp_path: Path) -> None:
    spool = Spool(tmp_path, Limits(), CountingIds(), NOW)
    spool.put([measurement(1), measurement(2), Rejected("undecodable", "no JSON", frame(b"?"))], NOW)
    spool.acknowledge(seqs(1), NOW)

    row = json.loads(said("status", "--json", data_dir=str(tmp_path)).output)
    text = said("status", data_dir=str(tmp_path)).output

    assert (row["depth"], row["kept"], row["quarantined_total"], row["dropped_total"]) == (1, 1, 1, 0)
    assert row["quarantined"][0]["data"] == b"?".hex()
    assert row["last_ack_at"].startswith("2026-11-22T07:00:01")
    assert "quarantined        1" in text
    assert "undecodable: no JSON" in text


def test_status_names_a_damaged_spool(tmp_path: Path) -> None:
    (tmp_path / "spool.sqlite3").write_bytes(b"x" * 100)
    assert said("status", data_dir=str(tmp_path)).exit_code == 1

    Spool(tmp_path, Limits(), CountingIds(), NOW).close()

    assert "DAMAGED SPOOL kept as spool.sqlite3.damaged-" in said("status", data_dir=str(tmp_path)).output


def test_status_before_the_first_run_says_so(tmp_path: Path) -> None:
    assert "has not run yet" in said("status", data_dir=str(tmp_path / "none")).output


def test_settings_are_printed_with_their_help_and_no_password() -> None:
    output = said("status", "--settings").output

    assert "RPMHUB_GATEWAY_MQTT_URL=mqtt://home-1:***@127.0.0.1  # The hub's broker" in output
    assert "secret" not in output


@pytest.mark.parametrize("command", [("run",), ("status",), ("simulate",)])
def test_a_wrong_setting_stops_any_command_with_one_sentence(command: tuple[str, ...]) -> None:
    result = said(*command, spol_max_rows="3")

    assert (result.exit_code, result.output) == (
        1,
        "Error: RPMHUB_GATEWAY_SPOL_MAX_ROWS is no setting (nearest: RPMHUB_GATEWAY_SPOOL_MAX_ROWS).\n",
    )


def test_simulated_cuffs_need_a_broker_of_devices(tmp_path: Path) -> None:
    for command in (("simulate",), ("run", "--simulate", "2")):
        result = said(*command, data_dir=str(tmp_path))
        assert (result.exit_code, "SOURCE_MQTT_URL is not set" in result.output) == (1, True)
