"""The shipped broker configuration starts in Debian's mosquitto, and its rules pin a topic to the credential."""

import shutil
import socket
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import paho.mqtt.client as mqtt
import pytest

from tests.architecture.tree import ROOT

DEPLOY = ROOT / "config" / "deploy"
PATH = "/usr/sbin:/usr/bin:/sbin:/bin"
PASSWORDS = {"rpmhub": "h", "home-1": "a", "home-2": "b"}
WAIT = 10.0


class Client:
    """One connection; `got` holds the topics that arrived."""

    def __init__(self, port: int, user: str, password: str, client_id: str) -> None:
        self.got: list[str] = []
        self.arrived, self.answered, self.ended = threading.Event(), threading.Event(), threading.Event()
        self.mqtt = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, client_id=client_id, reconnect_on_failure=False)
        self.mqtt.username_pw_set(user, password)
        self.mqtt.on_connect = lambda *_: self.answered.set()
        self.mqtt.on_subscribe = lambda *_: self.answered.set()
        self.mqtt.on_disconnect = lambda *_: self.ended.set()
        self.mqtt.on_message = self.take
        self.mqtt.connect("127.0.0.1", port)
        self.mqtt.loop_start()
        assert self.answered.wait(WAIT)

    def take(self, _client: mqtt.Client, _userdata: object, message: mqtt.MQTTMessage) -> None:
        self.got.append(message.topic)
        if message.topic.endswith("/last"):
            self.arrived.set()

    def listen(self, topic: str) -> None:
        self.answered.clear()
        self.mqtt.subscribe(topic, qos=1)
        assert self.answered.wait(WAIT)

    def say(self, *topics: str) -> None:
        for topic in topics:
            self.mqtt.publish(topic, b"{}", qos=1).wait_for_publish(WAIT)

    def close(self) -> None:
        self.mqtt.disconnect()
        self.mqtt.loop_stop()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def configuration(folder: Path, hub: int, gateways: int) -> str:
    """The shipped text, with its places and ports moved below `folder` and its certificates taken out."""
    text = (DEPLOY / "mosquitto.conf").read_text()
    moved = {
        "/var/lib/rpmhub/broker/passwords": str(folder / "passwords"),
        "/var/lib/rpmhub/broker/acl": str(folder / "acl"),
        "/var/lib/mosquitto/": f"{folder}/",
        "listener 1883 127.0.0.1": f"user root\nlistener {hub} 127.0.0.1",
        "listener 8883": f"listener {gateways} 127.0.0.1",
    }
    for shipped, here in moved.items():
        assert shipped in text
        text = text.replace(shipped, here)
    return "".join(
        line for line in text.splitlines(keepends=True) if not line.startswith(("certfile", "keyfile", "tls"))
    )


def program(name: str) -> str:
    found = shutil.which(name, path=PATH)
    assert found, f"{name} is not installed: tests/run installs it"
    return found


@pytest.fixture(scope="module")
def ports(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[int, int]]:
    folder = tmp_path_factory.mktemp("broker")
    (folder / "passwords").touch(mode=0o600)
    for user, password in PASSWORDS.items():
        subprocess.run([program("mosquitto_passwd"), "-b", str(folder / "passwords"), user, password], check=True)
    shutil.copy(DEPLOY / "mosquitto.acl", folder / "acl")
    (folder / "acl").chmod(0o600)
    hub, gateways = free_port(), free_port()
    (folder / "mosquitto.conf").write_text(configuration(folder, hub, gateways))
    with (folder / "log").open("w") as log:
        broker = subprocess.Popen([program("mosquitto"), "-c", str(folder / "mosquitto.conf")], stderr=log)
        try:
            wait_until_open(hub, broker)
            yield hub, gateways
        finally:
            broker.terminate()
            broker.wait(WAIT)


def wait_until_open(port: int, broker: subprocess.Popen[bytes]) -> None:
    for _ in range(int(WAIT * 20)):
        assert broker.poll() is None, "mosquitto did not start"
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        threading.Event().wait(0.05)
    pytest.fail("mosquitto does not answer")


@pytest.fixture
def hub(ports: tuple[int, int]) -> Iterator[Client]:
    client = Client(ports[0], "rpmhub", PASSWORDS["rpmhub"], "hub-ingest")
    yield client
    client.close()


@pytest.fixture
def home(ports: tuple[int, int]) -> Iterator[Client]:
    client = Client(ports[1], "home-1", PASSWORDS["home-1"], "anything")
    yield client
    client.close()


def test_the_hub_hears_a_gateway_on_its_own_topics_only(hub: Client, home: Client) -> None:
    hub.listen("rpm/v1/+/up/#")
    home.say("rpm/v1/home-2/up/live", "rpm/v1/home-1/down/ack", "rpm/v1/home-1/up/live", "rpm/v1/home-1/up/last")
    assert hub.arrived.wait(WAIT)
    assert hub.got == ["rpm/v1/home-1/up/live", "rpm/v1/home-1/up/last"]


def test_a_gateway_hears_only_what_is_for_it(hub: Client, home: Client) -> None:
    home.listen("#")
    hub.say("rpm/v1/home-2/down/ack", "rpm/v1/home-1/up/live", "rpm/v1/home-1/down/ack", "rpm/v1/home-1/down/last")
    assert home.arrived.wait(WAIT)
    assert home.got == ["rpm/v1/home-1/down/ack", "rpm/v1/home-1/down/last"]


def test_a_gateway_cannot_end_the_session_of_another_client(ports: tuple[int, int], hub: Client) -> None:
    hub.listen("rpm/v1/+/up/#")
    thief = Client(ports[1], "home-2", PASSWORDS["home-2"], "hub-ingest")
    thief.say("rpm/v1/home-2/up/last")
    assert hub.arrived.wait(WAIT)
    assert not hub.ended.is_set()
    thief.close()


def test_the_hub_may_keep_two_sessions_at_once(ports: tuple[int, int], hub: Client, home: Client) -> None:
    """One for fresh readings and one for stored ones: they must not be taken for one client."""
    stored = Client(ports[0], "rpmhub", PASSWORDS["rpmhub"], "hub-ingest-backfill")
    for session in (hub, stored):
        session.listen("rpm/v1/+/up/last")
    home.say("rpm/v1/home-1/up/last")
    for session in (hub, stored):
        assert session.arrived.wait(WAIT)
        assert not session.ended.is_set()
    stored.close()
