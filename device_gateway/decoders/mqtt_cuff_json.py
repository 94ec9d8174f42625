"""Blood-pressure cuff that publishes one JSON record per measurement on `.../<serial>/blood-pressure`.

    {"serial": "CF-1042", "seq": 17, "ts": "2026-11-22T07:59:58", "user": 1, "unit": "mmHg", "sys": 128, "dia": 81,
     "map": 97, "pulse": 66, "battery": 80, "irregularPulse": false, "cuffLoose": false, "motion": false}

A failed measurement has an `error` (`E1`..`E5`) and its numbers mean nothing. `memory` marks a record that waited in
the device. `ts` is the device's local time.
"""

from collections.abc import Iterator
from datetime import tzinfo
from decimal import Decimal
from typing import Final

import msgspec

from device_gateway import json_record
from device_gateway.frames import Decoder, Measurement, RawFrame, Rejected, Shown, Value
from device_gateway.json_record import SERIAL_MISMATCH, ClockText, Number, Sequence, Serial, names_another
from device_gateway.metrics import quantise
from device_gateway.readings import decoding, reading, record_key

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


class CuffRecord(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The record as the cuff wrote it; nothing is judged yet."""

    serial: Serial
    seq: Sequence | None = None
    ts: ClockText | None = None
    user: int | None = None
    unit: str | None = None
    sys: Number | None = None
    dia: Number | None = None
    map: Number | None = None
    pulse: Number | None = None
    battery: int | None = None
    irregular_pulse: bool = False
    cuff_loose: bool = False
    motion: bool = False
    memory: bool = False
    error: str | None = None


_RECORDS: Final = msgspec.json.Decoder(CuffRecord)


def parse(payload: bytes) -> CuffRecord:
    """The record in these bytes. Raises UndecodableError."""
    return json_record.parse(_RECORDS, payload)


def measure(record: CuffRecord, frame: RawFrame, zone: tzinfo) -> Measurement | Rejected:
    """What this record measured, or why it is no measurement."""
    if refusal := _refusal(record, frame):
        return Rejected(*refusal, frame)
    values, value_flags = ((), ()) if record.error is not None else _values(record)
    return reading(
        frame,
        zone,
        profile="blood-pressure",
        decoder=NAME,
        values=values,
        flags=(*_device_flags(record), *value_flags),
        clock=record.ts,
        record=record_key(record.seq, record.ts, frame.packets[0].data),
        device=record.serial,
        user_index=record.user,
        battery_percent=record.battery,
        from_memory=record.memory,
    )


def _refusal(record: CuffRecord, frame: RawFrame) -> tuple[str, str] | None:
    if names_another(record.serial, frame):
        return SERIAL_MISMATCH
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
    return tuple(values), tuple(flags) if values or flags else ("no_value",)


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


decode: Final = decoding(parse, measure)
DECODER: Final = Decoder(KIND, NAME, accepts=lambda frame: frame.route.endswith(_TOPIC_END), decode=decode)
