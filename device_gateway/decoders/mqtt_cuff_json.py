"""Blood-pressure cuff that publishes one JSON record per measurement on `.../<serial>/blood-pressure`.

    {"serial": "CF-1042", "seq": 17, "ts": "2026-11-22T07:59:58", "user": 1, "unit": "mmHg", "sys": 128, "dia": 81,
     "map": 97, "pulse": 66, "battery": 80, "irregularPulse": false, "cuffLoose": false, "motion": false}

A failed measurement has an `error` (`E1`..`E5`) and its numbers mean nothing. `memory` marks a record that waited in
the device. `ts` is the device's local time.
"""

import hashlib
import json
from collections.abc import Iterator
from datetime import tzinfo
from decimal import Decimal
from typing import Annotated, Final

import msgspec

from device_gateway.device_time import place
from device_gateway.errors import UndecodableError
from device_gateway.frames import FROM_MEMORY, Decoder, Measurement, RawFrame, Rejected, Shown, Value
from device_gateway.metrics import quantise

KIND: Final = "mqtt_cuff_json"
NAME: Final = "mqtt-cuff-json/1"
_TOPIC_END: Final = "/blood-pressure"

# One conventional millimetre of mercury is 133.322387415 Pa (NIST SP 811, B.8).
_KPA_PER_MMHG: Final = Decimal("0.133322387415")
_PRESSURES: Final = {
    "sys": "systolic_blood_pressure",
    "dia": "diastolic_blood_pressure",
    "map": "mean_arterial_pressure",
}
_ERRORS: Final = {
    "E1": "no_pulse_found",
    "E2": "cuff_loose",
    "E3": "pressure_not_reached",
    "E4": "motion",
    "E5": "overpressure",
}

# Wide on purpose: the cap only keeps arithmetic exact, what is plausible is not the decoder's to say.
_Whole = Annotated[int, msgspec.Meta(ge=-100_000, le=100_000)]
_Fraction = Annotated[float, msgspec.Meta(ge=-100_000, le=100_000)]
_Number = _Whole | _Fraction | None


class CuffRecord(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The record as the cuff wrote it; nothing is judged yet."""

    serial: Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
    seq: Annotated[int, msgspec.Meta(ge=0, lt=2**53)] | None = None
    ts: Annotated[str, msgspec.Meta(max_length=40)] | None = None
    user: int | None = None
    unit: str | None = None
    sys: _Number = None
    dia: _Number = None
    map: _Number = None
    pulse: _Number = None
    battery: int | None = None
    irregular_pulse: bool = False
    cuff_loose: bool = False
    motion: bool = False
    memory: bool = False
    error: str | None = None


_RECORDS: Final = msgspec.json.Decoder(CuffRecord)


def parse(payload: bytes) -> CuffRecord:
    """The record in these bytes. Raises UndecodableError."""
    try:
        record = _RECORDS.decode(payload)
        json.loads(payload, object_pairs_hook=_once)
    except (msgspec.MsgspecError, RecursionError, ValueError) as error:
        raise UndecodableError("undecodable", str(error)) from error
    return record


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """A name that stands twice leaves open which number is meant."""
    if len(members := dict(pairs)) != len(pairs):
        raise UndecodableError("duplicate_key", "a name stands twice in the record")
    return members


def measure(record: CuffRecord, frame: RawFrame, zone: tzinfo) -> Measurement | Rejected:
    """What this record measured, or why it is no measurement."""
    if refusal := _refusal(record, frame):
        return Rejected(*refusal, frame)
    measured_at, time_flags = place(record.ts, zone, frame.received_at)
    values, value_flags = ((), ()) if record.error is not None else _values(record)
    return Measurement(
        device=record.serial,
        profile="blood-pressure",
        measured_at=measured_at,
        received_at=frame.received_at,
        values=values,
        flags=tuple(dict.fromkeys((*_device_flags(record), *value_flags, *time_flags))),
        decoder=NAME,
        raw=frame.packets,
        boot=frame.boot,
        received_mono_ms=frame.received_mono_ms,
        record=_record_key(record, frame),
        device_time=record.ts,
        user_index=record.user if record.user is not None and 0 <= record.user <= 255 else None,
        battery_percent=record.battery if record.battery is not None and 0 <= record.battery <= 100 else None,
    )


def _refusal(record: CuffRecord, frame: RawFrame) -> tuple[str, str] | None:
    levels = frame.route.split("/")
    if len(levels) > 1 and levels[-2] != record.serial:
        return "serial_mismatch", "the topic names another device than the record"
    has_pressure = any(getattr(record, field) is not None for field in _PRESSURES)
    if record.error is None and has_pressure and record.unit not in ("mmHg", "kPa"):
        return "unit_unknown" if record.unit else "unit_missing", "pressures need the unit mmHg or kPa"
    return None


def _values(record: CuffRecord) -> tuple[tuple[Value, ...], tuple[str, ...]]:
    """The numbers that stand for something, and a flag for each field whose number stands for nothing."""
    values: list[Value] = []
    flags: list[str] = []
    for metric, number, unit in _numbers(record):
        value = quantise(metric, number / _KPA_PER_MMHG if unit == "kPa" else number)
        if value <= 0:  # the cuff's way of saying "not measured"
            flags.append(f"{metric}_invalid")
        else:
            values.append(Value(metric, value, shown=Shown(number, unit) if unit == "kPa" else None))
    return tuple(values), tuple(flags)


def _numbers(record: CuffRecord) -> Iterator[tuple[str, Decimal, str | None]]:
    for field, metric in _PRESSURES.items():
        if (number := getattr(record, field)) is not None:
            yield metric, Decimal(str(number)), record.unit
    if record.pulse is not None:
        yield "pulse_rate", Decimal(str(record.pulse)), None


def _device_flags(record: CuffRecord) -> Iterator[str]:
    if record.error is not None:
        yield "device_error"
        yield _ERRORS.get(record.error, "device_error")
    if record.irregular_pulse:
        yield "irregular_pulse"
    if record.cuff_loose:
        yield "cuff_loose"
    if record.motion:
        yield "motion"
    if record.memory:
        yield FROM_MEMORY


def _record_key(record: CuffRecord, frame: RawFrame) -> str | None:
    """Names the device's own record. A sequence alone would collide after the device's memory was cleared."""
    if record.seq is not None:
        return f"{record.seq}/{record.ts}" if record.ts else str(record.seq)
    if record.ts is None:
        return None
    return f"{record.ts}/{hashlib.sha256(frame.packets[0].data).hexdigest()[:16]}"


def decode(frame: RawFrame, zone: tzinfo) -> Measurement | Rejected:
    """What the cuff's message measured."""
    try:
        record = parse(frame.packets[0].data)
    except UndecodableError as error:
        return Rejected(error.code, error.reason, frame)
    return measure(record, frame, zone)


DECODER: Final = Decoder(kind=KIND, name=NAME, accepts=lambda frame: frame.route.endswith(_TOPIC_END), decode=decode)
