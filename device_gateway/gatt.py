"""Codecs of the types that GATT characteristics are made of. Pure: bytes in, value out.

A value that says "none" (NaN, NRes, an infinity, a reserved pattern) is None, never a number.
Sources: IEEE 11073-20601 (SFLOAT, FLOAT) and the Bluetooth GATT Specification Supplement (Date Time).
"""

from datetime import datetime
from decimal import Decimal
from typing import Final

from device_gateway.errors import UndecodableError

_SFLOAT_SPECIAL: Final = frozenset({0x07FE, 0x07FF, 0x0800, 0x0801, 0x0802})  # +INF, NaN, NRes, reserved, -INF
_FLOAT_SPECIAL: Final = frozenset({0x007FFFFE, 0x007FFFFF, 0x00800000, 0x00800001, 0x00800002})


def sfloat(data: bytes) -> Decimal | None:
    """The exact number in a 16-bit SFLOAT (signed 4-bit exponent, signed 12-bit mantissa), little-endian."""
    raw = _unsigned(data, 2)
    mantissa = raw & 0x0FFF
    if mantissa in _SFLOAT_SPECIAL:
        return None
    return _scaled(_signed(mantissa, 12), _signed(raw >> 12, 4))


def float32(data: bytes) -> Decimal | None:
    """The exact number in a 32-bit FLOAT (signed 8-bit exponent, signed 24-bit mantissa), little-endian."""
    raw = _unsigned(data, 4)
    mantissa = raw & 0x00FFFFFF
    if mantissa in _FLOAT_SPECIAL:
        return None
    return _scaled(_signed(mantissa, 24), _signed(raw >> 24, 8))


def date_time(data: bytes) -> datetime | None:
    """The device's local time, to the second; None where the device does not know its year, month or day (0)."""
    if len(data) != 7:
        raise UndecodableError("length", f"a date-time has 7 bytes, not {len(data)}")
    year = _unsigned(data[:2], 2)
    if 0 in {year, data[2], data[3]}:
        return None
    try:
        return datetime(year, *data[2:7])  # noqa: DTZ001 - a device's clock has no zone
    except ValueError as error:
        raise UndecodableError("date_time", f"no such date or time: {error}") from error


def _unsigned(data: bytes, size: int) -> int:
    if len(data) != size:
        raise UndecodableError("length", f"{size} bytes are needed, there are {len(data)}")
    return int.from_bytes(data, "little")


def _signed(value: int, bits: int) -> int:
    return value - (1 << bits) if value >> (bits - 1) else value


def _scaled(mantissa: int, exponent: int) -> Decimal:
    return Decimal(mantissa).scaleb(exponent)
