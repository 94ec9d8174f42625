"""A clock to move by hand, ids that count, and the frames and measurements that the gateway's tests are made of."""

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

from device_gateway.frames import Measurement, Packet, RawFrame, Value

NOW = datetime(2026, 11, 22, 7, 0, 1, 2000, tzinfo=UTC)
METER = "C0:00:00:00:00:01"
PARIS_WINTER = timezone(timedelta(hours=1))
CUFF = {
    "serial": "CF-1042",
    "seq": 17,
    "ts": "2026-11-22T07:59:58",
    "user": 1,
    "unit": "mmHg",
    "sys": 128,
    "dia": 81,
    "map": 97,
    "pulse": 66,
    "battery": 80,
}


def seqs(*places: int) -> list[int]:
    """Of the first, second … reading that a spool took at ``NOW``."""
    return [int(NOW.timestamp() * 1000) + place - 1 for place in places]


@dataclass
class HandClock:
    """Time that passes when told to."""

    wall: datetime = NOW
    mono: int = 508_225
    boot: str = "boot-1"

    def now(self) -> datetime:
        return self.wall

    def mono_ms(self) -> int:
        return self.mono

    def forward(self, **span: float) -> None:
        self.wall += timedelta(**span)
        self.mono += timedelta(**span) // timedelta(milliseconds=1)


@dataclass
class CountingIds:
    """id-1, id-2, …; chance is always the middle."""

    last: int = field(default=0)

    def new(self) -> str:
        self.last += 1
        return f"id-{self.last}"

    def between(self, low: float, high: float) -> float:
        return (low + high) / 2


def frame(payload: bytes | None = None, *, route: str = "devices/CF-1042/blood-pressure", **changes: Any) -> RawFrame:
    data = json.dumps(CUFF).encode() if payload is None else payload
    base: dict[str, Any] = {"received_at": NOW, "received_mono_ms": 508_225, "boot": "boot-1"}
    return RawFrame(route=route, packets=(Packet("mqtt", data),), **(base | changes))


def measurement(number: int = 1, **changes: Any) -> Measurement:
    base: dict[str, Any] = {
        "device": "CF-1042",
        "profile": "blood-pressure",
        "measured_at": NOW,
        "received_at": NOW,
        "values": (Value("systolic_blood_pressure", Decimal("128.0")),),
        "flags": (),
        "decoder": "mqtt-cuff-json/1",
        "raw": (Packet("mqtt", b"{}"),),
        "boot": "boot-1",
        "received_mono_ms": 508_225,
        "record": str(number),
    }
    return Measurement(**(base | changes))


def record(*packets: tuple[str, str], **changes: Any) -> RawFrame:
    """One Bluetooth record: `record(("2A18", "0207..."), ("2A34", "02..."))`."""
    base: dict[str, Any] = {"device": METER, "received_at": NOW, "received_mono_ms": 508_225, "boot": "boot-1"}
    kinds = tuple(Packet(kind, bytes.fromhex(data)) for kind, data in packets)
    return RawFrame(route=f"ble/{METER}", packets=kinds, **(base | changes))
