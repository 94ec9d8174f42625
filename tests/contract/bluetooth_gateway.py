"""The gateway as a process of its own: Bluetooth by bleak and a daemon on a private bus; the test is the hub's end."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from paho.mqtt import client as paho

from device_gateway.clock import SystemClock
from tests.bluez.site import Site, site
from tests.servers import Mosquitto, mosquitto, stand_still

CLOCK = SystemClock()
WAIT_S = 20.0
_POLL_S = 0.05


class Hub:
    """Keeps each reading that comes, answers that it is stored, and keeps the gateway's last status."""

    def __init__(self, broker: Mosquitto) -> None:
        self.readings: list[dict[str, Any]] = []
        self.status: dict[str, Any] = {}
        self._kept: set[tuple[str, int]] = set()
        self.news = threading.Condition()
        self._client = paho.Client(paho.CallbackAPIVersion.VERSION2, client_id="hub", clean_session=False)
        self._client.on_connect = lambda client, *_: client.subscribe("rpm/v1/+/up/#", qos=1)
        self._client.on_message = lambda _client, _data, message: self._take(message)
        self._client.connect("127.0.0.1", broker.port)
        self._client.loop_start()

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def _keep(self, spool: str, reading: dict[str, Any]) -> None:
        """Once: a gateway that died before it heard the answer sends again."""
        if (spool, reading["seq"]) not in self._kept:
            self._kept.add((spool, reading["seq"]))
            self.readings.append(reading)

    def _take(self, message: paho.MQTTMessage) -> None:
        body = json.loads(message.payload)
        with self.news:
            if message.topic.endswith("/status"):
                self.status = body
            else:
                for reading in body["readings"]:
                    self._keep(body["spool"], reading)
            self.news.notify_all()
        if "readings" in body:
            results = [{"seq": reading["seq"], "status": "stored"} for reading in body["readings"]]
            ack = {"batch": body["batch"], "spool": body["spool"], "results": results}
            answer = {"v": 1, "hub_time": CLOCK.now().isoformat(), "acks": [ack]}
            self._client.publish("rpm/v1/gw-1/down/ack", json.dumps(answer), qos=1)


@dataclass
class Gateway:
    """Its settings, and whatever it is doing."""

    place: Site
    broker: Mosquitto
    hub: Hub
    directory: Path
    settings: dict[str, str] = field(default_factory=dict)
    process: "subprocess.Popen[bytes] | None" = None

    @property
    def environment(self) -> dict[str, str]:
        ours = {
            "DBUS_SYSTEM_BUS_ADDRESS": self.place.address,
            "RPMHUB_GATEWAY_DATA_DIR": str(self.directory / "gateway"),
            "RPMHUB_GATEWAY_MQTT_URL": self.broker.url(),
            "RPMHUB_GATEWAY_ZONE": "UTC",
            "RPMHUB_GATEWAY_BLE_ADAPTER": "hci0",
            "RPMHUB_GATEWAY_BLE_IDLE_S": "0.3",
            "RPMHUB_GATEWAY_BLE_REST_S": "0.2",
            "RPMHUB_GATEWAY_STATUS_INTERVAL_S": "0.5",
        }
        return os.environ | ours | self.settings

    def call(self, *arguments: str, told: str = "") -> "subprocess.CompletedProcess[str]":
        """A command of the gateway's, to its end. `told`: what a person types."""
        command = [sys.executable, "-P", "-m", "device_gateway", *arguments]
        return subprocess.run(
            command, env=self.environment, input=told, capture_output=True, text=True, timeout=60, check=False
        )

    def pair(self, address: str, *arguments: str) -> dict[str, Any]:
        """The row of the device, paired."""
        done = self.call("pair", address, "--json", *arguments)
        assert done.returncode == 0, done.stderr
        row: dict[str, Any] = json.loads(done.stdout)
        return row

    def start(self) -> None:
        with (self.directory / "gateway.log").open("ab") as log:
            command = [sys.executable, "-P", "-m", "device_gateway", "run"]
            self.process = subprocess.Popen(command, env=self.environment, stdout=log, stderr=log)

    def kill(self) -> None:
        self._end(signal.SIGKILL)

    def freeze(self) -> None:
        """It does nothing more, not even die, until it is killed."""
        assert self.process is not None
        stand_still(self.process.pid)

    def stop(self) -> int:
        return self._end(signal.SIGTERM)

    def until(self, condition: Callable[[], bool]) -> None:
        """Looks whenever something came, and now and then."""
        until = CLOCK.mono_ms() + 1000 * WAIT_S
        with self.hub.news:
            while not condition():
                assert CLOCK.mono_ms() < until, (self.directory / "gateway.log").read_text()[-3000:]
                self.hub.news.wait(_POLL_S)

    def readings(self, address: str) -> list[dict[str, Any]]:
        return [reading for reading in self.hub.readings if reading["device"] == address]

    def raw(self, address: str) -> list[bytes]:
        """The first packet of each reading."""
        return [bytes.fromhex(reading["raw"][0]["data"]) for reading in self.readings(address)]

    def _end(self, number: signal.Signals) -> int:
        process, self.process = self.process, None
        if process is None:
            return 0
        process.send_signal(number)
        return process.wait(10)


@contextlib.contextmanager
def gateway(directory: Path) -> Iterator[Gateway]:
    """A gateway that has not been started, in a place without devices."""
    with site() as place, mosquitto(directory / "broker") as broker:
        hub = Hub(broker)
        made = Gateway(place, broker, hub, directory)
        try:
            yield made
        finally:
            made.kill()
            hub.close()
