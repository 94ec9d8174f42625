"""Bluetooth pulse oximeter: spot-check, 2A5E, and continuous, 2A5F, measurements.

A number that is NaN, NRes or infinite is absent and flagged by its metric's name, `pulse_rate_invalid`: the other one
stands. Without either, the whole reading is an `invalid_value`. Of the status bits, those that deny the measurement
have the hub's names of a fault, those that doubt it have others; a demonstration, a test, an unavailable or an invalid
measurement has no numbers at all.

Sources: Bluetooth GATT Specification Supplement, PLX Spot-Check and Continuous Measurement; Pulse Oximeter Service 1.0.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import tzinfo
from decimal import Decimal
from typing import Final

from device_gateway.frames import Decoder, Measurement, RawFrame, Rejected, Value
from device_gateway.gatt import Float, Reader, bits
from device_gateway.metrics import quantise
from device_gateway.readings import carried_by, decoding, reading, record_key

SPOT_CHECK: Final = "2A5E"
CONTINUOUS: Final = "2A5F"
NAME: Final = "pulse-oximeter/1"

_FROM_STORAGE: Final = 9
_NO_MEASUREMENT: Final = frozenset({10, 11, 13, 15})
_STATUS_FLAGS: Final = {
    5: "measurement_ongoing",
    6: "early_estimate",
    10: "demonstration",
    11: "testing",
    12: "calibration_ongoing",
    13: "measurement_failed",
    14: "questionable",
    15: "invalid_value",
}
_SENSOR_FLAGS: Final = {
    1: "sensor_fault",
    2: "signal_irregular",
    3: "no_signal",
    4: "poor_signal",
    5: "low_perfusion",
    6: "signal_erratic",
    7: "no_signal",  # nothing pulses
    8: "pulse_questionable",
    10: "interference",
    11: "no_signal",  # no sensor is connected
    12: "sensor_unknown",
    13: "no_signal",  # the sensor has moved off the finger
    14: "sensor_fault",
    15: "no_signal",  # the sensor was disconnected
}


@dataclass(frozen=True, slots=True, kw_only=True)
class OximeterRecord:
    """The record as the oximeter wrote it; nothing is judged yet. Pairs are saturation (%) and pulse (/min)."""

    normal: tuple[Float, Float]
    fast: tuple[Float, Float] | None = None
    slow: tuple[Float, Float] | None = None
    clock: str | None = None
    clock_set: bool = True
    status: frozenset[int] = frozenset()
    sensor: frozenset[int] = frozenset()
    amplitude: Float | None = None  # %


def parse_spot_check(data: bytes) -> OximeterRecord:
    """The record in a spot-check measurement. Raises UndecodableError."""
    reader = Reader(data)
    flags = reader.unsigned(1)
    record = OximeterRecord(
        normal=_pair(reader),
        clock=reader.clock() if flags & 0x01 else None,
        status=bits(reader.unsigned(2)) if flags & 0x02 else frozenset(),
        sensor=bits(reader.unsigned(3)) if flags & 0x04 else frozenset(),
        amplitude=reader.sfloat() if flags & 0x08 else None,
        clock_set=not flags & 0x10,
    )
    reader.end(flags & 0xE0)
    return record


def parse_continuous(data: bytes) -> OximeterRecord:
    """The record in a continuous measurement. Raises UndecodableError."""
    reader = Reader(data)
    flags = reader.unsigned(1)
    record = OximeterRecord(
        normal=_pair(reader),
        fast=_pair(reader) if flags & 0x01 else None,
        slow=_pair(reader) if flags & 0x02 else None,
        status=bits(reader.unsigned(2)) if flags & 0x04 else frozenset(),
        sensor=bits(reader.unsigned(3)) if flags & 0x08 else frozenset(),
        amplitude=reader.sfloat() if flags & 0x10 else None,
    )
    reader.end(flags & 0xE0)
    return record


def _pair(reader: Reader) -> tuple[Float, Float]:
    return reader.sfloat(), reader.sfloat()


def measure(record: OximeterRecord, frame: RawFrame, zone: tzinfo) -> Measurement | Rejected:
    """Oxygen saturation, pulse and, where it came, perfusion."""
    clock = record.clock if record.clock_set else None
    return reading(
        frame,
        zone,
        profile="pulse-oximeter",
        decoder=NAME,
        values=_values(record),
        flags=_flags(record),
        clock=clock,
        record=record_key(None, clock, frame.packets[0].data),
        from_memory=_FROM_STORAGE in record.status,
    )


def _numbers(record: OximeterRecord) -> Iterator[tuple[str, Float]]:
    yield "oxygen_saturation", record.normal[0]
    yield "pulse_rate", record.normal[1]
    if record.amplitude is not None:
        yield "perfusion_index", record.amplitude


def _values(record: OximeterRecord) -> Iterator[Value]:
    if record.status & _NO_MEASUREMENT:
        return
    for metric, number in _numbers(record):
        if isinstance(number, Decimal):
            yield Value(metric, quantise(metric, number))


def _flags(record: OximeterRecord) -> Iterator[str]:
    yield from (flag for bit, flag in _STATUS_FLAGS.items() if bit in record.status)
    yield from (flag for bit, flag in _SENSOR_FLAGS.items() if bit in record.sensor)
    yield from (f"{metric}_invalid" for metric, number in _numbers(record) if not isinstance(number, Decimal))
    if not any(isinstance(number, Decimal) for number in record.normal):
        yield "invalid_value"
    if not record.clock_set:
        yield "clock_not_set"


DECODERS: Final = (
    Decoder(SPOT_CHECK, NAME, accepts=carried_by(SPOT_CHECK), decode=decoding(parse_spot_check, measure)),
    Decoder(CONTINUOUS, NAME, accepts=carried_by(CONTINUOUS), decode=decoding(parse_continuous, measure)),
)
