"""Characteristics as health devices have them, and the services all of them share."""

import struct
from collections.abc import Callable
from datetime import datetime
from typing import Final

from bumble import att, hci
from bumble.core import UUID
from bumble.gatt import Characteristic, CharacteristicValue, Descriptor, Service
from bumble.gatt_server import Server

READ: Final = Characteristic.Properties.READ
WRITE: Final = Characteristic.Properties.WRITE
NOTIFY: Final = Characteristic.Properties.NOTIFY
INDICATE: Final = Characteristic.Properties.INDICATE

_CCCD: Final = UUID.from_16_bits(0x2902)
_TIME: Final = struct.Struct("<HBBBBBBBB")  # to the second, day of the week (1: Monday), 1/256 s, reason of change
DATA_FIELD_IGNORED: Final = 0x80

_Permissions = att.Attribute.Permissions


def characteristic(
    server: Server,
    uuid: int,
    properties: Characteristic.Properties,
    *,
    secure: bool,
    value: "bytes | CharacteristicValue[bytes]" = b"",
) -> Characteristic[bytes]:
    """Needs encryption for the value and for subscribing if `secure`."""
    permissions = _Permissions(0)
    if properties & READ:
        permissions |= _Permissions.READABLE | (_Permissions.READ_REQUIRES_ENCRYPTION if secure else 0)
    if properties & WRITE:
        permissions |= _Permissions.WRITEABLE | (_Permissions.WRITE_REQUIRES_ENCRYPTION if secure else 0)
    made: Characteristic[bytes] = Characteristic(UUID.from_16_bits(uuid), properties, permissions, value)
    if properties & (NOTIFY | INDICATE):
        # The library's own would be open to all.
        open_to = _Permissions.READABLE | _Permissions.WRITEABLE
        needs = _Permissions.WRITE_REQUIRES_ENCRYPTION if secure else _Permissions(0)
        made.descriptors = [Descriptor(_CCCD, open_to | needs, server.make_descriptor_value(made))]
    return made


def service(uuid: int, *characteristics: Characteristic[bytes]) -> Service:
    return Service(UUID.from_16_bits(uuid), list(characteristics))


def battery(server: Server, percent: Callable[[], int], *, secure: bool) -> Service:
    value = CharacteristicValue[bytes](read=lambda _connection: bytes([percent()]))
    return service(0x180F, characteristic(server, 0x2A19, READ, secure=secure, value=value))


def current_time(
    server: Server, now: Callable[[], datetime], set_to: Callable[[bytes], None], *, secure: bool
) -> Service:
    value = CharacteristicValue[bytes](
        read=lambda _connection: _time(now()), write=lambda _connection, written: set_to(bytes(written))
    )
    return service(0x1805, characteristic(server, 0x2A2B, READ | WRITE, secure=secure, value=value))


def device_information(server: Server, maker: str, model: str) -> Service:
    """Open to all, as it is on real devices."""
    return service(
        0x180A,
        characteristic(server, 0x2A29, READ, secure=False, value=maker.encode()),
        characteristic(server, 0x2A24, READ, secure=False, value=model.encode()),
    )


def parse_time(value: bytes) -> datetime:
    """The Current Time that a central wrote. Raises ATT_Error."""
    if len(value) != _TIME.size:
        raise att.ATT_Error(att.ErrorCode.INVALID_ATTRIBUTE_LENGTH)
    year, month, day, hour, minute, second, _weekday, fraction, _reason = _TIME.unpack(value)
    try:
        return datetime(year, month, day, hour, minute, second, fraction * 1_000_000 // 256)  # noqa: DTZ001 - no zone
    except ValueError:
        raise att.ATT_Error(DATA_FIELD_IGNORED) from None


def set_address(address: hci.Address) -> hci.HCI_LE_Set_Random_Address_Command:
    return hci.HCI_LE_Set_Random_Address_Command(random_address=address)


def _time(now: datetime) -> bytes:
    date = now.year, now.month, now.day, now.hour, now.minute, now.second
    return _TIME.pack(*date, now.isoweekday(), now.microsecond * 256 // 1_000_000, 0)
