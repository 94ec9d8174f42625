"""Blood-pressure cuffs that keep their own log: what was measured is known outside the system under test."""

import json
from collections import deque
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from random import Random  # noqa: TID251 - seeded by the test
from typing import Any, Final

from paho.mqtt import client as paho
from paho.mqtt.enums import CallbackAPIVersion

from tests.servers import Mosquitto

Record = tuple[str, str]
"""Device and its own name for the measurement."""


@dataclass(frozen=True, slots=True)
class Condition:
    """How a patient is. ``rules`` of the hypertension protocol speak for every such reading."""

    systolic: int
    diastolic: int
    pulse: int
    problem: str | None = None
    rules: frozenset[str] = frozenset()


WELL: Final = Condition(118, 74, 68)
ILL: Final = (
    Condition(190, 125, 72, "blood-pressure-high", frozenset({"systolic-high", "diastolic-high"})),
    Condition(121, 76, 140, "pulse-high", frozenset({"pulse-high"})),
    Condition(84, 58, 72, "blood-pressure-low", frozenset({"systolic-low"})),
)


class Cuffs:
    """Publishes on the devices' broker at QoS 1. A line of the log for each measurement, another when it was taken."""

    def __init__(self, broker: Mosquitto, log: Path) -> None:
        self._log = log.open("a")
        self._numbers: dict[str, int] = {}
        self._memory: deque[tuple[Record, bytes]] = deque(maxlen=20)
        self._sent: list[tuple[paho.MQTTMessageInfo, Record]] = []
        self._client = paho.Client(CallbackAPIVersion.VERSION2, client_id="cuffs", clean_session=False)
        self._client.max_inflight_messages_set(1000)
        self._client.connect("127.0.0.1", broker.port)
        self._client.loop_start()

    def measure(self, device: str, condition: Condition, episode: int | None, at: datetime) -> str:
        """One measurement; the record's name, as the hub will have it."""
        number = self._numbers[device] = self._numbers.get(device, 0) + 1
        taken = {
            "serial": device,
            "seq": number,
            "ts": f"{at:%Y-%m-%dT%H:%M:%S}",
            "unit": "mmHg",
            "sys": condition.systolic,
            "dia": condition.diastolic,
            "pulse": condition.pulse,
        }
        record = (device, f"{number}/{taken['ts']}")
        told = {"problem": condition.problem, "rules": sorted(condition.rules), "episode": episode}
        self._write({"measured": record, "at": at.isoformat(), **told})
        self._memory.append((record, json.dumps(taken).encode()))
        self._publish(*self._memory[-1])
        return record[1]

    def repeat(self, chance: Random) -> None:
        """A cuff sends a record out of its memory that it had sent before."""
        self._publish(*chance.choice(self._memory))

    def wait_until_taken(self, timeout: float) -> None:
        """Until the devices' broker has answered for every record."""
        for info, _ in self._sent:
            info.wait_for_publish(timeout)
        self._note_taken()

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()
        self._log.close()

    def _publish(self, record: Record, payload: bytes) -> None:
        self._note_taken()
        info = self._client.publish(f"devices/{record[0]}/blood-pressure", payload, qos=1)
        self._sent.append((info, record))

    def _note_taken(self) -> None:
        still_out = []
        for info, record in self._sent:
            if info.is_published():
                self._write({"accepted": record})
            else:
                still_out.append((info, record))
        self._sent = still_out

    def _write(self, line: dict[str, Any]) -> None:
        self._log.write(json.dumps(line) + "\n")
        self._log.flush()
