from pathlib import Path

import pytest

from device_gateway.errors import SettingsError
from device_gateway.settings import Address, Settings, describe, load

URL = "mqtt://home-1:s%40crt@hub.example.org"
LEAST = {"RPMHUB_GATEWAY_MQTT_URL": URL, "RPMHUB_GATEWAY_ZONE": "America/Chicago"}


def test_the_least_that_must_be_said() -> None:
    assert load(None, LEAST) == Settings(mqtt_url=URL, zone="America/Chicago")


def test_the_hubs_address_is_read_from_its_url() -> None:
    settings = load(None, LEAST | {"RPMHUB_GATEWAY_SOURCE_MQTT_URL": "mqtts://[::1]:8884"})

    assert settings.hub == Address("hub.example.org", 1883, tls=False, user="home-1", password="s@crt")
    assert settings.devices == Address("::1", 8884, tls=True, user=None, password=None)
    assert load(None, LEAST).devices is None


def test_the_environment_goes_before_the_file(tmp_path: Path) -> None:
    file = tmp_path / "gateway.toml"
    file.write_text(f'mqtt_url = "{URL}"\nzone = "Europe/Paris"\nresend_first_s = 12\n')

    settings = load(file, {"RPMHUB_GATEWAY_ZONE": "America/Chicago", "RPMHUB_GATEWAY_SPOOL_MAX_ROWS": "2000"})

    assert (settings.zone, settings.resend_first_s, settings.spool_max_rows) == ("America/Chicago", 12, 2000)


def test_a_secret_may_stand_in_a_file_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "url").write_text(f"{URL}\n")
    environ = {"RPMHUB_GATEWAY_MQTT_URL_FILE": str(tmp_path / "url"), "RPMHUB_GATEWAY_ZONE": "America/Chicago"}

    assert load(None, environ).mqtt_url == URL
    with pytest.raises(SettingsError, match="both set"):
        load(None, environ | {"RPMHUB_GATEWAY_MQTT_URL": URL})


@pytest.mark.parametrize(
    "injected", ["RPMHUB_GATEWAY_PORT", "RPMHUB_GATEWAY_PORT_1883_TCP", "RPMHUB_GATEWAY_SERVICE_HOST", "RPMHUB_OTHER"]
)
def test_what_an_orchestrator_puts_there_is_left_alone(injected: str) -> None:
    assert load(None, LEAST | {injected: "tcp://10.0.0.1:1883"}) == load(None, LEAST)


@pytest.mark.parametrize(
    ("environ", "sentence"),
    [
        ({"RPMHUB_GATEWAY_ZONE": "UTC"}, "RPMHUB_GATEWAY_MQTT_URL is not set"),
        ({"RPMHUB_GATEWAY_MQTT_URL": URL}, "RPMHUB_GATEWAY_ZONE is not set"),
        (LEAST | {"RPMHUB_GATEWAY_MQTT_URI": "x"}, "nearest: RPMHUB_GATEWAY_MQTT_URL"),
        (LEAST | {"RPMHUB_GATEWAY_SPOOL_MAX_ROWS": "many"}, "RPMHUB_GATEWAY_SPOOL_MAX_ROWS is wrong"),
        (LEAST | {"RPMHUB_GATEWAY_SPOOL_MAX_ROWS": "1"}, "RPMHUB_GATEWAY_SPOOL_MAX_ROWS is wrong"),
        (LEAST | {"RPMHUB_GATEWAY_ZONE": "Mars/Base"}, "RPMHUB_GATEWAY_ZONE is no known time zone"),
        (LEAST | {"RPMHUB_GATEWAY_ZONE": "../etc/passwd"}, "RPMHUB_GATEWAY_ZONE is no time zone"),
        (LEAST | {"RPMHUB_GATEWAY_MQTT_URL": "http://a@b"}, "RPMHUB_GATEWAY_MQTT_URL must be mqtt"),
        (LEAST | {"RPMHUB_GATEWAY_MQTT_URL": "mqtt://a@b:99999"}, "RPMHUB_GATEWAY_MQTT_URL must be mqtt"),
        (LEAST | {"RPMHUB_GATEWAY_MQTT_URL": "mqtt://b"}, "needs a user"),
        (LEAST | {"RPMHUB_GATEWAY_MQTT_URL": "mqtt://a%2F%23:x@b"}, "needs a user"),
        (LEAST | {"RPMHUB_GATEWAY_SOURCE_MQTT_URL": "b"}, "RPMHUB_GATEWAY_SOURCE_MQTT_URL must be mqtt"),
        (LEAST | {"RPMHUB_GATEWAY_MQTT_CA_FILE": "/nowhere/ca.pem"}, "RPMHUB_GATEWAY_MQTT_CA_FILE names no file"),
        (LEAST | {"RPMHUB_GATEWAY_MQTT_URL_FILE": "/nowhere"}, "both set"),
    ],
)
def test_a_wrong_setting_is_one_sentence_that_names_it(environ: dict[str, str], sentence: str) -> None:
    with pytest.raises(SettingsError) as caught:
        load(None, environ)
    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)
    assert "s%40crt" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [('mqtt_uri = "x"', "nearest: mqtt_url"), ("zone = 3", "zone in"), ("zone = ", "cannot be read")],
)
def test_a_wrong_file_is_one_sentence_too(tmp_path: Path, text: str, sentence: str) -> None:
    (tmp_path / "g.toml").write_text(text)
    with pytest.raises(SettingsError, match=sentence):
        load(tmp_path / "g.toml", LEAST)


def test_settings_are_described_with_secrets_masked() -> None:
    rows = {name: (value, text) for name, value, text in describe(load(None, LEAST))}

    assert set(rows) == {f"RPMHUB_GATEWAY_{name.upper()}" for name in Settings.__struct_fields__}
    assert rows["RPMHUB_GATEWAY_MQTT_URL"][0] == "mqtt://home-1:***@hub.example.org"
    assert all(text for _, text in rows.values())
    assert "s%40crt" not in str(rows)
