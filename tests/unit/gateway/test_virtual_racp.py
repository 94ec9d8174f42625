"""What a virtual meter hands out, by operator and operand."""

import pytest

from device_gateway.simulator.radio import Record
from device_gateway.simulator.radio.racp import Code, Refused, counted, response, select

RECORDS = [Record(sequence=number, measurement=bytes([number])) for number in (7, 3, 5, 9)]


@pytest.mark.parametrize(
    ("operator", "operand", "expected"),
    [
        (1, "", [3, 5, 7, 9]),
        (2, "010500", [3, 5]),
        (3, "010600", [7, 9]),
        (4, "0105000700", [5, 7]),
        (5, "", [3]),
        (6, "", [9]),
        (3, "010a00", []),
    ],
)
def test_records_are_chosen_by_sequence_number(operator: int, operand: str, expected: list[int]) -> None:
    assert [record.sequence for record in select(RECORDS, operator, bytes.fromhex(operand))] == expected


@pytest.mark.parametrize(
    ("operator", "operand", "code"),
    [
        (0, "", Code.INVALID_OPERATOR),
        (7, "", Code.OPERATOR_NOT_SUPPORTED),
        (1, "010500", Code.INVALID_OPERAND),
        (3, "", Code.INVALID_OPERAND),
        (3, "0105", Code.INVALID_OPERAND),
        (4, "0107000500", Code.INVALID_OPERAND),
        (3, "02ea070504000000", Code.OPERAND_NOT_SUPPORTED),
    ],
)
def test_what_makes_no_sense_is_refused_with_its_code(operator: int, operand: str, code: Code) -> None:
    with pytest.raises(Refused) as refused:
        select(RECORDS, operator, bytes.fromhex(operand))
    assert refused.value.code == code


def test_answers_are_worded_as_the_service_has_them() -> None:
    assert (response(1, Code.SUCCESS), counted(300)) == (b"\6\0\1\1", b"\5\0\x2c\1")
