"""The Record Access Control Point: what is asked, and what the answers say."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device_gateway.errors import UndecodableError
from device_gateway.sources.ble.racp import ALL, NEWEST, Count, Response, Result, count_since, parse, since

VECTORS = json.loads((Path(__file__).parents[2] / "vectors" / "ble.json").read_text())
ANSWERS = [vector for vector in VECTORS if vector["characteristic"] == "2A52"]


@pytest.mark.parametrize("vector", ANSWERS, ids=lambda vector: vector["hex"])
def test_public_vectors(vector: dict[str, object]) -> None:
    data, expected = bytes.fromhex(str(vector["hex"])), vector["expected"]
    assert isinstance(expected, dict)
    if "error" in expected:
        with pytest.raises(UndecodableError):
            parse(data)
    elif expected["op"] == "count":
        assert parse(data) == Count(expected["count"])
    else:
        assert parse(data) == Response(expected["request"], Result[expected["result"].upper()])


def test_there_are_vectors() -> None:
    assert len(ANSWERS) >= 8


def test_a_reserved_result_is_kept_as_its_number() -> None:
    assert parse(bytes.fromhex("0600017f")) == Response(1, 0x7F)


def test_the_questions_are_those_of_the_standard() -> None:
    assert (NEWEST.hex(), ALL.hex(), since(9).hex(), count_since(0xFFFE).hex()) == (
        "0106",
        "0101",
        "0103010900",
        "040301feff",
    )


@given(st.binary(max_size=8))
def test_whatever_comes_is_an_answer_or_a_declared_error(data: bytes) -> None:
    try:
        parsed = parse(data)
    except UndecodableError:
        return
    assert isinstance(parsed, Count | Response)
