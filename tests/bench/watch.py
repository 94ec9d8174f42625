"""Somebody who watches from outside, in a process of its own.

``alerts FILE`` sees rows appear in the database as another program would, ``messages PORT`` is a bare subscriber. Says
``go`` when it watches, and when it is told to end who was seen at which instant of the monotonic clock.
"""

import json
import os
import select
import sys
import threading
from pathlib import Path
from typing import Any

from paho.mqtt import client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from hub.adapters.clock import SystemClock
from hub.adapters.mqtt_session import _no_delay
from hub.adapters.sql.engine import sqlite_driver

CLOCK = SystemClock()
POLL_S = 0.0001
Seen = dict[str, float]


def alerts(file: str) -> Seen:
    """By patient. A row is seen some ``POLL_S`` after its commit, later where no processor is left, and never before.

    It has one only while no other program wants it. Else it took the writer's, some hundred times a second and up
    to ten times in the middle of one alert: no program of a hub asks for a row five thousand times a second.

    It looks at rows only after a commit: at a rate that keeps both processors busy it must not need one for itself. How
    long it looks at them does not count, unless something else is committed meanwhile: of which commit they are is not
    known then.
    """
    connection = sqlite_driver().connect(f"file:{Path(file)}?mode=ro", uri=True, timeout=30, isolation_level=None)
    version = _version(connection)
    after: int = connection.execute("SELECT coalesce(max(id), 0) FROM alert").fetchone()[0]
    seen: Seen = {}
    os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
    print("go", flush=True)
    while not select.select([sys.stdin], [], [], POLL_S)[0]:
        before, version = version, _version(connection)
        instant = CLOCK.monotonic()
        if version == before:
            continue
        rows = connection.execute("SELECT id, patient_id FROM alert WHERE id > ? ORDER BY id", [after]).fetchall()
        if rows and _version(connection) != version:
            instant = CLOCK.monotonic()
        for alert_id, patient_id in rows:
            after = alert_id
            seen.setdefault(str(patient_id), instant)
    connection.close()
    return seen


def _version(connection: Any) -> int:
    """Another one after each commit of another connection."""
    found: int = connection.execute("PRAGMA data_version").fetchone()[0]
    return found


def messages(port: str) -> Seen:
    """By home, its first message."""
    seen: Seen = {}
    ready = threading.Event()

    def note(_client: paho.Client, _data: Any, message: paho.MQTTMessage) -> None:
        seen.setdefault(message.topic.split("/")[2].removeprefix("home-"), CLOCK.monotonic())

    client = paho.Client(CallbackAPIVersion.VERSION2, protocol=MQTTProtocolVersion.MQTTv311)
    client.on_connect = lambda connected, *_: connected.subscribe("rpm/v1/+/up/live", qos=1)
    client.on_subscribe = lambda *_: ready.set()
    client.on_message = note
    client.on_socket_open = _no_delay
    client.connect("127.0.0.1", int(port))
    client.loop_start()
    ready.wait()
    print("go", flush=True)
    sys.stdin.read()
    client.disconnect()
    client.loop_stop()
    return seen


if __name__ == "__main__":
    kind, what = sys.argv[1:]
    print(json.dumps({"alerts": alerts, "messages": messages}[kind](what)))
