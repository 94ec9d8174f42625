"""``rpmhub doctor`` before a real broker: faults told apart, in time; nothing is changed and no secret said."""

import json
import queue
import socket
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
import pytest

from hub.adapters.clock import SystemClock
from hub.adapters.mqtt_session import UP
from hub.adapters.probes.broker import Trip, round_trip
from hub.adapters.sql.engine import make_engine
from hub.adapters.sql.unit_of_work import SqlUnitOfWork
from hub.settings import Address
from tests.contract.test_command_line import Operator
from tests.servers import Mosquitto, free_port, mosquitto
from tests.servers_refusing import granting
from tests.twilio.fake import ACCOUNT, TOKEN, FakeTwilio, fake_twilio
from tests.unit.checkup.servers import self_signed

WITHIN_S = 5.0
NUMBER = "+12025550100"
NOWHERE = "https://192.0.2.1:9"
"""An address that is kept for examples: nothing answers there, and no certificate is wrong."""

Found = dict[str, list[dict[str, str]]]


class Site(Operator):
    """A clinic with a hub that is asked how it is."""

    @property
    def files(self) -> Path:
        return self.data / "broker"

    @property
    def secret(self) -> Path:
        return self.data / "secrets" / "mqtt-hub-password"

    def rules(self) -> tuple[str, ...]:
        return ("allow_anonymous false", f"password_file {self.files}/passwords", f"acl_file {self.files}/acl")

    def found(self, port: int | str = "", **environment: str) -> tuple[int, Found]:
        """The exit status, and the findings by check."""
        url = {"RPMHUB_MQTT_URL": f"mqtt://127.0.0.1:{port}"} if port else {}
        began = SystemClock().monotonic()
        done = self.run("doctor", "--json", **(url | environment))
        assert SystemClock().monotonic() - began < WITHIN_S
        assert done.stderr == ""
        findings: Found = {}
        for row in json.loads(done.stdout)["findings"]:
            findings.setdefault(row["check"], []).append(row)
        assert json.loads(done.stdout)["ready"] == (done.returncode == 0)
        return done.returncode, findings

    def worst(self, check: str, port: int | str = "", **environment: str) -> dict[str, str]:
        """The first of a check's findings."""
        return self.found(port, **environment)[1][check][0]


@pytest.fixture
def site(tmp_path: Path) -> Site:
    somebody = Site(tmp_path)
    somebody.environment |= {"RPMHUB_HTTP_PORT": str(free_port()), "RPMHUB_MQTT_URL": f"mqtt://127.0.0.1:{free_port()}"}
    somebody.says("db", "upgrade")
    return somebody


@pytest.fixture
def keyed(site: Site) -> Site:
    """Its broker's files are written."""
    site.says("gateway", "credentials")
    return site


def password_of(site: Site) -> str:
    return site.secret.read_text()


# The broker ------------------------------------------------------------------------------------------------------


def test_a_message_goes_to_the_broker_and_comes_back(keyed: Site, tmp_path: Path) -> None:
    with mosquitto(tmp_path / "broker", *keyed.rules()) as broker:
        _status, found = keyed.found(broker.port)
    assert found["broker"] == [
        {
            "check": "broker",
            "need": "fine",
            "what": f"A message went to the broker at 127.0.0.1:{broker.port} and came back.",
            "why": "",
            "mend": "",
        }
    ]
    assert [row["need"] for row in found["broker's door"]] == ["fine"]


def test_a_wrong_password_is_told_as_such(keyed: Site, tmp_path: Path) -> None:
    with mosquitto(tmp_path / "broker", *keyed.rules()) as broker:
        keyed.secret.write_text("another-invented-password")
        found = keyed.worst("broker", broker.port)
    assert found["need"] == "must"
    assert "refuses the hub's name or password, rpmhub" in found["what"]
    assert found["mend"] == "rpmhub gateway credentials, then systemctl reload mosquitto"


def test_its_mend_mends_it(keyed: Site, tmp_path: Path) -> None:
    with mosquitto(tmp_path / "broker", *keyed.rules()) as broker:
        keyed.secret.write_text("another-invented-password")
        keyed.says("gateway", "credentials")
        broker.reload()
        assert keyed.worst("broker", broker.port)["need"] == "fine"


def test_access_rules_that_swallow_the_hubs_message_are_told_as_such(keyed: Site, tmp_path: Path) -> None:
    acl = keyed.files / "acl"
    acl.write_text("".join(line for line in acl.read_text().splitlines(keepends=True) if "/ping/" not in line))
    with mosquitto(tmp_path / "broker", *keyed.rules()) as broker:
        found = keyed.worst("broker", broker.port)
    assert (found["need"], "does not give it back" in found["what"]) == ("must", True)
    assert "access rules" in found["why"]


def test_a_broker_that_refuses_what_ingest_must_hear_is_told_of_with_the_topic(keyed: Site, tmp_path: Path) -> None:
    topics = [UP + "live", UP + "status", "rpm/v1/rpmhub/ping/#"]
    rules = granting(tmp_path, topics, {"rpmhub": password_of(keyed)})
    with mosquitto(tmp_path / "broker", *rules) as broker:
        found = keyed.worst("broker", broker.port)
    assert (found["need"], "subscribe" in found["what"]) == ("must", True)
    assert found["what"].endswith("(rpm/v1/+/up/backfill).")


def test_a_broker_that_lets_in_anybody_must_be_mended(keyed: Site, tmp_path: Path) -> None:
    with mosquitto(tmp_path / "broker") as broker:
        found = keyed.worst("broker's door", broker.port)
    assert (found["need"], found["mend"].startswith("allow_anonymous false")) == ("must", True)


@pytest.mark.parametrize(
    ("host", "sentence"),
    [
        ("127.0.0.1", "Nothing answers at 127.0.0.1:"),
        ("broker.invalid", "The broker's name broker.invalid is not known"),
    ],
)
def test_a_broker_that_is_not_there_is_told_in_time(keyed: Site, host: str, sentence: str) -> None:
    found = keyed.worst("broker", RPMHUB_MQTT_URL=f"mqtt://{host}:{free_port()}")
    assert (found["need"], found["what"].startswith(sentence)) == ("must", True)


def test_what_listens_and_says_nothing_is_not_waited_for(keyed: Site) -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute:
        port = mute.getsockname()[1]
        found = keyed.worst("broker", port)
        secured = keyed.worst("broker", RPMHUB_MQTT_URL=f"mqtts://127.0.0.1:{port}")
    assert found["what"] == f"What listens at 127.0.0.1:{port} gives no MQTT answer."
    assert secured["need"] == "must"


def test_a_broker_whose_certificate_nobody_vouches_for_is_not_trusted(keyed: Site, tmp_path: Path) -> None:
    certificate = self_signed(tmp_path)
    tls = (f"certfile {certificate}", f"keyfile {certificate}")
    with mosquitto(tmp_path / "broker", *keyed.rules(), *tls) as broker:
        url = {"RPMHUB_MQTT_URL": f"mqtts://127.0.0.1:{broker.port}"}
        found = keyed.worst("broker", **url)
        vouched = keyed.worst("broker", **url, RPMHUB_MQTT_CA_FILE=str(certificate))
    assert (found["need"], "is not to be trusted" in found["what"]) == ("must", True)
    assert found["mend"].startswith("RPMHUB_MQTT_CA_FILE=")
    assert vouched["need"] == "fine"


def session_is_kept(broker: Mosquitto, client_id: str, password: str) -> bool:
    """Whether the broker remembers this client; from then on it does."""
    told: queue.Queue[bool] = queue.Queue()
    client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, client_id=client_id, clean_session=False)
    client.username_pw_set("rpmhub", password)
    client.on_connect = lambda _client, _data, flags, *_: told.put(flags.session_present)
    client.connect("127.0.0.1", broker.port)
    client.loop_start()
    try:
        return told.get(timeout=WITHIN_S)
    finally:
        client.disconnect()
        client.loop_stop()


def test_the_broker_remembers_nothing_of_it(keyed: Site, tmp_path: Path) -> None:
    with mosquitto(tmp_path / "broker", *keyed.rules()) as broker:
        password = password_of(keyed)
        address = Address("127.0.0.1", broker.port, tls=False, user="rpmhub", password=password)
        assert round_trip(address, "rpmhub-doctor-x", "", WITHIN_S, [UP + "live"]).trip is Trip.BACK
        assert not session_is_kept(broker, "rpmhub-doctor-x", password)


def test_the_session_of_ingest_outlives_a_listener_that_mixes_them_up(keyed: Site, tmp_path: Path) -> None:
    with mosquitto(tmp_path / "broker", *keyed.rules(), "use_username_as_clientid true") as broker:
        assert not session_is_kept(broker, "rpmhub-ingest-here", password_of(keyed))
        found = keyed.worst("broker", broker.port)
        assert (found["need"], "use_username_as_clientid" in found["mend"]) == ("must", True)
        assert session_is_kept(broker, "rpmhub-ingest-here", password_of(keyed))


def test_without_a_credential_it_is_said_and_none_is_made(site: Site) -> None:
    found = site.found()[1]
    assert found["broker"][0]["what"] == "The hub has no credential for the broker yet."
    assert found["broker's door"][0]["what"].startswith("Nothing answers at ")
    assert not site.secret.exists()


def test_the_brokers_files_are_compared_with_the_gateways(keyed: Site) -> None:
    older = (keyed.files / "passwords").read_text()
    gateway = keyed.row("gateway", "add", "Example Street 1")
    assert keyed.worst("broker files")["need"] == "fine"
    (keyed.files / "passwords").write_text(older)
    found = keyed.worst("broker files")
    assert found["what"] == f"mosquitto's passwords are older than the last change of: {gateway['id']}."
    keyed.says("gateway", "credentials")
    (keyed.files / "acl").write_text("topic readwrite #\n")
    assert (keyed.worst("broker files")["need"], keyed.worst("broker files")["what"][-10:]) == ("should", "version's.")
    (keyed.files / "acl").unlink()
    assert keyed.worst("broker files")["need"] == "must"


# The whole of it -------------------------------------------------------------------------------------------------


def ready(site: Site, broker: Mosquitto, twilio: FakeTwilio) -> dict[str, str]:
    """A clinic as it should be: its settings."""
    twilio.account.numbers = {NUMBER: {"sms_url": f"{NOWHERE}/webhooks/twilio/inbound#rc=5&rp=ct,rt,5xx"}}
    for login, role, phone in (("ana", "nurse", "1"), ("ben", "physician", "2"), ("olga", "operator", "3")):
        names = ("--login", login, "--name", f"{login.title()} Invented", "--role", role)
        site.says("user", "add", *names, "--phone", f"+1202555010{phone}", "--password", "an-invented-password")
    site.says("protocol", "sign", "hypertension", "--by", "Dr Invented")
    site.says("gateway", "add", "Example Street 1")
    broker.reload()
    engine = make_engine(f"sqlite:///{site.data / 'hub.sqlite3'}")
    with SqlUnitOfWork(engine) as uow:
        now = SystemClock().now()
        uow.operations.beat("worker", "here", now, {"failing": []})
        uow.operations.beat("sender", "here", now, {"failing": []})
        uow.operations.beat("ingest", "here", now, {"connected": True})
        uow.commit()
    engine.dispose()
    return {
        "RPMHUB_PUBLIC_URL": NOWHERE,
        "RPMHUB_LAST_RESORT_PHONE": "+12025550199",
        "RPMHUB_CLINIC_PHONE": "5550100",
        "RPMHUB_TWILIO_ACCOUNT_SID": ACCOUNT,
        "RPMHUB_TWILIO_AUTH_TOKEN": TOKEN,
        "RPMHUB_TWILIO_FROM": NUMBER,
        "RPMHUB_TWILIO_BASE_URL": twilio.url,
    }


def rows_of(database: Path) -> list[str]:
    with closing(sqlite3.connect(database)) as connection:
        return list(connection.iterdump())


def test_a_hub_that_patients_may_depend_on_ends_with_status_0(keyed: Site, tmp_path: Path) -> None:
    with mosquitto(tmp_path / "broker", *keyed.rules()) as broker, fake_twilio() as twilio:
        settings = ready(keyed, broker, twilio)
        before = rows_of(keyed.data / "hub.sqlite3")
        status, found = keyed.found(broker.port, **settings)
        said = keyed.run("doctor", RPMHUB_MQTT_URL=f"mqtt://127.0.0.1:{broker.port}", **settings).stdout
    assert [row for rows in found.values() for row in rows if row["need"] == "must"] == []
    assert status == 0
    assert [found[about][0]["need"] for about in ("channel", "answers", "clinic phone")] == ["fine"] * 3
    assert rows_of(keyed.data / "hub.sqlite3") == before
    assert said.splitlines()[-1].startswith("Nothing must be mended; ")
    for secret in (password_of(keyed), TOKEN, "an-invented-password", "Example Street", "Invented"):
        assert secret not in said + json.dumps(found)


def test_a_number_that_nobody_listens_to_should_be_mended(keyed: Site, tmp_path: Path) -> None:
    with mosquitto(tmp_path / "broker", *keyed.rules()) as broker, fake_twilio() as twilio:
        settings = ready(keyed, broker, twilio)
        twilio.account.numbers[NUMBER] = {}
        _status, found = keyed.found(broker.port, **settings)
    (row,) = found["answers"]
    assert (row["need"], row["what"]) == ("should", f"Texts to {NUMBER} are brought to nobody.")
    assert f"HTTP POST, {NOWHERE}/webhooks/twilio/inbound" in row["mend"]


def test_the_copy_of_the_series_is_asked_if_there_is_one(site: Site, influx_url: str) -> None:
    assert "series copy" not in site.found()[1]
    good = site.worst("series copy", RPMHUB_SERIES_URL=influx_url)
    assert (good["need"], good["what"].rpartition(" answers; ")[2]) == ("fine", "nothing is copied into it yet.")
    wrong = site.worst("series copy", RPMHUB_SERIES_URL=influx_url.replace("test-token", "wrong-secret"))
    assert wrong["need"] == "should"
    assert "status 401" in wrong["what"]
    assert "wrong-secret" not in str(wrong)
    away = site.worst("series copy", RPMHUB_SERIES_URL=f"influxdb+http://t@127.0.0.1:{free_port()}/o/b")
    assert "cannot be asked" in away["what"]
    clear = site.worst("series copy", RPMHUB_SERIES_URL="influxdb+http://t@192.0.2.1:9/o/b")
    assert (clear["need"], clear["what"]) == ("must", "InfluxDB at 192.0.2.1 is spoken to without TLS.")


def test_what_is_worst_stands_first_with_its_mark_in_words(site: Site) -> None:
    done = site.run("doctor")
    marks = [line.split()[0] for line in done.stdout.splitlines() if line and line[0] != " "]
    order = [mark for mark in marks if mark in {"MUST", "should", "fine"}]
    assert order == sorted(order, key=["MUST", "should", "fine"].index)
    assert "          Mend: rpmhub protocol sign ID --by NAME" in done.stdout
    assert "must be mended before patients depend on this hub" in done.stdout.splitlines()[-1]
    assert done.returncode == 1


def test_a_setting_that_cannot_be_read_is_a_finding(site: Site) -> None:
    status, found = site.found(RPMHUB_DATA_DIRR="x")
    assert status == 1
    assert found["settings"][0]["what"].startswith("RPMHUB_DATA_DIRR is no setting; did you mean RPMHUB_DATA_DIR")


def test_a_demos_database_is_looked_at_whole_and_is_for_no_patient(tmp_path: Path) -> None:
    demo = Site(tmp_path)
    demo.says("db", "upgrade", "--mode", "demo")
    status, found = demo.found()
    assert (status, found["mode"][0]["what"]) == (1, "This is a demo database.")
    assert "protocols" in found


def test_a_database_that_is_none_hides_no_other_fault(site: Site) -> None:
    (site.data / "hub.sqlite3").write_bytes(b"no database" * 500)
    _status, found = site.found()
    assert "is damaged" in found["database"][0]["what"]
    assert found["rows"][0]["need"] == "should"
    assert found["channel"][0]["need"] == "must"


def test_a_protocol_file_that_says_nothing_is_named(site: Site, tmp_path: Path) -> None:
    own: dict[str, Any] = {"RPMHUB_SITE_DIR": str(tmp_path / "own")}
    (tmp_path / "own" / "protocols").mkdir(parents=True)
    (tmp_path / "own" / "protocols" / "odd.yaml").write_text("rules: []\n")
    found = site.worst("protocols", **own)
    assert (found["need"], "odd.yaml" in found["what"]) == ("must", True)


def test_a_place_that_cannot_be_written_is_told_with_all_that_follows(site: Site) -> None:
    _status, found = site.found(RPMHUB_DATA_DIR="/proc")  # no right of any user makes a file there
    assert found["data directory"][0]["what"].startswith("/proc cannot be written to: ")
    assert found["database"][0]["what"] == "There is no database at /proc/hub.sqlite3."
