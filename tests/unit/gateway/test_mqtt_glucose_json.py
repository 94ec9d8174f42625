"""Vectors here are synthetic: written from the sensor's record format, not captured."""

import json
from datetime import datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from device_gateway.decoders import decode as decode_any
from device_gateway.decoders.mqtt_glucose_json import GlucoseRecord, decode, parse
from device_gateway.errors import UndecodableError
from device_gateway.frames import Measurement, Rejected, Shown, Value
from tests.unit.gateway.parts import NOW, PARIS_WINTER, frame

PARIS = ZoneInfo("Europe/Paris")
SENSOR = {
    "serial": "GS-2207",
    "seq": 311,
    "ts": "2026-11-22T07:55:00",
    "unit": "mmol/L",
    "glucose": 5.4,
    "battery": 64,
}
ROUTE = "devices/GS-2207/glucose"


def made(**changes: Any) -> Measurement | Rejected:
    record = {name: value for name, value in (SENSOR | changes).items() if value is not ...}
    return decode(frame(json.dumps(record).encode(), route=ROUTE), PARIS)


def measured(**changes: Any) -> Measurement:
    result = made(**changes)
    assert isinstance(result, Measurement), result
    return result


# ------------------------------------------------------------------------------------ first: what the record is
def test_parse_gives_the_record_as_written() -> None:
    assert parse(json.dumps(SENSOR | {"trend": "falling", "new": [1]}).encode()) == GlucoseRecord(
        serial="GS-2207",
        seq=311,
        ts="2026-11-22T07:55:00",
        unit="mmol/L",
        glucose=5.4,
        trend="falling",
        battery=64,
    )


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"[]",
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"serial": "A", "glucose": "high"}',
        b'{"serial": "A", "glucose": "5.4"}',
        b'{"serial": "A", "glucose": true}',
        b'{"serial": "A", "glucose": NaN}',
        b'{"serial": "A", "glucose": 1e9}',
        b'{"serial": ""}',
        b'{"glucose": 5.4}',
    ],
)
def test_parse_refuses_what_is_no_record(payload: bytes) -> None:
    with pytest.raises(UndecodableError) as caught:
        parse(payload)
    assert caught.value.code == "undecodable"


def test_parse_refuses_a_name_that_stands_twice() -> None:
    with pytest.raises(UndecodableError) as caught:
        parse(b'{"serial": "A", "glucose": 5.4, "glucose": 54}')
    assert caught.value.code == "duplicate_key"


# ------------------------------------------------------------------------------ then: what it is a measurement of
def test_a_whole_measurement() -> None:
    arrived = frame(json.dumps(SENSOR).encode(), route=ROUTE)

    assert decode_any(arrived, PARIS) == Measurement(
        device="GS-2207",
        profile="cgm",
        measured_at=datetime(2026, 11, 22, 7, 55, tzinfo=PARIS_WINTER),
        received_at=NOW,
        values=(Value("blood_glucose", Decimal("97.29"), shown=Shown(Decimal("5.4"), "mmol/L")),),
        flags=(),
        decoder="mqtt-glucose-json/1",
        raw=arrived.packets,
        boot="boot-1",
        received_mono_ms=508_225,
        record="311/2026-11-22T07:55:00",
        device_time="2026-11-22T07:55:00",
        battery_percent=64,
    )


def test_milligrams_are_taken_as_they_are() -> None:
    assert measured(unit="mg/dL", glucose=97).values == (Value("blood_glucose", Decimal("97.00")),)


@pytest.mark.parametrize(
    ("unit", "code"),
    [(..., "unit_missing"), (None, "unit_missing"), ("mg/dl", "unit_unknown"), ("mmol", "unit_unknown")],
)
def test_a_unit_is_never_guessed(unit: object, code: str) -> None:
    result = made(unit=unit)

    assert isinstance(result, Rejected)
    assert result.code == code


@pytest.mark.parametrize(("word", "side", "bound"), [("LO", "<", "40.00"), ("HI", ">", "400.00")])
@pytest.mark.parametrize("unit", ["mg/dL", "mmol/L", ...])
def test_beyond_the_range_is_a_bound(word: str, side: str, bound: str, unit: object) -> None:
    found = measured(glucose=word, unit=unit)

    assert (found.values, found.flags) == (
        (Value("blood_glucose", Decimal(bound), comparator=side),),
        ("bound_assumed",),
    )


@pytest.mark.parametrize(
    ("error", "flags"),
    [
        ("E1", ("device_error", "sensor_fault")),
        ("E2", ("device_error", "no_signal")),
        ("E3", ("device_error", "warming_up")),
        ("E4", ("device_error", "sensor_expired")),
        ("E99", ("device_error",)),
    ],
)
@pytest.mark.parametrize("glucose", [5.4, "LO", None])
def test_a_failed_measurement_has_flags_and_no_number(error: str, flags: tuple[str, ...], glucose: object) -> None:
    found = measured(error=error, glucose=glucose, unit=..., trend="rising")

    assert (found.values, found.flags) == ((), flags)


def test_what_the_sensor_noticed_goes_with_the_reading() -> None:
    assert measured(trend="falling_fast", memory=True).flags == ("trend_falling_fast", "from_memory")
    assert measured(trend="sideways").flags == ()


def test_a_reading_without_a_number_says_so() -> None:
    found = measured(glucose=...)

    assert (found.values, found.flags) == ((), ("no_value",))


def test_a_topic_that_names_another_device_is_refused() -> None:
    result = decode(frame(json.dumps(SENSOR).encode(), route="devices/OTHER/glucose"), PARIS)

    assert isinstance(result, Rejected)
    assert result.code == "serial_mismatch"
