"""A device, as far as readings are placed by it: kept packed, for there are tens of thousands of them.

A group of messages speaks of a few hundred, and to unpack one takes a third of a microsecond.
"""

from collections.abc import Sequence
from datetime import datetime

import msgspec

from hub.domain.custody import Assignment
from hub.services.ports.devices import DeviceRow


class Period(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """See ``hub.domain.custody.Period``."""

    patient_id: int
    slot: int | None
    since: datetime
    until: datetime | None


class Device(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """A device, the gateways it was accepted on, and every period in which somebody had it."""

    id: int
    accepted_on: tuple[str, ...]
    periods: tuple[Period, ...]


_PACKER, _UNPACKER = msgspec.msgpack.Encoder(), msgspec.msgpack.Decoder(Device)


def pack(device: DeviceRow, assignments: Sequence[Assignment]) -> bytes:
    """The same for ``unpack``."""
    periods = tuple(Period(one.patient_id, one.slot, one.since, one.until) for one in assignments)
    return _PACKER.encode(Device(device.id, tuple(device.accepted_on), periods))


def unpack(packed: bytes) -> Device:
    """What was packed."""
    return _UNPACKER.decode(packed)
