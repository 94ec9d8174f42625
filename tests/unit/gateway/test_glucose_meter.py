"""Payloads here are synthetic; those of public projects, and each status bit, are in `tests/vectors`."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from device_gateway.decoders import decode
from device_gateway.decoders.glucose_meter import ContextRecord, GlucoseRecord, parse, parse_context
from device_gateway.frames import Measurement, Rejected, Shown, Value
from device_gateway.gatt import Special
from tests.unit.gateway.parts import METER, NOW, PARIS_WINTER, record

PARIS = ZoneInfo("Europe/Paris")
BREAKFAST = "060700ea070b1607370037c011"  # number 7, 07:55, 5.5 mmol/L
FAULTY = "0a0700ea070b1607370001d011"  # 100 mg/dL, and a status


def measured(data: str = BREAKFAST, *context: str, **changes: Any) -> Measurement:
    made = decode(record(("2A18", data), *(("2A34", each) for each in context), **changes), PARIS)
    assert isinstance(made, Measurement), made
    return made


# ------------------------------------------------------------------------------------ first: what the record is
def test_parse_gives_the_record_as_written() -> None:
    assert parse(bytes.fromhex("1f0700ea070b16073700c4ff37c0114208")) == GlucoseRecord(
        sequence=7,
        base_time="2026-11-22T07:55:00",
        time_offset=-60,
        concentration=Decimal("0.0055"),
        molar=True,
        kind=1,
        location=1,
        status=frozenset({1, 6, 11}),
        context_follows=True,
    )


def test_parse_keeps_what_is_no_number_as_what_it_is() -> None:
    assert parse(bytes.fromhex("020700ea070b16073700fe0711")).concentration is Special.ABOVE


def test_parse_context_gives_the_record_as_written() -> None:
    assert parse_context(bytes.fromhex("ff0700 01 033200 02 22 100e3c 010af0 41f0")) == ContextRecord(
        sequence=7,
        extended=1,
        carbohydrate=(3, Decimal(50)),
        meal=2,
        tester=2,
        health=2,
        exercise=(3600, 60),
        medication=(1, Decimal("1.0")),
        medication_litres=True,
        hba1c=Decimal("6.5"),
    )


# ------------------------------------------------------------------------------ then: what it is a measurement of
def test_a_whole_measurement() -> None:
    arrived = record(("2A18", BREAKFAST))

    assert decode(arrived, PARIS) == Measurement(
        device=METER,
        profile="glucose-meter",
        measured_at=datetime(2026, 11, 22, 7, 55, tzinfo=PARIS_WINTER),
        received_at=NOW,
        values=(Value("blood_glucose", Decimal("99.09"), shown=Shown(Decimal("5.5"), "mmol/L")),),
        flags=(),
        decoder="glucose-meter/1",
        raw=arrived.packets,
        boot="boot-1",
        received_mono_ms=508_225,
        record="7/2026-11-22T07:55:00",
        device_time="2026-11-22T07:55:00",
    )


@pytest.mark.parametrize(("raw", "shown"), [("37c0", "5.5"), ("01e0", "10"), ("0ad0", "10"), ("64c0", "10.0")])
def test_the_shown_number_has_the_meters_own_digits(raw: str, shown: str) -> None:
    value = measured(f"060700ea070b16073700{raw}11").values[0]

    assert value.shown is not None
    assert (str(value.shown.value), value.shown.unit) == (shown, "mmol/L")


def test_the_patients_clock_is_base_time_and_offset() -> None:
    found = measured("070700ea070b16073700c4ff37c011")

    assert (found.device_time, found.record) == ("2026-11-22T06:55:00", "7/2026-11-22T07:55:00")
    assert found.measured_at == datetime(2026, 11, 22, 6, 55, tzinfo=PARIS_WINTER)


def test_a_number_used_again_after_the_memory_was_cleared_is_another_record() -> None:
    assert measured().record != measured(BREAKFAST.replace("0b16", "0b15")).record


@pytest.mark.parametrize("sample", ["1a", "41", "4a"])
@pytest.mark.parametrize("concentration", ["37c0", "fe07", "ff07"])
def test_a_control_solution_is_never_a_reading(sample: str, concentration: str) -> None:
    made = decode(record(("2A18", f"060700ea070b16073700{concentration}{sample}")), PARIS)

    assert isinstance(made, Rejected)
    assert made.code == "control_solution"


@pytest.mark.parametrize(("status", "side"), [("2000", ">"), ("4000", "<")], ids=["too high", "too low"])
@pytest.mark.parametrize("number", ["58b2", "14b0"])
def test_a_number_that_comes_with_a_bound_is_the_bound(status: str, side: str, number: str) -> None:
    value = measured(f"0a0700ea070b16073700{number}11{status}").values[0]

    assert (value.comparator, value.value) == (side, {"58b2": Decimal("600.00"), "14b0": Decimal("20.00")}[number])


def test_a_meter_that_shows_hi_in_its_own_unit_keeps_both() -> None:
    value = measured("0e0700ea070b160737004dc1112000").values[0]

    assert value == Value("blood_glucose", Decimal("599.93"), Shown(Decimal("33.3"), "mmol/L"), ">")


def test_a_fault_is_named_in_the_hubs_words_and_the_number_stays() -> None:
    found = measured(f"{FAULTY}0800")

    assert found.values == (Value("blood_glucose", Decimal("100.00")),)
    assert found.flags == ("strip_fault", "strip_insertion")


@pytest.mark.parametrize(("status", "flags"), [("0000", ("from_memory",)), ("0008", ("time_fault",))])
def test_a_clock_that_the_meter_doubts_proves_no_age(status: str, flags: tuple[str, ...]) -> None:
    later = {"received_at": NOW + timedelta(hours=3), "clock_skew": timedelta()}

    assert measured(FAULTY + status, **later).flags == flags


def test_a_time_out_of_the_calendar_is_flagged() -> None:
    found = measured("070700ffff0c1f173b3b3c0037c011")

    assert (found.measured_at, found.flags) == (NOW, ("device_time_invalid",))


@pytest.mark.parametrize("offset", [32766, -32767])
def test_an_offset_beyond_the_calendar_is_flagged(offset: int) -> None:
    for base in ("0f270c1f173b3b", "01000101000000"):
        found = measured(f"070700{base}{offset.to_bytes(2, 'little', signed=True).hex()}37c011")
        assert found.flags == ("device_time_invalid",)


# -------------------------------------------------------------------------------------------------- the context
@pytest.mark.parametrize(
    ("context", "flags"),
    [
        ("02070001", ("meal_preprandial",)),
        ("02070002", ("meal_postprandial",)),
        ("02070003", ("meal_fasting",)),
        ("02070004", ("meal_casual",)),
        ("02070005", ("meal_bedtime",)),
        ("02070009", ()),
        ("04070012", ("tester_professional", "health_minor_issues")),
        ("04070043", ("tester_laboratory", "health_stress")),
        ("04070051", ()),
        ("02070001ff", ("context_undecodable",)),
        ("0207", ("context_undecodable",)),
        ("", ("context_undecodable",)),
        ("02080001", ("context_of_another_record",)),
    ],
)
def test_a_context_tells_what_is_plain_and_never_costs_the_measurement(context: str, flags: tuple[str, ...]) -> None:
    found = measured(BREAKFAST, context)

    assert (len(found.values), found.flags) == (1, flags)
    assert [packet.kind for packet in found.raw] == ["2A18", "2A34"]


def test_a_context_without_its_measurement_is_kept_raw() -> None:
    made = decode(record(("2A34", "02070001")), PARIS)

    assert isinstance(made, Rejected)
    assert made.code == "no_decoder"
