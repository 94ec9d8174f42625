"""Continuous glucose sensor that publishes one JSON record per measurement on `.../<serial>/glucose`.

    {"serial": "GS-2207", "seq": 311, "ts": "2026-11-22T07:55:00", "unit": "mmol/L", "glucose": 5.4, "trend": "falling",
     "battery": 64, "memory": false}

`unit` is mg/dL or mmol/L; `glucose` is a number, or `LO` or `HI` beyond the sensor's range. The record does not give
that range: under 40 and over 400 mg/dL, the narrowest that is usual, stands in with the flag `bound_assumed`. A failed
measurement has an `error` (`E1`..`E4`) and its number means nothing. `memory` marks a record that waited in the device.
`ts` is the device's local time.
"""

from collections.abc import Iterator
from datetime import tzinfo
from decimal import Decimal
from typing import Final, Literal

import msgspec

from device_gateway import json_record
from device_gateway.frames import Decoder, Measurement, RawFrame, Rejected, Shown, Value
from device_gateway.json_record import SERIAL_MISMATCH, ClockText, Number, Sequence, Serial, names_another
from device_gateway.metrics import MGDL_PER_MMOLL, quantise
from device_gateway.readings import decoding, reading, record_key

KIND: Final = "mqtt_glucose_json"
NAME: Final = "mqtt-glucose-json/1"
_TOPIC_END: Final = "/glucose"
_UNITS: Final = ("mg/dL", "mmol/L")
_BOUNDS: Final = {"LO": ("<", Decimal(40)), "HI": (">", Decimal(400))}  # mg/dL
_TRENDS: Final = frozenset({"falling_fast", "falling", "steady", "rising", "rising_fast"})
_ERRORS: Final = {"E1": "sensor_fault", "E2": "no_signal", "E3": "warming_up", "E4": "sensor_expired"}


class GlucoseRecord(msgspec.Struct, frozen=True, kw_only=True):
    """The record as the sensor wrote it; nothing is judged yet."""

    serial: Serial
    seq: Sequence | None = None
    ts: ClockText | None = None
    unit: str | None = None
    glucose: Number | Literal["LO", "HI"] | None = None
    trend: str | None = None
    battery: int | None = None
    memory: bool = False
    error: str | None = None


_RECORDS: Final = msgspec.json.Decoder(GlucoseRecord)


def parse(payload: bytes) -> GlucoseRecord:
    """The record in these bytes. Raises UndecodableError."""
    return json_record.parse(_RECORDS, payload)


def measure(record: GlucoseRecord, frame: RawFrame, zone: tzinfo) -> Measurement | Rejected:
    """The glucose between the patient's cells, in mg/dL, or why it is no measurement."""
    if names_another(record.serial, frame):
        return Rejected(*SERIAL_MISMATCH, frame)
    if record.error is None and isinstance(record.glucose, int | float) and record.unit not in _UNITS:
        code = "unit_unknown" if record.unit else "unit_missing"
        return Rejected(code, "glucose needs the unit mg/dL or mmol/L", frame)
    return reading(
        frame,
        zone,
        profile="cgm",
        decoder=NAME,
        values=_values(record),
        flags=_flags(record),
        clock=record.ts,
        record=record_key(record.seq, record.ts, frame.packets[0].data),
        device=record.serial,
        battery_percent=record.battery,
        from_memory=record.memory,
    )


def _values(record: GlucoseRecord) -> Iterator[Value]:
    if record.error is not None or record.glucose is None:
        return
    if isinstance(record.glucose, str):
        side, bound = _BOUNDS[record.glucose]
        yield Value("blood_glucose", quantise("blood_glucose", bound), comparator=side)
        return
    number = Decimal(str(record.glucose))
    if record.unit == "mmol/L":
        yield Value("blood_glucose", quantise("blood_glucose", number * MGDL_PER_MMOLL), Shown(number, "mmol/L"))
    else:
        yield Value("blood_glucose", quantise("blood_glucose", number))


def _flags(record: GlucoseRecord) -> Iterator[str]:
    if record.error is not None:
        yield "device_error"
        yield _ERRORS.get(record.error, "device_error")
        return
    if record.glucose is None:
        yield "no_value"
    if isinstance(record.glucose, str):
        yield "bound_assumed"
    if record.trend in _TRENDS:
        yield f"trend_{record.trend}"


decode: Final = decoding(parse, measure)
DECODER: Final = Decoder(KIND, NAME, accepts=lambda frame: frame.route.endswith(_TOPIC_END), decode=decode)
