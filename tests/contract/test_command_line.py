"""The commands as an operator types them, on a database of their own, and the broker files they make."""

import json
import os
import subprocess
import threading
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
import pytest

from device_gateway.settings import parse_address
from tests.commands import rpmhub
from tests.servers import mosquitto

WAIT = 10.0


class Operator:
    """Runs ``rpmhub`` in a data directory of its own."""

    def __init__(self, directory: Path) -> None:
        self.data = directory / "data"
        self.environment = {
            **os.environ,
            "RPMHUB_DATA_DIR": str(self.data),
            "RPMHUB_CLINIC_ZONE": "America/Chicago",
            "RPMHUB_EMERGENCY_NUMBER": "911",
            "RPMHUB_LAST_RESORT_PHONE": "+15555550199",
        }

    def run(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return rpmhub(arguments, self.environment | environment)

    def says(self, *arguments: str) -> str:
        done = self.run(*arguments)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def row(self, *arguments: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.says(*arguments, "--json"))
        return found

    def refuses(self, *arguments: str, **environment: str) -> str:
        done = self.run(*arguments, **environment)
        assert done.returncode != 0
        assert "Traceback" not in done.stderr
        return done.stderr


@pytest.fixture
def operator(tmp_path: Path) -> Operator:
    somebody = Operator(tmp_path)
    somebody.says("db", "upgrade")
    return somebody


def test_a_clinic_is_set_up_by_commands_that_print_ids(operator: Operator) -> None:
    assert operator.says("protocol", "sign", "hypertension", "--by", "Dr Invented") == "1"
    gateway = operator.row("gateway", "add", "Example Street 1")
    patient = operator.row(
        *("patient", "add", "--mrn", "M-1", "--name", "Ada Nonesuch", "--born", "1950-01-31"),
        *("--protocol", "hypertension", "--sms-consent", "I agree to texts."),
    )
    device = operator.row(
        "device", "add", "--address", "CUFF-1", "--profile", "blood-pressure", "--gateway", gateway["id"]
    )
    period = operator.row("device", "assign", str(device["id"]), str(patient["id"]), "--slot", "2")
    assert (patient["id"], patient["zone"], device["id"], period["slot"]) == (1, "America/Chicago", 1, 2)
    assert "in force" in operator.says("protocol", "list")
    assert "the chain holds" in operator.says("audit", "verify")


def test_what_patients_are_asked_is_signed_by_commands(operator: Operator) -> None:
    shipped = Path(__file__).parents[2] / "config" / "checkins" / "missed-pressure.yaml"
    assert "1 question, no fault found" in operator.says("checkin", "check", str(shipped))
    broken = operator.data.parent / "own.yaml"
    broken.write_text("id: own\n")
    assert "own.yaml" in operator.refuses("checkin", "check", str(broken))
    assert "not in force" in operator.says("checkin", "list")
    assert operator.says("checkin", "sign", "missed-pressure", "--by", "Dr Invented") == "1"
    assert "signed by Dr Invented" in operator.says("checkin", "list")
    assert "asked of nobody" in operator.says("checkin", "retire", "missed-pressure")
    assert "is in force" in operator.refuses("checkin", "retire", "missed-pressure")
    assert "known are" in operator.refuses("checkin", "sign", "other", "--by", "Dr Invented")


def test_consent_and_number_are_kept_by_commands(operator: Operator) -> None:
    number = operator.row("patient", "add", "--mrn", "M-1", "--name", "Ada Nonesuch")["id"]
    consent = ("patient", "consent", str(number), "--source", "paper")
    assert "no number to text" in operator.refuses(*consent, "--give", "I agree to texts.")
    assert "is changed" in operator.says("patient", "phone", str(number), "+15555550150")
    assert "has consented to sms" in operator.says(*consent, "--give", "I agree to texts.")
    assert "stands already" in operator.refuses(*consent, "--give", "I agree to texts.")
    assert "either" in operator.refuses(*consent)
    assert "either" in operator.refuses(*consent, "--give", "I agree to texts.", "--revoke")
    assert "has ended" in operator.says(*consent, "--revoke")
    assert "no such consent" in operator.refuses(*consent, "--revoke")


def test_what_safety_forbids_is_refused_with_its_rule(operator: Operator) -> None:
    for protocol in ("hypertension", "heart-failure", "copd"):
        operator.says("protocol", "sign", protocol, "--by", "Dr Invented")
    add = ("patient", "add", "--mrn", "M-1", "--name", "Ada Nonesuch")
    assert "SF9" in operator.refuses(*add, "--protocol", "hypertension")
    assert "SF9" in operator.refuses(*add, "--born", "2015-01-31", "--protocol", "hypertension")
    assert "SF6" in operator.refuses(*add, "--born", "1950-01-31", "--protocol", "heart-failure")
    assert "SF7" in operator.refuses(*add, "--born", "1950-01-31", "--protocol", "copd")
    assert "sign it first" in operator.refuses(*add, "--born", "1950-01-31", "--protocol", "diabetes")
    assert operator.row(*add)["id"] == 1  # nothing of what was refused stayed


def test_production_refuses_to_start_without_an_emergency_number_or_a_last_resort(operator: Operator) -> None:
    assert "RPMHUB_EMERGENCY_NUMBER is not set" in operator.refuses("up", RPMHUB_EMERGENCY_NUMBER="")
    assert "RPMHUB_LAST_RESORT_PHONE is not set" in operator.refuses("up", RPMHUB_LAST_RESORT_PHONE="")


def test_a_database_belongs_to_one_mode_for_ever(operator: Operator, tmp_path: Path) -> None:
    assert "production database and stays one" in operator.refuses("demo", "--data", str(operator.data))
    demo = Operator(tmp_path / "demo")
    demo.says("db", "upgrade", "--mode", "demo")
    assert "demo database and stays one" in demo.refuses("up")


def test_wrong_input_is_named(operator: Operator) -> None:
    assert "is no number in international form" in operator.refuses(
        "patient", "add", "--mrn", "1", "--name", "x", "--phone", "555-0100"
    )
    assert "no gateway nowhere" in operator.refuses(
        "device", "add", "--address", "a", "--profile", "manual", "--gateway", "nowhere"
    )
    assert "did you mean RPMHUB_DATA_DIR" in operator.refuses("db", "upgrade", RPMHUB_DATA_DIRR="x")


def test_no_secret_and_every_setting_is_printed(operator: Operator) -> None:
    printed = operator.run("doctor", "--settings", RPMHUB_TWILIO_AUTH_TOKEN="s3cret").stdout
    assert "RPMHUB_EMERGENCY_NUMBER=911" in printed
    assert "s3cret" not in printed


def test_the_data_are_their_owners_alone(operator: Operator) -> None:
    assert (operator.data / "hub.sqlite3").stat().st_mode & 0o077 == 0
    assert operator.data.stat().st_mode & 0o067 == 0  # a group may pass through, and see nothing


def test_a_made_credential_opens_the_broker_and_its_own_branch_only(operator: Operator, tmp_path: Path) -> None:
    first, second = (operator.row("gateway", "add", name)["mqtt_url"] for name in ("One", "Two"))
    files = operator.data / "broker"
    rules = ("allow_anonymous false", f"password_file {files}/passwords", f"acl_file {files}/acl")
    with mosquitto(tmp_path / "broker", *rules) as broker:
        hub_password = (operator.data / "secrets" / "mqtt-hub-password").read_text()
        heard = Listener(broker.port, "rpmhub", hub_password)
        for url in (first, second):
            address = parse_address("mqtt_url", url)
            speaker = Listener(broker.port, address.user or "", address.password or "")
            mine, other = f"rpm/v1/{address.user}/up/live", "rpm/v1/somebody-else/up/live"
            speaker.say(other)
            speaker.say(mine)
            assert heard.wait_for(mine)
            speaker.close()
        assert heard.topics == [f"rpm/v1/{parse_address('u', url).user}/up/live" for url in (first, second)]
        heard.close()
        assert Listener(broker.port, "rpmhub", "guessed").refused


class Listener:
    """A client that hears what the hub may hear."""

    def __init__(self, port: int, user: str, password: str) -> None:
        self.topics: list[str] = []
        self.refused = False
        self._news = threading.Condition()
        self._answered = threading.Event()
        self._client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, reconnect_on_failure=False)
        self._client.username_pw_set(user, password)
        self._client.on_connect = self._connected
        self._client.on_subscribe = lambda *_: self._answered.set()
        self._client.on_message = self._heard
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()
        assert self._answered.wait(WAIT)

    def say(self, topic: str) -> None:
        self._client.publish(topic, b"{}", qos=1).wait_for_publish(WAIT)

    def wait_for(self, topic: str) -> bool:
        with self._news:
            return self._news.wait_for(lambda: topic in self.topics, WAIT)

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def _connected(self, client: mqtt.Client, _data: object, _flags: object, reason: Any, _props: object) -> None:
        self.refused = bool(reason.is_failure)
        if self.refused:
            self._answered.set()
        else:
            client.subscribe("rpm/v1/+/up/#", qos=1)

    def _heard(self, _client: mqtt.Client, _data: object, message: mqtt.MQTTMessage) -> None:
        with self._news:
            self.topics.append(message.topic)
            self._news.notify_all()
