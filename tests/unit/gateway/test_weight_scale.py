"""Payloads here are synthetic; those of public projects are in `tests/vectors`."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from device_gateway.decoders import decode
from device_gateway.decoders.weight_scale import WeightRecord, measure, parse
from device_gateway.frames import Measurement, Rejected, Shown, Value
from tests.unit.gateway.parts import METER, NOW, PARIS_WINTER, record

PARIS = ZoneInfo("Europe/Paris")
MORNING = "06983fea070b16073b3a01"


def measured(data: str = MORNING, **changes: Any) -> Measurement:
    made = decode(record(("2A9D", data), **changes), PARIS)
    assert isinstance(made, Measurement), made
    return made


# ------------------------------------------------------------------------------------ first: what the record is
def test_parse_gives_the_record_as_written() -> None:
    assert parse(bytes.fromhex("0f2c46ea070b16073b3aff f500ae02")) == WeightRecord(
        pounds=True,
        weight=Decimal("179.64"),
        clock="2026-11-22T07:59:58",
        user=255,
        bmi=Decimal("24.5"),
        height=Decimal("68.6"),
    )


# ------------------------------------------------------------------------------ then: what it is a measurement of
def test_a_whole_measurement() -> None:
    arrived = record(("2A9D", MORNING), battery_percent=64)

    assert decode(arrived, PARIS) == Measurement(
        device=METER,
        profile="weight-scale",
        measured_at=datetime(2026, 11, 22, 7, 59, 58, tzinfo=PARIS_WINTER),
        received_at=NOW,
        values=(Value("body_weight", Decimal("81.40")),),
        flags=(),
        decoder="weight-scale/1",
        raw=arrived.packets,
        boot="boot-1",
        received_mono_ms=508_225,
        record="2026-11-22T07:59:58/25b3530c19118297",
        device_time="2026-11-22T07:59:58",
        user_index=1,
        battery_percent=64,
    )


def test_pounds_become_kilograms_and_stay_shown() -> None:
    assert measured("012c46").values == (
        Value("body_weight", Decimal("81.48"), shown=Shown(Decimal("179.64"), "[lb_av]")),
    )


def test_a_failed_weighing_has_a_flag_and_no_number() -> None:
    found = measured("06ffffea070b16073b3a01")

    assert (found.values, found.flags, found.user_index) == ((), ("measurement_failed",), 1)


def test_nobody_known_is_no_user() -> None:
    assert measured("06983fea070b16073b3aff").user_index is None


def test_the_bytes_tell_two_weighings_of_one_second_apart() -> None:
    one, same, other = measured(), measured(), measured("06993fea070b16073b3a01")

    assert one.record == same.record != other.record


def test_without_a_time_nothing_names_the_record() -> None:
    found = measured("00983f")

    assert (found.record, found.device_time, found.measured_at, found.flags) == (None, None, NOW, ("no_device_time",))


def test_an_impossible_date_costs_the_time_and_not_the_weight() -> None:
    found = measured("02983fea07021e073b3a")

    assert (len(found.values), found.device_time) == (1, "2026-02-30T07:59:58")
    assert (found.measured_at, found.flags) == (NOW, ("device_time_invalid",))


@pytest.mark.parametrize(
    ("changes", "flags"),
    [
        ({}, ()),
        ({"superseded": True}, ("from_memory",)),
        ({"received_at": NOW + timedelta(minutes=6)}, ()),
        ({"received_at": NOW + timedelta(minutes=6), "clock_skew": timedelta()}, ("from_memory",)),
    ],
)
def test_what_the_scale_had_kept_is_said_to_be_kept(changes: dict[str, Any], flags: tuple[str, ...]) -> None:
    assert measured(**changes).flags == flags


def test_a_clock_that_is_off_is_reckoned_with() -> None:
    found = measured("06983fea070b13073b3a01", clock_skew=-timedelta(days=3))

    assert (found.measured_at, found.flags) == (
        datetime(2026, 11, 22, 7, 59, 58, tzinfo=PARIS_WINTER),
        ("device_clock_off",),
    )


def test_a_record_of_no_known_device_is_kept_raw() -> None:
    made = decode(record(("2A9D", MORNING), device=None), PARIS)

    assert isinstance(made, Rejected)
    assert made.code == "device_missing"


def test_measure_is_a_function_of_the_record_alone() -> None:
    arrived = record(("2A9D", MORNING))

    assert measure(parse(arrived.packets[0].data), arrived, PARIS) == decode(arrived, PARIS)
