"""The gateway's side of the wire: batches and status out, acknowledgements in. `config/wire` is the contract."""

from collections.abc import Iterable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Final, Literal

import msgspec

from device_gateway.errors import UndecodableError
from device_gateway.frames import Measurement, Packet, Value
from device_gateway.metrics import METRICS

MAX_READINGS: Final = 200
MAX_BATCH_BYTES: Final = 131_072
MAX_PACKET_BYTES: Final = 4096
MAX_PACKETS: Final = 64
MAX_DEVICES: Final = 256
_HEAD_BYTES: Final = 512  # a batch without its readings, at its longest
_SEQ_BYTES: Final = 32  # what a sequence number and a comma add to a reading


class _Shown(msgspec.Struct, frozen=True):
    value: Decimal
    unit: str


class _Value(msgspec.Struct, frozen=True, omit_defaults=True):
    metric: str
    value: Decimal
    unit: str
    comparator: str | None = None
    shown: _Shown | None = None


class _Packet(msgspec.Struct, frozen=True):
    kind: str
    data: str


class _Reading(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    device: str
    profile: str
    record: str | None = None
    measured_at: str
    device_time: str | None = None
    received_at: str
    boot: str
    received_mono_ms: int
    values: tuple[_Value, ...]
    flags: tuple[str, ...]
    user_index: int | None = None
    battery_percent: int | None = None
    decoder: str
    raw: tuple[_Packet, ...]


class BatchHead(msgspec.Struct, frozen=True, kw_only=True):
    """What a batch says of itself. `sent_*` are of this attempt: a batch sent again keeps only its id."""

    batch: str
    spool: str
    boot: str
    sent_at: datetime
    sent_mono_ms: int


class _Batch(msgspec.Struct, frozen=True):
    v: Literal[1]
    batch: str
    spool: str
    boot: str
    sent_at: str
    sent_mono_ms: int
    readings: list[msgspec.Raw]


class Device(msgspec.Struct, frozen=True, omit_defaults=True):
    """A device the gateway has heard, or is paired with. `quarantined`: records of it that became no reading."""

    device: str
    profile: str
    last_seen_at: str | None
    battery_percent: int | None
    bond: Literal["paired", "lost"] | None = None
    quarantined: int = 0


class Status(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """The gateway's own state. As last will it says only who was lost."""

    v: Literal[1]
    online: bool
    at: str | None = None
    version: str | None = None
    spool: str | None = None
    boot: str | None = None
    spool_depth: int | msgspec.UnsetType = msgspec.UNSET
    spool_oldest_age_s: float | msgspec.UnsetType | None = msgspec.UNSET
    spool_dropped_total: int | msgspec.UnsetType = msgspec.UNSET
    quarantined_total: int | msgspec.UnsetType = msgspec.UNSET
    clock_offset_s: float | msgspec.UnsetType | None = msgspec.UNSET
    devices: tuple[Device, ...] | msgspec.UnsetType = msgspec.UNSET


class Result(msgspec.Struct, frozen=True):
    """The hub's word on one reading."""

    seq: int
    status: Literal["stored", "duplicate", "held", "rejected"]
    code: str | None = None


class BatchAck(msgspec.Struct, frozen=True):
    """The hub's word on one batch: `results` reading by reading, or `error` for the whole."""

    batch: str | None
    spool: str | None = None
    results: tuple[Result, ...] = ()
    payload_sha256: str | None = None
    error: Literal["undecodable", "too_large", "schema"] | None = None


class Ack(msgspec.Struct, frozen=True):
    """One message on `down/ack`."""

    v: Literal[1]
    hub_time: Annotated[datetime, msgspec.Meta(tz=True)]
    acks: tuple[BatchAck, ...]


_ENCODER: Final = msgspec.json.Encoder(decimal_format="number")
_ACKS: Final = msgspec.json.Decoder(Ack)


def instant(moment: datetime) -> str:
    """RFC 3339 with an offset, to the millisecond where there is a fraction."""
    if (offset := moment.utcoffset()) is None or offset.total_seconds() % 60:
        moment = moment.astimezone(UTC)
    text = moment.isoformat(timespec="milliseconds" if moment.microsecond else "seconds")
    return text.replace("+00:00", "Z")


def encode_reading(measurement: Measurement) -> bytes:
    """The reading as a JSON object, all but its `seq`, which only the spool can give."""
    return _ENCODER.encode(
        _Reading(
            device=measurement.device,
            profile=measurement.profile,
            record=measurement.record,
            measured_at=instant(measurement.measured_at),
            device_time=measurement.device_time,
            received_at=instant(measurement.received_at),
            boot=measurement.boot,
            received_mono_ms=measurement.received_mono_ms,
            values=tuple(_value(each) for each in measurement.values),
            flags=measurement.flags,
            user_index=measurement.user_index,
            battery_percent=measurement.battery_percent,
            decoder=measurement.decoder,
            raw=tuple(_packet(each) for each in measurement.raw),
        )
    )


def _value(value: Value) -> _Value:
    shown = None if value.shown is None else _Shown(value.shown.value, value.shown.unit)
    return _Value(value.metric, value.value, METRICS[value.metric].unit, value.comparator, shown)


def _packet(packet: Packet) -> _Packet:
    return _Packet(packet.kind, packet.data.hex())


def fits(measurement: Measurement, body: bytes) -> bool:
    """Whether a batch of this reading alone keeps the contract's limits."""
    return (
        len(body) + _SEQ_BYTES <= MAX_BATCH_BYTES - _HEAD_BYTES
        and len(measurement.raw) <= MAX_PACKETS
        and all(len(packet.data) <= MAX_PACKET_BYTES for packet in measurement.raw)
    )


def batch_room(bodies: Iterable[bytes], limit: int = MAX_READINGS) -> int:
    """How many of these readings, in order, fit one batch."""
    room, count = MAX_BATCH_BYTES - _HEAD_BYTES, 0
    for body in bodies:
        room -= len(body) + _SEQ_BYTES
        if room < 0 or count == limit:
            break
        count += 1
    return count


def encode_batch(head: BatchHead, rows: Iterable[tuple[int, bytes]]) -> bytes:
    """One reading batch of rows `(seq, body)`, bodies from `encode_reading`."""
    readings = [msgspec.Raw(b'{"seq":%d,' % seq + body[1:]) for seq, body in rows]
    return _ENCODER.encode(
        _Batch(1, head.batch, head.spool, head.boot, instant(head.sent_at), head.sent_mono_ms, readings)
    )


def encode_status(status: Status) -> bytes:
    """The status message."""
    return _ENCODER.encode(status)


def decode_ack(payload: bytes) -> Ack:
    """What the hub says. Raises UndecodableError: such a message moves nothing."""
    try:
        return _ACKS.decode(payload)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
        raise UndecodableError("ack", f"the acknowledgement is not readable: {error}") from error
