"""The Current Time characteristic (2A2B): how wrong a device's clock is, and setting it right.

Source: Bluetooth GATT Specification Supplement, Current Time and Exact Time 256: the date-time in local time, the day
of the week (1 is Monday), 1/256 seconds, the reason of the change (bit 0: set by hand).
"""

import struct
from datetime import datetime, timedelta, tzinfo
from typing import Final

from bleak.exc import BleakGATTProtocolError

from device_gateway.errors import BluetoothError, UndecodableError
from device_gateway.gatt import date_time
from device_gateway.sources.ble.link import Link
from device_gateway.sources.ble.profiles import CURRENT_TIME

_CLOSE: Final = timedelta(seconds=5)
_BY_HAND: Final = 1


async def skew_of(link: Link, now: datetime, zone: tzinfo) -> timedelta | None:
    """How far the device's clock is ahead of `now`; None if it does not say."""
    data = await link.read(CURRENT_TIME)
    if data is None or len(data) < 7:
        return None
    try:
        shown = date_time(data[:7])
    except UndecodableError:
        return None
    return None if shown is None else shown - now.astimezone(zone).replace(tzinfo=None)


async def set_clock(link: Link, now: datetime, zone: tzinfo, skew: timedelta | None) -> timedelta | None:
    """Sets a clock that is wrong, or that nobody could read. Returns the skew as it is then."""
    if not link.has(CURRENT_TIME) or (skew is not None and abs(skew) <= _CLOSE):
        return skew
    try:
        await link.write(CURRENT_TIME, encode(now.astimezone(zone)))
    except (BluetoothError, BleakGATTProtocolError):  # many devices have a clock that only their own app may set
        return skew
    return timedelta()


def encode(local: datetime) -> bytes:
    """A local time as the characteristic carries it."""
    fraction = local.microsecond * 256 // 1_000_000
    return struct.pack(
        "<HBBBBBBBB",
        *(local.year, local.month, local.day, local.hour, local.minute, local.second),
        *(local.isoweekday(), fraction, _BY_HAND),
    )
