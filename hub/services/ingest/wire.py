"""The shapes of the wire (``config/wire/*.schema.json``), as this program reads and writes them."""

from typing import Annotated, Literal

import msgspec

from hub.domain.metrics import METRICS

MAX_BYTES = 131_072
MAX_READINGS = 200

Text64 = Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
Flag = Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z0-9_]{0,47}\Z")]
Count = Annotated[int, msgspec.Meta(ge=0, le=2**53 - 1)]
Total = Annotated[int, msgspec.Meta(ge=0, le=2**31 - 1)]
Percent = Annotated[int, msgspec.Meta(ge=0, le=100)]
Profile = Literal[
    "weight-scale",
    "body-composition",
    "glucose-meter",
    "cgm",
    "pulse-oximeter",
    "blood-pressure",
    "thermometer",
    "heart-rate",
    "manual",
]


class Shown(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the patient saw on the device."""

    value: float
    unit: Annotated[str, msgspec.Meta(max_length=16)]


class Value(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One value, in the metric's UCUM unit."""

    metric: str
    value: float
    unit: str
    comparator: Literal["<", ">"] | None = None
    shown: Shown | None = None


class Packet(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Bytes as they came from the device."""

    kind: Annotated[str, msgspec.Meta(max_length=64)]
    data: Annotated[str, msgspec.Meta(max_length=8192)]


class Reading(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One record of one device. Times are still text here: ``decode`` says which of them is wrong."""

    seq: Count
    device: Text64
    profile: Profile
    measured_at: str
    received_at: str
    values: Annotated[list[Value], msgspec.Meta(max_length=16)]
    flags: Annotated[list[Flag], msgspec.Meta(max_length=32)]
    record: Annotated[str, msgspec.Meta(min_length=1, max_length=128)] | None = None
    device_time: Annotated[str, msgspec.Meta(max_length=40)] | None = None
    boot: Annotated[str, msgspec.Meta(max_length=64)] | None = None
    received_mono_ms: Annotated[int, msgspec.Meta(ge=0)] | None = None
    user_index: Annotated[int, msgspec.Meta(ge=0, le=255)] | None = None
    battery_percent: Percent | None = None
    decoder: Annotated[str, msgspec.Meta(max_length=64)] | None = None
    raw: Annotated[list[Packet], msgspec.Meta(max_length=64)] | None = None


class Envelope(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A batch whose readings are still bytes: one broken reading does not spoil the others."""

    v: Literal[1]
    batch: Text64
    spool: Text64
    sent_at: str
    readings: Annotated[list[msgspec.Raw], msgspec.Meta(min_length=1, max_length=MAX_READINGS)]
    boot: Annotated[str, msgspec.Meta(max_length=64)] | None = None
    sent_mono_ms: Annotated[int, msgspec.Meta(ge=0)] | None = None


class StatusDevice(msgspec.Struct, frozen=True):
    """A device as its gateway saw it last."""

    device: Annotated[str, msgspec.Meta(max_length=64)]
    profile: str | None = None
    last_seen_at: str | None = None
    battery_percent: Percent | None = None
    bond: Literal["paired", "lost"] | None = None
    quarantined: int = 0


class Status(msgspec.Struct, frozen=True):
    """A gateway's status, as far as the hub uses it. Other fields are let through: nothing clinical hangs on them."""

    v: Literal[1]
    online: bool
    spool_depth: Total | None = None
    spool_dropped_total: Total | None = None
    # A clock that stands in 1970 or 2106 is as wrong as clocks get.
    clock_offset_s: Annotated[float, msgspec.Meta(ge=-(2**32), le=2**32)] | None = None
    devices: Annotated[list[StatusDevice], msgspec.Meta(max_length=256)] | msgspec.UnsetType = msgspec.UNSET


class Result(msgspec.Struct, frozen=True, omit_defaults=True):
    """What became of one reading."""

    seq: int
    status: str
    code: str | None = None


class BatchAck(msgspec.Struct, frozen=True):
    """What became of a batch."""

    batch: str
    spool: str
    results: list[Result]


class ErrorAck(msgspec.Struct, frozen=True):
    """A message that could not be read at all."""

    batch: str | None
    payload_sha256: str
    error: str


class Ack(msgspec.Struct, frozen=True):
    """The acknowledgement message; one may carry several."""

    v: int
    hub_time: str
    acks: list[BatchAck | ErrorAck]


UNITS = {metric.name: metric.unit for metric in METRICS.values()}
