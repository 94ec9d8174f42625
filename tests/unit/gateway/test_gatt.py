"""Codecs of GATT's types: values from the standards' own examples and public device captures."""

from datetime import datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device_gateway.errors import UndecodableError
from device_gateway.gatt import Reader, Special, bits, clock_text, date_time, float32, sfloat

SPECIAL = [Special.ABOVE, Special.NAN, Special.NRES, Special.RESERVED, Special.BELOW]
SFLOATS = dict(zip([0x07FE, 0x07FF, 0x0800, 0x0801, 0x0802], SPECIAL, strict=True))
FLOATS = dict(zip([0x7FFFFE, 0x7FFFFF, 0x800000, 0x800001, 0x800002], SPECIAL, strict=True))


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


def test_each_word_of_an_sfloat_is_a_number_or_special() -> None:
    for raw in range(0x10000):
        mantissa, exponent = (raw & 0xFFF) - (raw & 0x800) * 2, (raw >> 12) - (raw >> 15) * 16
        expected = SFLOATS.get(raw, Decimal(mantissa).scaleb(exponent))
        assert sfloat(raw.to_bytes(2, "little")) == expected, hex(raw)


@pytest.mark.parametrize(
    ("raw", "value"), [(0xF7FF, "204.7"), (0xF800, "-204.8"), (0xE7FE, "20.46"), (0x1802, "-20460")]
)
def test_a_mantissa_is_special_only_without_an_exponent(raw: int, value: str) -> None:
    assert sfloat(raw.to_bytes(2, "little")) == Decimal(value)


@given(st.integers(-(2**23), 2**23 - 1), st.integers(-128, 127))
def test_every_float_number_comes_back(mantissa: int, exponent: int) -> None:
    raw = (exponent & 0xFF) << 24 | (mantissa & 0xFFFFFF)
    assert float32(raw.to_bytes(4, "little")) == FLOATS.get(raw, Decimal(mantissa).scaleb(exponent))


@pytest.mark.parametrize(("raw", "special"), FLOATS.items())
def test_no_special_float_becomes_a_number(raw: int, special: Special) -> None:
    assert float32(raw.to_bytes(4, "little")) is special


@pytest.mark.parametrize(("decode", "size"), [(sfloat, 2), (float32, 4), (date_time, 7)])
def test_a_wrong_length_is_an_error(decode: object, size: int) -> None:
    assert callable(decode)
    for length in (0, size - 1, size + 1):
        with pytest.raises(UndecodableError):
            decode(bytes(length))


def test_a_date_time_is_the_devices_own() -> None:
    assert date_time(bytes.fromhex("e807060e0e230a")) == datetime(2024, 6, 14, 14, 35, 10)  # noqa: DTZ001
    assert clock_text(bytes.fromhex("e807060e0e230a")) == "2024-06-14T14:35:10"


@pytest.mark.parametrize("raw", ["0000060e0e230a", "e807000e0e230a", "e80706000e230a"])
def test_an_unknown_date_is_none(raw: str) -> None:
    assert date_time(bytes.fromhex(raw)) is None
    assert clock_text(bytes.fromhex(raw)) is None


@pytest.mark.parametrize(
    ("raw", "text"), [("e8070d0e0e230a", "2024-13-14T14:35:10"), ("ffff06ffffffff", "65535-06-255T255:255:255")]
)
def test_an_impossible_date_is_kept_as_text_and_is_no_time(raw: str, text: str) -> None:
    assert clock_text(bytes.fromhex(raw)) == text
    with pytest.raises(UndecodableError):
        date_time(bytes.fromhex(raw))


def test_a_reader_takes_a_record_apart() -> None:
    reader = Reader(bytes.fromhex("2a feff 34f1 e807060e0e230a"))

    assert (reader.unsigned(1), reader.signed(2), reader.sfloat()) == (42, -2, Decimal("30.8"))
    assert reader.clock() == "2024-06-14T14:35:10"
    reader.end(0)


def test_a_reader_never_makes_up_what_is_missing() -> None:
    with pytest.raises(UndecodableError) as caught:
        Reader(b"\x01").unsigned(2)
    assert caught.value.code == "truncated"


def test_what_follows_must_have_been_announced() -> None:
    Reader(b"\x01").end(0x80)
    with pytest.raises(UndecodableError) as caught:
        Reader(b"\x01").end(0)
    assert caught.value.code == "trailing"


def test_bits_are_counted_from_the_lowest() -> None:
    assert bits(0b1000_0101) == {0, 2, 7}
    assert bits(0) == frozenset()
