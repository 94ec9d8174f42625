"""What passes the hub's broker, heard by a bystander: so that a kill can be aimed at work in progress."""

import threading
from typing import Any

from paho.mqtt import client as paho
from paho.mqtt.enums import CallbackAPIVersion

from tests.faults.clinic import GATEWAY
from tests.servers import Mosquitto


class Bell:
    """Rings; whoever waits hears the next one."""

    def __init__(self) -> None:
        self._change = threading.Condition()
        self._rung = 0

    def ring(self) -> None:
        with self._change:
            self._rung += 1
            self._change.notify_all()

    def wait_for_next(self, timeout: float) -> bool:
        """Whether it rang in time."""
        with self._change:
            before = self._rung
            return self._change.wait_for(lambda: self._rung > before, timeout)


class Tap:
    """``batches`` rings for a batch on its way to the hub, ``answers`` for the hub's acknowledgement."""

    def __init__(self, broker: Mosquitto) -> None:
        self.batches, self.answers = Bell(), Bell()
        self._client = paho.Client(CallbackAPIVersion.VERSION2, client_id="bystander")
        self._client.reconnect_delay_set(0.2, 0.2)
        self._client.on_connect = self._connected
        self._client.on_message = self._heard
        self._client.connect_async("127.0.0.1", broker.port)
        self._client.loop_start()

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def _connected(self, client: paho.Client, *_: Any) -> None:
        client.subscribe([(f"rpm/v1/{GATEWAY}/up/live", 0), (f"rpm/v1/{GATEWAY}/down/ack", 0)])

    def _heard(self, _client: paho.Client, _data: Any, message: paho.MQTTMessage) -> None:
        (self.answers if message.topic.endswith("/ack") else self.batches).ring()
