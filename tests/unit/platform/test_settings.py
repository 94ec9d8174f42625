"""A wrong setting stops the start with one sentence that names it."""

import re
from pathlib import Path

import pytest

from hub.errors import WrongSetting
from hub.settings import Address, SeriesAddress, Settings, check_production, config_dir, describe, load, save


def test_nothing_set_is_the_defaults() -> None:
    assert load({}) == Settings()


def test_the_environment_goes_before_the_file(tmp_path: Path) -> None:
    file = tmp_path / "hub.toml"
    file.write_text('clinic_name = "From the file"\nhttp_port = 8081\n')

    settings = load({"RPMHUB_CONFIG": str(file), "RPMHUB_CLINIC_NAME": "From the environment"})

    assert (settings.clinic_name, settings.http_port) == ("From the environment", 8081)


def test_what_is_saved_is_read_back(tmp_path: Path) -> None:
    file = tmp_path / "hub.toml"
    settings = Settings(clinic_name='"Ärzte" \\ \u007f', http_port=8081, public_url="http://127.0.0.1:8081")
    save(settings, file)
    assert load({"RPMHUB_CONFIG": str(file)}) == settings


@pytest.mark.parametrize(
    ("environ", "sentence"),
    [
        ({"RPMHUB_CLINC_ZONE": "UTC"}, "RPMHUB_CLINC_ZONE is no setting; did you mean RPMHUB_CLINIC_ZONE?"),
        ({"RPMHUB_HTTP_PORT": "eighty"}, "RPMHUB_HTTP_PORT is wrong"),
        ({"RPMHUB_HTTP_PORT": "70000"}, "RPMHUB_HTTP_PORT is wrong"),
        ({"RPMHUB_CLINIC_ZONE": "Mars/Olympus"}, "RPMHUB_CLINIC_ZONE is no known time zone"),
        ({"RPMHUB_MQTT_URL": "http://127.0.0.1"}, "RPMHUB_MQTT_URL must be"),
        ({"RPMHUB_LAST_RESORT_PHONE": "555-0100"}, "RPMHUB_LAST_RESORT_PHONE is wrong"),
        ({"RPMHUB_PUBLIC_URL": "rpm.example.org"}, "RPMHUB_PUBLIC_URL must begin with"),
        ({"RPMHUB_TWILIO_ACCOUNT_SID": "AC12"}, "RPMHUB_TWILIO_ACCOUNT_SID is wrong"),
        ({"RPMHUB_TWILIO_FROM": "the clinic"}, "RPMHUB_TWILIO_FROM is wrong"),
        ({"RPMHUB_TWILIO_BASE_URL": "http://twilio.example.org"}, "RPMHUB_TWILIO_BASE_URL must begin with https://"),
        ({"RPMHUB_TWILIO_AUTH_TOKEN_FILE": "/nowhere/token"}, "RPMHUB_TWILIO_AUTH_TOKEN_FILE names cannot be read"),
        ({"RPMHUB_CONFIG": "/nowhere/hub.toml"}, "settings file /nowhere/hub.toml cannot be read"),
    ],
)
def test_what_is_wrong_is_named(environ: dict[str, str], sentence: str) -> None:
    with pytest.raises(WrongSetting, match=re.escape(sentence)):
        load(environ)


def test_a_key_of_the_file_that_nobody_knows_is_an_error(tmp_path: Path) -> None:
    file = tmp_path / "hub.toml"
    file.write_text('clinc_name = "x"\n')
    with pytest.raises(WrongSetting, match=r"clinc_name in .* is no setting; did you mean clinic_name"):
        load({"RPMHUB_CONFIG": str(file)})


def test_what_orchestrators_inject_and_the_gateways_own_are_not_ours() -> None:
    injected = {"RPMHUB_PORT_8080_TCP": "tcp://10.0.0.1:8080", "RPMHUB_SERVICE_HOST": "10.0.0.1"}
    assert load(injected | {"RPMHUB_GATEWAY_ZONE": "UTC"}) == Settings()


def test_a_secret_may_stand_in_a_file_and_not_twice(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("t0ken\n")
    environ = {"RPMHUB_TWILIO_AUTH_TOKEN_FILE": str(tmp_path / "token")}
    assert load(environ).twilio_auth_token == "t0ken"
    with pytest.raises(WrongSetting, match="both set"):
        load(environ | {"RPMHUB_TWILIO_AUTH_TOKEN": "other"})


def test_no_secret_is_printed() -> None:
    settings = load(
        {
            "RPMHUB_MQTT_URL": "mqtt://rpmhub:s3cret@127.0.0.1",
            "RPMHUB_TWILIO_AUTH_TOKEN": "s3cret",
            "RPMHUB_SERIES_URL": "influxdb+http://s3cret@127.0.0.1:8086/org/rpm",
            "RPMHUB_DATABASE_URL": "postgresql://hub:s3cret@127.0.0.1/hub",
        }
    )
    printed = {name: value for name, value, _ in describe(settings)}
    assert "s3cret" not in str(printed)
    assert printed["RPMHUB_MQTT_URL"] == "mqtt://rpmhub:***@127.0.0.1"
    assert all(text for _, _, text in describe(settings))


@pytest.mark.parametrize("missing", ["clinic_zone", "emergency_number", "last_resort_phone"])
def test_production_does_not_start_without_what_has_no_default(missing: str) -> None:
    needed = {"clinic_zone": "Europe/London", "emergency_number": "999", "last_resort_phone": "+445550199"}
    check_production(Settings(**needed))
    with pytest.raises(WrongSetting, match=f"RPMHUB_{missing.upper()} is not set"):
        check_production(Settings(**needed | {missing: ""}))


TWILIO = {"twilio_account_sid": "AC" + "0a" * 16, "twilio_auth_token": "t0ken", "twilio_from": "+15555550100"}


@pytest.mark.parametrize("missing", TWILIO)
def test_twilio_is_set_up_whole_or_not_at_all(missing: str) -> None:
    needed = {"clinic_zone": "Europe/London", "emergency_number": "999", "last_resort_phone": "+445550199"}
    whole = Settings(**needed, **TWILIO)
    check_production(whole)
    assert whole.twilio
    assert not Settings(**needed).twilio
    with pytest.raises(WrongSetting, match=f"Twilio is half set up: set RPMHUB_{missing.upper()} too"):
        check_production(Settings(**needed | TWILIO | {missing: ""}))
    with pytest.raises(WrongSetting, match="Twilio is half set up"):
        check_production(Settings(**needed, twilio_base_url="http://127.0.0.1:5010"))


def test_twilio_calls_back_by_https_or_when_it_is_a_fake() -> None:
    assert Settings(**TWILIO, public_url="https://rpm.example.org").calls_back
    assert not Settings(**TWILIO, public_url="http://rpm.example.org").calls_back
    assert Settings(**TWILIO, twilio_base_url="http://127.0.0.1:5010").calls_back


def test_the_brokers_address_is_read_from_its_url() -> None:
    settings = load({"RPMHUB_MQTT_URL": "mqtts://rpm%40hub:p%3Aw@broker.example.org"})
    assert settings.broker == Address("broker.example.org", 8883, tls=True, user="rpm@hub", password="p:w")


def test_a_part_of_the_gateways_is_one_of_several_and_needs_a_server() -> None:
    server = {"RPMHUB_DATABASE_URL": "postgresql://hub@db/rpmhub"}
    assert load(server | {"RPMHUB_INGEST_SHARD": "2/2", "RPMHUB_INGEST_PROCESSES": "2"}).ingest_shard == "2/2"
    assert load({"RPMHUB_INGEST_SHARD": "1/1"}).ingest_shard == "1/1"
    for wrong in ("3/2", "0/2", "2", "1/2/3"):
        with pytest.raises(WrongSetting, match="RPMHUB_INGEST_SHARD must be"):
            load(server | {"RPMHUB_INGEST_SHARD": wrong})
    for several in ({"RPMHUB_INGEST_SHARD": "1/2"}, {"RPMHUB_INGEST_PROCESSES": "2"}):
        with pytest.raises(WrongSetting, match="need PostgreSQL"):
            load(several)


def test_the_shipped_configuration_is_found() -> None:
    assert (config_dir() / "protocols" / "hypertension.yaml").is_file()


def test_a_series_url_has_a_token_and_a_bucket() -> None:
    given = {"RPMHUB_SERIES_URL": "influxdb+https://a%2Fb@influx.example.org:8086/clinic/rpm/autogen"}
    assert load(given).series == SeriesAddress("https://influx.example.org:8086", "a/b", "clinic", "rpm/autogen")
    assert load({}).series is None


@pytest.mark.parametrize(
    "url", ["http://t@h:1/o/b", "influxdb+http://h:1/o/b", "influxdb+http://t@h/o/b", "influxdb+http://t@h:1/o"]
)
def test_a_series_url_that_lacks_something_is_refused_without_its_token(url: str) -> None:
    with pytest.raises(WrongSetting, match="RPMHUB_SERIES_URL must be") as raised:
        load({"RPMHUB_SERIES_URL": url})
    assert "t@h" not in str(raised.value)
