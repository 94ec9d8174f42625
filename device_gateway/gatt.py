"""Codecs of the types that GATT characteristics are made of. Pure: bytes in, value out.

Sources: IEEE 11073-20601, annex F (SFLOAT, FLOAT) and the Bluetooth GATT Specification Supplement (Date Time).
"""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from enum import Enum
from typing import Final, TypeAlias

from device_gateway.errors import UndecodableError


class Special(Enum):
    """What a float says where it has no number. No arithmetic takes it, so no number can come of it."""

    NAN = "NaN"
    NRES = "NRes"
    RESERVED = "reserved"
    ABOVE = "+INF"
    BELOW = "-INF"


Float: TypeAlias = Decimal | Special

# The whole word is special, not the mantissa alone: 0xF7FF is 204.7.
_SFLOAT: Final = {
    0x07FE: Special.ABOVE,
    0x07FF: Special.NAN,
    0x0800: Special.NRES,
    0x0801: Special.RESERVED,
    0x0802: Special.BELOW,
}
_FLOAT: Final = {
    0x007FFFFE: Special.ABOVE,
    0x007FFFFF: Special.NAN,
    0x00800000: Special.NRES,
    0x00800001: Special.RESERVED,
    0x00800002: Special.BELOW,
}


def sfloat(data: bytes) -> Float:
    """The exact number in a 16-bit SFLOAT (signed 4-bit exponent, signed 12-bit mantissa), little-endian."""
    return _float(_word(data, 2), _SFLOAT, mantissa_bits=12, exponent_bits=4)


def float32(data: bytes) -> Float:
    """The exact number in a 32-bit FLOAT (signed 8-bit exponent, signed 24-bit mantissa), little-endian."""
    return _float(_word(data, 4), _FLOAT, mantissa_bits=24, exponent_bits=8)


def clock_text(data: bytes) -> str | None:
    """A date-time as the device's clock stood, `2026-11-22T07:59:58`, even where there is no such day.

    None where the device does not know its year, month or day (0).
    """
    if len(data) != 7:
        raise UndecodableError("length", f"a date-time has 7 bytes, not {len(data)}")
    year, (month, day, hour, minute, second) = int.from_bytes(data[:2], "little"), data[2:]
    if 0 in {year, month, day}:
        return None
    return f"{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}"


def date_time(data: bytes) -> datetime | None:
    """The device's local time, to the second; None where it does not know its date. Raises UndecodableError."""
    if (text := clock_text(data)) is None:
        return None
    try:
        return datetime.fromisoformat(text)
    except ValueError as error:
        raise UndecodableError("date_time", f"no such date or time: {error}") from error


def bits(word: int) -> frozenset[int]:
    """The numbers of the bits that are set."""
    return frozenset(number for number in range(word.bit_length()) if word >> number & 1)


class Reader:
    """Takes a record apart, front to back. Raises UndecodableError where bytes are missing or left over."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def take(self, size: int) -> bytes:
        """The next bytes as they are."""
        taken = self._data[self._at : self._at + size]
        if len(taken) < size:
            raise UndecodableError("truncated", f"{size} bytes are needed at {self._at}, there are {len(taken)}")
        self._at += size
        return taken

    def unsigned(self, size: int) -> int:
        return int.from_bytes(self.take(size), "little")

    def signed(self, size: int) -> int:
        return int.from_bytes(self.take(size), "little", signed=True)

    def sfloat(self) -> Float:
        return sfloat(self.take(2))

    def clock(self) -> str | None:
        return clock_text(self.take(7))

    def end(self, unknown: int) -> None:
        """Nothing may follow, unless a flag bit that we do not know (`unknown`) announced it.

        Bytes that no flag announces mean that the flags are wrong, and then every field may be another.
        """
        if not unknown and self._at < len(self._data):
            raise UndecodableError("trailing", f"{len(self._data) - self._at} bytes follow that no flag announces")


def _word(data: bytes, size: int) -> int:
    if len(data) != size:
        raise UndecodableError("length", f"{size} bytes are needed, there are {len(data)}")
    return int.from_bytes(data, "little")


def _float(word: int, special: Mapping[int, Special], *, mantissa_bits: int, exponent_bits: int) -> Float:
    if word in special:
        return special[word]
    mantissa = _signed(word & (1 << mantissa_bits) - 1, mantissa_bits)
    return Decimal(mantissa).scaleb(_signed(word >> mantissa_bits, exponent_bits))


def _signed(value: int, width: int) -> int:
    return value - (1 << width) if value >> (width - 1) else value
