"""Codecs of GATT's types: values from the standards' own examples and public device captures."""

from datetime import datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device_gateway.errors import UndecodableError
from device_gateway.gatt import date_time, float32, sfloat


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        (0xF014, "2.0"),
        (0x0072, "114"),
        (0xF2E2, "73.8"),
        (0x0FFF, "-1"),
        (0xE7FD, "20.45"),
        (0x7001, "1E+7"),
        (0x8001, "1E-8"),
        (0x0803, "-2045"),
    ],
)
def test_sfloat_has_a_signed_exponent_and_a_signed_mantissa(raw: int, value: str) -> None:
    assert sfloat(raw.to_bytes(2, "little")) == Decimal(value)


@pytest.mark.parametrize("mantissa", [0x7FE, 0x7FF, 0x800, 0x801, 0x802])
@pytest.mark.parametrize("exponent", range(16))
def test_no_special_value_becomes_a_number(mantissa: int, exponent: int) -> None:
    assert sfloat((exponent << 12 | mantissa).to_bytes(2, "little")) is None


@given(st.integers(-2045, 2045), st.integers(-8, 7))
def test_every_sfloat_number_comes_back(mantissa: int, exponent: int) -> None:
    raw = (exponent & 0xF) << 12 | (mantissa & 0xFFF)
    assert sfloat(raw.to_bytes(2, "little")) == Decimal(mantissa).scaleb(exponent)


@given(st.integers(-(2**23) + 3, 2**23 - 3), st.integers(-128, 127))
def test_every_float_number_comes_back(mantissa: int, exponent: int) -> None:
    raw = (exponent & 0xFF) << 24 | (mantissa & 0xFFFFFF)
    assert float32(raw.to_bytes(4, "little")) == Decimal(mantissa).scaleb(exponent)


@pytest.mark.parametrize("mantissa", [0x7FFFFE, 0x7FFFFF, 0x800000, 0x800001, 0x800002])
def test_no_special_float_becomes_a_number(mantissa: int) -> None:
    assert float32((0xFF << 24 | mantissa).to_bytes(4, "little")) is None


def test_a_date_time_is_the_devices_own() -> None:
    assert date_time(bytes.fromhex("e807060e0e230a")) == datetime(2024, 6, 14, 14, 35, 10)  # noqa: DTZ001


@pytest.mark.parametrize("raw", ["0000060e0e230a", "e807000e0e230a", "e80706000e230a"])
def test_an_unknown_date_is_none(raw: str) -> None:
    assert date_time(bytes.fromhex(raw)) is None


@pytest.mark.parametrize("raw", ["e8070d0e0e230a", "e807060e19230a", "e80706"])
def test_an_impossible_date_is_an_error(raw: str) -> None:
    with pytest.raises(UndecodableError):
        date_time(bytes.fromhex(raw))
