"""The Record Access Control Point as a server answers it (Glucose Service 1.0.1, 3.4)."""

import struct
from collections.abc import Sequence
from enum import IntEnum
from typing import Final, Protocol, TypeVar

CCCD_MISSING: Final = 0xFD  # ATT errors of the control point
BUSY: Final = 0xFE
_BY_SEQUENCE: Final = 1


class Op(IntEnum):
    REPORT = 1
    DELETE = 2
    ABORT = 3
    COUNT = 4
    COUNTED = 5
    RESPONSE = 6


class Code(IntEnum):
    SUCCESS = 1
    OP_NOT_SUPPORTED = 2
    INVALID_OPERATOR = 3
    OPERATOR_NOT_SUPPORTED = 4
    INVALID_OPERAND = 5
    NO_RECORDS = 6
    OPERAND_NOT_SUPPORTED = 9


class Refused(Exception):
    """The request cannot be served; `code` says why."""

    def __init__(self, code: Code) -> None:
        super().__init__(code.name)
        self.code = code


class Numbered(Protocol):
    @property
    def sequence(self) -> int: ...


Record = TypeVar("Record", bound=Numbered)


def response(op: int, code: Code) -> bytes:
    return bytes([Op.RESPONSE, 0, op, code])


def counted(number: int) -> bytes:
    return struct.pack("<BBH", Op.COUNTED, 0, number)


def select(records: Sequence[Record], operator: int, operand: bytes) -> list[Record]:
    """The records asked for, by sequence number. Raises Refused."""
    ordered = sorted(records, key=lambda each: each.sequence)
    if operator in (1, 5, 6):
        if operand:
            raise Refused(Code.INVALID_OPERAND)
        return {1: ordered, 5: ordered[:1], 6: ordered[-1:]}[operator]
    if operator not in (2, 3, 4):
        raise Refused(Code.INVALID_OPERATOR if operator == 0 else Code.OPERATOR_NOT_SUPPORTED)
    low, high = _bounds(operator, operand)
    return [each for each in ordered if low <= each.sequence <= high]


def _bounds(operator: int, operand: bytes) -> tuple[int, int]:
    if not operand:
        raise Refused(Code.INVALID_OPERAND)
    if operand[0] != _BY_SEQUENCE:
        raise Refused(Code.OPERAND_NOT_SUPPORTED)
    if len(operand) != (5 if operator == 4 else 3):
        raise Refused(Code.INVALID_OPERAND)
    numbers = struct.unpack(f"<{len(operand) // 2}H", operand[1:])
    low, high = {2: (0, numbers[0]), 3: (numbers[0], 0xFFFF), 4: (numbers[0], numbers[-1])}[operator]
    if low > high:
        raise Refused(Code.INVALID_OPERAND)
    return low, high
