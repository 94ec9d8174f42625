"""Vectors here are synthetic: written from the cuff's record format, not captured."""

import contextlib
import json
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device_gateway.decoders import decode as decode_any
from device_gateway.decoders.mqtt_cuff_json import CuffRecord, decode, measure, parse
from device_gateway.errors import UndecodableError
from device_gateway.frames import Measurement, Rejected, Shown, Value
from tests.unit.gateway.parts import CUFF, NOW, PARIS_WINTER, frame

PARIS = ZoneInfo("Europe/Paris")


def made(**changes: Any) -> Measurement | Rejected:
    record = {name: value for name, value in (CUFF | changes).items() if value is not ...}
    return decode(frame(json.dumps(record).encode()), PARIS)


def measured(**changes: Any) -> Measurement:
    result = made(**changes)
    assert isinstance(result, Measurement), result
    return result


def numbers(result: Measurement) -> dict[str, Decimal]:
    return {value.metric: value.value for value in result.values}


# ------------------------------------------------------------------------------------ first: what the record is
def test_parse_gives_the_record_as_written() -> None:
    assert parse(json.dumps(CUFF | {"irregularPulse": True, "new": [1]}).encode()) == CuffRecord(
        **CUFF, irregular_pulse=True
    )


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"{",
        b"[]",
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"serial": "A", "sys": true}',
        b'{"serial": "A", "sys": "128"}',
        b'{"serial": "A", "sys": NaN}',
        b'{"serial": "A", "sys": 1e400}',
        b'{"serial": "A", "sys": 99999999999999999999}',
        b'{"serial": ""}',
        b'{"sys": 128}',
        b'{"serial": "A", "seq": -1}',
    ],
)
def test_parse_refuses_what_is_no_record(payload: bytes) -> None:
    with pytest.raises(UndecodableError) as caught:
        parse(payload)
    assert caught.value.code == "undecodable"


def test_parse_refuses_a_name_that_stands_twice() -> None:
    with pytest.raises(UndecodableError) as caught:
        parse(b'{"serial": "A", "sys": 128, "sys": 182}')
    assert caught.value.code == "duplicate_key"


@given(
    payload=st.binary(max_size=200)
    | st.recursive(st.none() | st.floats() | st.text(), st.lists).map(
        lambda tree: json.dumps({"serial": "A", "sys": tree}).encode()
    )
)
def test_parse_has_one_error(payload: bytes) -> None:
    with contextlib.suppress(UndecodableError):
        assert isinstance(parse(payload), CuffRecord)


# ------------------------------------------------------------------------------ then: what it is a measurement of
def test_a_whole_measurement() -> None:
    arrived = frame()

    assert decode(arrived, PARIS) == Measurement(
        device="CF-1042",
        profile="blood-pressure",
        measured_at=datetime(2026, 11, 22, 7, 59, 58, tzinfo=PARIS_WINTER),
        received_at=NOW,
        values=(
            Value("systolic_blood_pressure", Decimal("128.0")),
            Value("diastolic_blood_pressure", Decimal("81.0")),
            Value("mean_arterial_pressure", Decimal("97.0")),
            Value("pulse_rate", Decimal("66.0")),
        ),
        flags=(),
        decoder="mqtt-cuff-json/1",
        raw=arrived.packets,
        boot="boot-1",
        received_mono_ms=508_225,
        record="17/2026-11-22T07:59:58",
        device_time="2026-11-22T07:59:58",
        user_index=1,
        battery_percent=80,
    )


def test_kilopascals_become_millimetres_of_mercury_and_stay_shown() -> None:
    found = measured(unit="kPa", sys=16.0, dia=10.7, map=..., pulse=...)

    assert found.values == (
        Value("systolic_blood_pressure", Decimal("120.0"), shown=Shown(Decimal("16.0"), "kPa")),
        Value("diastolic_blood_pressure", Decimal("80.3"), shown=Shown(Decimal("10.7"), "kPa")),
    )


@pytest.mark.parametrize(
    ("unit", "code"),
    [(..., "unit_missing"), (None, "unit_missing"), ("mmhg", "unit_unknown"), ("cmH2O", "unit_unknown")],
)
def test_a_unit_is_never_guessed(unit: object, code: str) -> None:
    result = made(unit=unit)

    assert isinstance(result, Rejected)
    assert result.code == code


@pytest.mark.parametrize(
    ("error", "flags"),
    [
        ("E1", ("device_error", "no_pulse_found")),
        ("E2", ("device_error", "cuff_loose")),
        ("E3", ("device_error", "pressure_not_reached")),
        ("E4", ("device_error", "motion")),
        ("E5", ("device_error", "overpressure")),
        ("E99", ("device_error",)),
    ],
)
def test_a_failed_measurement_has_flags_and_no_number(error: str, flags: tuple[str, ...]) -> None:
    found = measured(error=error, unit=...)

    assert (found.values, found.flags) == ((), flags)


def test_what_the_cuff_noticed_goes_with_the_reading() -> None:
    found = measured(irregularPulse=True, cuffLoose=True, motion=True, memory=True)

    assert found.flags == ("irregular_pulse", "cuff_loose", "motion", "from_memory")
    assert len(found.values) == 4


@pytest.mark.parametrize("absent", [0, -1, 0.0])
def test_a_number_that_means_not_measured_is_absent_and_flagged(absent: float) -> None:
    found = measured(sys=absent)

    assert "systolic_blood_pressure" not in numbers(found)
    assert found.flags == ("systolic_blood_pressure_invalid",)


def test_a_record_without_a_number_says_so() -> None:
    found = measured(sys=..., dia=..., map=..., pulse=...)

    assert (found.values, found.flags) == ((), ("no_value",))


def test_the_sickest_values_are_kept() -> None:
    assert numbers(measured(sys=302, dia=2, pulse=12)) == {
        "systolic_blood_pressure": Decimal(302),
        "diastolic_blood_pressure": Decimal(2),
        "mean_arterial_pressure": Decimal(97),
        "pulse_rate": Decimal(12),
    }


def test_odd_side_fields_do_not_cost_the_reading() -> None:
    found = measured(user=999, battery=255)

    assert (found.user_index, found.battery_percent, len(found.values)) == (None, None, 4)


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        ({}, "17/2026-11-22T07:59:58"),
        ({"ts": ..., "seq": ...}, None),
    ],
)
def test_the_record_key_is_the_devices_own(changes: dict[str, Any], key: str | None) -> None:
    assert measured(**changes).record == key


def test_without_a_time_the_bytes_tell_two_records_of_one_number_apart() -> None:
    one, same, other = measured(ts=...), measured(ts=...), measured(ts=..., sys=129)

    assert one.record == same.record != other.record
    assert str(one.record).startswith("17/")


def test_without_a_sequence_the_bytes_tell_two_records_of_one_second_apart() -> None:
    one, same, other = measured(seq=...), measured(seq=...), measured(seq=..., sys=129)

    assert one.record == same.record != other.record
    assert str(one.record).startswith("2026-11-22T07:59:58/")


def test_a_topic_that_names_another_device_is_refused() -> None:
    result = decode(frame(route="devices/OTHER/blood-pressure"), PARIS)

    assert isinstance(result, Rejected)
    assert result.code == "serial_mismatch"


def test_a_route_that_no_profile_speaks_on_is_kept_raw() -> None:
    arrived = replace(frame(), route="devices/CF-1042/weather")

    assert decode_any(arrived, PARIS) == Rejected("no_decoder", "no device profile speaks on this route", arrived)


any_number = st.none() | st.integers(-200_000, 200_000) | st.floats(allow_nan=True)


@given(
    record=st.fixed_dictionaries(
        {"serial": st.just("CF-1042")},
        optional={
            "sys": any_number,
            "dia": any_number,
            "map": any_number,
            "pulse": any_number,
            "unit": st.sampled_from(["mmHg", "kPa", "psi", None]),
            "error": st.sampled_from(["E1", "E9", "", None]),
            "ts": st.text(max_size=45),
            "user": st.integers(-1, 300),
            "battery": st.integers(-1, 300),
        },
    )
)
def test_no_number_comes_from_an_invalid_value(record: dict[str, Any]) -> None:
    result = decode(frame(json.dumps(record).encode()), PARIS)

    if isinstance(result, Measurement):
        assert not (record.get("error") is not None and result.values)
        assert all(value.value.is_finite() and value.value > 0 for value in result.values)
        assert not any(value.metric != "pulse_rate" and record.get("unit") == "psi" for value in result.values)


def test_measure_is_a_function_of_the_record_alone() -> None:
    arrived = frame(b"anything")

    assert measure(parse(frame().packets[0].data), arrived, PARIS) == replace(
        decode(frame(), PARIS), raw=arrived.packets
    )
