"""Bluetooth glucose meter: Glucose Measurement, 2A18, and the Measurement Context, 2A34, that may go with it.

A meter that says "too high" or "too low" gives a bound. A number that comes with it is the bound. Where none comes (HI
and LO on the display) the meter's range is not in the record: under 20 and over 600 mg/dL, the range most meters have,
stands in, with the flag `bound_assumed`. It is for the reader; what pages is the side alone.

A fault that the meter declares (strip, sample, sensor) leaves the number as it came, with the hub's name of the fault:
it is shown as an artefact and counts for nothing. A control solution is no reading of anybody.

Carbohydrates, medication and HbA1c are read and not told: senders disagree on their units.

Sources: Bluetooth GATT Specification Supplement; Glucose Service 1.0, section 3.1 (kg/L and mol/L).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from decimal import Decimal
from typing import Final

from device_gateway.errors import UndecodableError
from device_gateway.frames import Decoder, Measurement, RawFrame, Rejected, Shown, Value
from device_gateway.gatt import Float, Reader, Special, bits
from device_gateway.metrics import MGDL_PER_MMOLL, quantise
from device_gateway.readings import carried_by, decoding, reading, record_key

KIND: Final = "2A18"
CONTEXT: Final = "2A34"
NAME: Final = "glucose-meter/1"

_OFFSET, _CONCENTRATION, _MOLAR, _STATUS, _CONTEXT_FOLLOWS, _UNKNOWN = 0x01, 0x02, 0x04, 0x08, 0x10, 0xE0
_OFFSET_LOST: Final = frozenset({0x7FFF, -0x8000})  # overrun and underrun: the field cannot hold it
_CONTROL_TYPE, _CONTROL_LOCATION = 10, 4
_TOO_HIGH, _TOO_LOW, _TIME_FAULT = 5, 6, 11
_ASSUMED: Final = {">": Decimal(600), "<": Decimal(20)}  # mg/dL

_STATUS_FLAGS: Final = {
    0: ("battery_low",),
    1: ("sensor_fault",),
    2: ("sample_insufficient",),
    3: ("strip_fault", "strip_insertion"),
    4: ("strip_fault", "strip_type"),
    _TOO_HIGH: ("result_too_high",),
    _TOO_LOW: ("result_too_low",),
    7: ("measurement_failed", "sensor_too_hot"),
    8: ("measurement_failed", "sensor_too_cold"),
    9: ("measurement_failed", "strip_pulled_early"),
    10: ("measurement_failed", "general_fault"),
    _TIME_FAULT: ("time_fault",),
}
_MEALS: Final = {
    1: "meal_preprandial",
    2: "meal_postprandial",
    3: "meal_fasting",
    4: "meal_casual",
    5: "meal_bedtime",
}
_TESTERS: Final = {2: "tester_professional", 3: "tester_laboratory"}
_HEALTH: Final = {1: "health_minor_issues", 2: "health_major_issues", 3: "health_menses", 4: "health_stress"}


@dataclass(frozen=True, slots=True, kw_only=True)
class GlucoseRecord:
    """The record as the meter wrote it; nothing is judged yet."""

    sequence: int
    base_time: str | None
    time_offset: int | None = None  # minutes
    concentration: Float | None = None
    molar: bool = False  # mol/L, else kg/L
    kind: int | None = None
    location: int | None = None
    status: frozenset[int] = frozenset()
    context_follows: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ContextRecord:
    """What the patient told the meter. Masses and volumes as they came: the units are not to be relied on."""

    sequence: int
    extended: int = 0
    carbohydrate: tuple[int, Float] | None = None  # what kind of meal, and how much
    meal: int | None = None
    tester: int | None = None
    health: int | None = None
    exercise: tuple[int, int] | None = None  # seconds, %
    medication: tuple[int, Float] | None = None  # which, and how much
    medication_litres: bool = False
    hba1c: Float | None = None  # %


def parse(data: bytes) -> GlucoseRecord:
    """The measurement in these bytes. Raises UndecodableError."""
    reader = Reader(data)
    flags = reader.unsigned(1)
    sequence, base_time = reader.unsigned(2), reader.clock()
    time_offset = reader.signed(2) if flags & _OFFSET else None
    concentration = reader.sfloat() if flags & _CONCENTRATION else None
    sample = reader.unsigned(1) if flags & _CONCENTRATION else None
    status = bits(reader.unsigned(2)) if flags & _STATUS else frozenset()
    reader.end(flags & _UNKNOWN)
    return GlucoseRecord(
        sequence=sequence,
        base_time=base_time,
        time_offset=time_offset,
        concentration=concentration,
        molar=bool(flags & _MOLAR),
        kind=None if sample is None else sample & 0x0F,
        location=None if sample is None else sample >> 4,
        status=status,
        context_follows=bool(flags & _CONTEXT_FOLLOWS),
    )


def parse_context(data: bytes) -> ContextRecord:
    """The context in these bytes. Raises UndecodableError."""
    reader = Reader(data)
    flags = reader.unsigned(1)
    sequence = reader.unsigned(2)
    more = reader.unsigned(1) if flags & 0x80 else 0
    carbohydrate = (reader.unsigned(1), reader.sfloat()) if flags & 0x01 else None
    meal = reader.unsigned(1) if flags & 0x02 else None
    person = reader.unsigned(1) if flags & 0x04 else None
    exercise = (reader.unsigned(2), reader.unsigned(1)) if flags & 0x08 else None
    medication = (reader.unsigned(1), reader.sfloat()) if flags & 0x10 else None
    hba1c = reader.sfloat() if flags & 0x40 else None
    reader.end(more)
    return ContextRecord(
        sequence=sequence,
        extended=more,
        carbohydrate=carbohydrate,
        meal=meal,
        tester=None if person is None else person & 0x0F,
        health=None if person is None else person >> 4,
        exercise=exercise,
        medication=medication,
        medication_litres=bool(flags & 0x20),
        hba1c=hba1c,
    )


def measure(record: GlucoseRecord, frame: RawFrame, zone: tzinfo) -> Measurement | Rejected:
    """The patient's blood glucose, in mg/dL."""
    if record.kind == _CONTROL_TYPE or record.location == _CONTROL_LOCATION:
        return Rejected("control_solution", "a control solution was measured, not a person", frame)
    values, value_flags = _glucose(record)
    clock, clock_flags = shown_clock(record)
    status_flags = (flag for bit, flags in _STATUS_FLAGS.items() if bit in record.status for flag in flags)
    return reading(
        frame,
        zone,
        profile="glucose-meter",
        decoder=NAME,
        values=values,
        flags=(*status_flags, *value_flags, *clock_flags, *_context_flags(record, frame)),
        clock=clock,
        record=record_key(record.sequence, record.base_time, frame.packets[0].data),
        clock_trusted=_TIME_FAULT not in record.status,
    )


def _glucose(record: GlucoseRecord) -> tuple[tuple[Value, ...], tuple[str, ...]]:
    sides = _sides(record)
    if len(sides) == 2:
        return (), ("invalid_value",)
    side = next(iter(sides), None)
    number = record.concentration if isinstance(record.concentration, Decimal) else None
    if side is not None and (number is None or number <= 0):
        return (Value("blood_glucose", quantise("blood_glucose", _ASSUMED[side]), comparator=side),), ("bound_assumed",)
    if number is None:
        return (), ("no_value" if record.concentration is None else "invalid_value",)
    return (_value(number, side, molar=record.molar),), ()


def _sides(record: GlucoseRecord) -> set[str]:
    """`>`, `<` or neither; both where the meter contradicts itself."""
    sides = set()
    if _TOO_HIGH in record.status or record.concentration is Special.ABOVE:
        sides.add(">")
    if _TOO_LOW in record.status or record.concentration is Special.BELOW:
        sides.add("<")
    return sides


def _value(concentration: Decimal, side: str | None, *, molar: bool) -> Value:
    if not molar:
        return Value("blood_glucose", quantise("blood_glucose", concentration.scaleb(5)), comparator=side)
    mmol = Decimal(f"{concentration.scaleb(3):f}")  # the meter's own digits
    return Value("blood_glucose", quantise("blood_glucose", mmol * MGDL_PER_MMOLL), Shown(mmol, "mmol/L"), side)


def shown_clock(record: GlucoseRecord) -> tuple[str | None, tuple[str, ...]]:
    """What the patient saw on the meter's clock, base time and offset, and a flag where that is not to be had."""
    if record.time_offset in _OFFSET_LOST:
        return None, ("time_offset_unknown",)
    if record.base_time is None or not record.time_offset:
        return record.base_time, ()
    try:
        return (datetime.fromisoformat(record.base_time) + timedelta(minutes=record.time_offset)).isoformat(), ()
    except (ValueError, OverflowError):
        return record.base_time, ()  # no such time: whoever places it says so


def _context_flags(record: GlucoseRecord, frame: RawFrame) -> Iterator[str]:
    """What is plain in the context. A broken one may not cost the measurement."""
    packet = next((packet for packet in frame.packets if packet.kind == CONTEXT), None)
    if packet is None:
        if record.context_follows:
            yield "context_missing"
        return
    try:
        context = parse_context(packet.data)
    except UndecodableError:
        yield "context_undecodable"
        return
    if context.sequence != record.sequence:
        yield "context_of_another_record"
        return
    told = (_MEALS.get(context.meal or 0), _TESTERS.get(context.tester or 0), _HEALTH.get(context.health or 0))
    yield from (flag for flag in told if flag is not None)


decode: Final = decoding(parse, measure)
DECODER: Final = Decoder(KIND, NAME, accepts=carried_by(KIND), decode=decode)
