"""The Record Access Control Point (2A52), by which a device is asked for the records it has stored.

Source: Bluetooth GATT Specification Supplement, Record Access Control Point; Glucose Service 1.0, section 3.4.
Nothing here ever asks a device to delete.
"""

import struct
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from device_gateway.errors import UndecodableError

REPORT, ABORT, COUNT = 1, 3, 4
ABORT_NOW: Final = bytes((ABORT, 0))
NEWEST: Final = bytes((REPORT, 6))
ALL: Final = bytes((REPORT, 1))
_BY_SEQUENCE: Final = 1
_COUNT_IS, _RESPONSE = 5, 6


class Result(IntEnum):
    """How a procedure ended."""

    SUCCESS = 1
    OP_CODE_NOT_SUPPORTED = 2
    INVALID_OPERATOR = 3
    OPERATOR_NOT_SUPPORTED = 4
    INVALID_OPERAND = 5
    NO_RECORDS_FOUND = 6
    ABORT_UNSUCCESSFUL = 7
    PROCEDURE_NOT_COMPLETED = 8
    OPERAND_NOT_SUPPORTED = 9
    SERVER_BUSY = 10


NOT_KNOWN_HERE: Final = frozenset(
    {Result.OP_CODE_NOT_SUPPORTED, Result.INVALID_OPERATOR, Result.OPERATOR_NOT_SUPPORTED}
    | {Result.INVALID_OPERAND, Result.OPERAND_NOT_SUPPORTED}
)
"""The device cannot answer this kind of question; a simpler one may do."""


@dataclass(frozen=True, slots=True)
class Count:
    """How many records there are."""

    records: int


@dataclass(frozen=True, slots=True)
class Response:
    """The end of the procedure `request`; `result` is the number itself where it is a reserved one."""

    request: int
    result: Result | int


def since(sequence: int) -> bytes:
    """Asks for every record from this sequence number on."""
    return bytes((REPORT, 3, _BY_SEQUENCE)) + struct.pack("<H", sequence)


def count_since(sequence: int) -> bytes:
    """Asks how many records there are from this sequence number on."""
    return bytes((COUNT, 3, _BY_SEQUENCE)) + struct.pack("<H", sequence)


def parse(data: bytes) -> Count | Response:
    """What the device says of the procedure. Raises UndecodableError."""
    if len(data) < 3 or data[1] != 0:
        raise UndecodableError("racp", f"no answer of a record access control point: {data.hex()}")
    if data[0] == _RESPONSE and len(data) == 4:
        return Response(data[2], Result(data[3]) if data[3] in list(Result) else data[3])
    if data[0] == _COUNT_IS and len(data) in (3, 4, 6):
        return Count(int.from_bytes(data[2:], "little"))
    raise UndecodableError("racp", f"no answer of a record access control point: {data.hex()}")
