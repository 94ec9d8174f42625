"""One end of the benchmark, in a process of its own: ``bare BROKER N`` counts messages, ``hub BROKER FOLDER`` ingests,
``quiet BROKER FOLDER`` ingests and keeps its answers.

Says ``go`` when it begins. ``bare`` says after the last message when the first and the last came, by the monotonic
clock; a hub leaves when the first came in its folder, and runs until its standard input ends.
"""

import sys
import threading
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from paho.mqtt import client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from hub.adapters.clock import SystemClock
from hub.adapters.ingest_loop import IngestLoop
from hub.adapters.receiver_process import ReceiverProcess
from hub.adapters.sql.checkpoints import checkpointing
from hub.adapters.sql.engine import make_engine
from hub.settings import Address
from tests.unit.alerting.clinic import Clinic, MovedClock

SESSION = "bench"
CLOCK = SystemClock()
FIRST = "first"
"""The file in a hub's folder that says when its first message came."""


def bare(port: int, expected: int) -> None:
    """The least a subscriber can do: count, and acknowledge at QoS 1."""
    done, counted, first = threading.Event(), 0, 0.0

    def count(*_: Any) -> None:
        nonlocal counted, first
        counted += 1
        if counted == 1:
            first = CLOCK.monotonic()
        if counted == expected:
            done.set()

    client = paho.Client(
        CallbackAPIVersion.VERSION2, SESSION, clean_session=False, protocol=MQTTProtocolVersion.MQTTv311
    )
    client.on_message = count
    print("go", flush=True)
    client.connect("127.0.0.1", port)
    client.loop_start()
    done.wait()
    print(first, CLOCK.monotonic(), flush=True)
    client.disconnect()
    client.loop_stop()


class Noon(MovedClock):
    """The day stands still, seconds do not."""

    def monotonic(self) -> float:
        return CLOCK.monotonic()


class Quiet(ReceiverProcess):
    """Answers nobody."""

    def answer(self, messages: Sequence[tuple[str, bytes]]) -> None:
        pass


def hub(port: int, folder: str, inbox_kind: type[ReceiverProcess]) -> None:
    """The hub's own ingest: journal, readings, rules, alerts, one durable commit a group, then the answers."""
    clinic = Clinic(Path(folder))
    clinic.engine.dispose()
    url = str(clinic.engine.url)
    clinic.engine = make_engine(url)
    command = ("-m", "tests.bench.still_receiver", clinic.clock.now().isoformat(), str(Path(folder) / FIRST))
    inbox = inbox_kind(Address("127.0.0.1", port, False, None, None), SESSION, SystemClock(), command=command)
    stop = threading.Event()
    ours = replace(clinic.hub, clock=Noon(clinic.clock.now()))
    running = threading.Thread(target=IngestLoop(ours, inbox, "bench").run, args=[stop])
    print("go", flush=True)
    running.start()
    with checkpointing(url):
        sys.stdin.read()
        stop.set()
        running.join()
    clinic.engine.dispose()


if __name__ == "__main__":
    kind, port, third = sys.argv[1:]
    if kind == "bare":
        bare(int(port), int(third))
    else:
        hub(int(port), third, {"hub": ReceiverProcess, "quiet": Quiet}[kind])
