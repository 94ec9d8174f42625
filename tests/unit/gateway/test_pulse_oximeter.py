"""Payloads here are synthetic; those of public projects, and each status bit, are in `tests/vectors`."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from device_gateway.decoders import decode
from device_gateway.decoders.pulse_oximeter import OximeterRecord, parse_continuous, parse_spot_check
from device_gateway.frames import Measurement, Value
from device_gateway.gatt import Special
from tests.unit.gateway.parts import METER, NOW, PARIS_WINTER, record

PARIS = ZoneInfo("Europe/Paris")
CHECK = "0962004800ea070b1607370023e0"
SECOND = "0062004800"


def measured(data: str = CHECK, kind: str = "2A5E", **changes: Any) -> Measurement:
    made = decode(record((kind, data), **changes), PARIS)
    assert isinstance(made, Measurement), made
    return made


# ------------------------------------------------------------------------------------ first: what the record is
def test_parse_gives_a_spot_check_as_written() -> None:
    assert parse_spot_check(bytes.fromhex("1fff074800ea070b16073700200402800023e0")) == OximeterRecord(
        normal=(Special.NAN, Decimal(72)),
        clock="2026-11-22T07:55:00",
        clock_set=False,
        status=frozenset({5, 10}),
        sensor=frozenset({1, 15}),
        amplitude=Decimal("0.35"),
    )


def test_parse_gives_a_continuous_measurement_as_written() -> None:
    assert parse_continuous(bytes.fromhex("1f6200480061004900600000082004028000ff07")) == OximeterRecord(
        normal=(Decimal(98), Decimal(72)),
        fast=(Decimal(97), Decimal(73)),
        slow=(Decimal(96), Special.NRES),
        status=frozenset({5, 10}),
        sensor=frozenset({1, 15}),
        amplitude=Special.NAN,
    )


# ------------------------------------------------------------------------------ then: what it is a measurement of
def test_a_whole_spot_check() -> None:
    arrived = record(("2A5E", CHECK))

    assert decode(arrived, PARIS) == Measurement(
        device=METER,
        profile="pulse-oximeter",
        measured_at=datetime(2026, 11, 22, 7, 55, tzinfo=PARIS_WINTER),
        received_at=NOW,
        values=(
            Value("oxygen_saturation", Decimal("98.0")),
            Value("pulse_rate", Decimal("72.0")),
            Value("perfusion_index", Decimal("0.35")),
        ),
        flags=(),
        decoder="pulse-oximeter/1",
        raw=arrived.packets,
        boot="boot-1",
        received_mono_ms=508_225,
        record="2026-11-22T07:55:00/da4e7acd0961f92c",
        device_time="2026-11-22T07:55:00",
    )


def test_a_live_stream_is_measured_when_it_comes_and_has_no_name() -> None:
    found = measured(SECOND, "2A5F")

    assert (found.measured_at, found.record, found.flags) == (NOW, None, ("no_device_time",))
    assert found.values == (Value("oxygen_saturation", Decimal("98.0")), Value("pulse_rate", Decimal("72.0")))


def test_one_invalid_number_leaves_the_other_standing() -> None:
    found = measured("00ff071f00")

    assert found.values == (Value("pulse_rate", Decimal("31.0")),)
    assert "oxygen_saturation_invalid" in found.flags
    assert "invalid_value" not in found.flags  # it would make an artefact of the pulse, too


def test_without_either_number_the_reading_is_invalid() -> None:
    found = measured("00ff07ff07")

    assert (found.values, "invalid_value" in found.flags) == ((), True)


def test_the_sickest_values_are_kept() -> None:
    assert [value.value for value in measured("0022000c00").values] == [Decimal("34.0"), Decimal("12.0")]


@pytest.mark.parametrize("status", ["0004", "0008", "0020", "0080"])
def test_what_is_no_measurement_has_no_numbers(status: str) -> None:
    assert measured(f"0a62004800{status}23e0").values == ()


def test_what_came_from_storage_says_so() -> None:
    assert "from_memory" in measured("02620048000002").flags
    assert "from_memory" in measured(CHECK, superseded=True).flags
    assert measured(CHECK, clock_skew=timedelta()).flags == ("from_memory",)  # five minutes old, by a right clock


def test_a_clock_that_was_never_set_gives_neither_a_time_nor_a_name() -> None:
    found = measured("1162004800ea070b16073700", clock_skew=timedelta(days=-9))

    assert (found.measured_at, found.device_time, found.record) == (NOW, None, None)
    assert found.flags == ("clock_not_set", "no_device_time")
