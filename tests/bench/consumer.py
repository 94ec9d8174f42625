"""One end of the benchmark, in a process of its own: ``bare BROKER N`` counts messages, ``hub BROKER FOLDER`` ingests,
``quiet BROKER FOLDER`` ingests and keeps its answers.

Says ``go`` when it begins; ``bare`` says ``done`` after the last message, a hub runs until its standard input ends.
"""

import sys
import threading
from pathlib import Path
from typing import Any

from paho.mqtt import client as paho

from hub.adapters.clock import SystemClock
from hub.adapters.ingest_loop import IngestLoop
from hub.adapters.mqtt_inbox import MqttInbox
from hub.settings import Address
from tests.unit.alerting.clinic import Clinic

SESSION = "bench"


class StillClock(SystemClock):
    """The story's instant: what was prepared stays as old as it is."""

    def __init__(self, clinic: Clinic) -> None:
        self.now = clinic.clock.now  # type: ignore[method-assign]


def bare(port: int, expected: int) -> None:
    """The least a subscriber can do: count, and acknowledge at QoS 1."""
    done, counted = threading.Event(), 0

    def count(*_: Any) -> None:
        nonlocal counted
        counted += 1
        if counted == expected:
            done.set()

    client = paho.Client(
        paho.CallbackAPIVersion.VERSION2, SESSION, clean_session=False, protocol=paho.MQTTProtocolVersion.MQTTv311
    )
    client.on_message = count
    print("go", flush=True)
    client.connect("127.0.0.1", port)
    client.loop_start()
    done.wait()
    print("done", flush=True)
    client.disconnect()
    client.loop_stop()


class Quiet(MqttInbox):
    """Answers nobody."""

    def publish(self, topic: str, payload: bytes, qos: int = 1) -> None:
        if qos == 0:  # its own ping
            super().publish(topic, payload, qos)


def hub(port: int, folder: str, inbox_kind: type[MqttInbox]) -> None:
    """The hub's own ingest: journal, readings, rules, alerts, one durable commit a group, then the answers."""
    clinic = Clinic(Path(folder))
    inbox = inbox_kind(Address("127.0.0.1", port, False, None, None), SESSION, StillClock(clinic))
    stop = threading.Event()
    running = threading.Thread(target=IngestLoop(clinic.hub, inbox, "bench").run, args=[stop])
    print("go", flush=True)
    running.start()
    sys.stdin.read()
    stop.set()
    running.join()
    clinic.engine.dispose()


if __name__ == "__main__":
    kind, port, third = sys.argv[1:]
    if kind == "bare":
        bare(int(port), int(third))
    else:
        hub(int(port), third, {"hub": MqttInbox, "quiet": Quiet}[kind])
