"""Records that devices publish as JSON: read strictly, for a number that is read wrongly is worse than none."""

import json
from typing import Annotated, Final, TypeAlias, TypeVar

import msgspec

from device_gateway.errors import UndecodableError
from device_gateway.frames import RawFrame

Record = TypeVar("Record")

# Wide on purpose: the cap only keeps arithmetic exact, what is plausible is not the decoder's to say.
_Whole: TypeAlias = Annotated[int, msgspec.Meta(ge=-100_000, le=100_000)]
_Fraction: TypeAlias = Annotated[float, msgspec.Meta(ge=-100_000, le=100_000)]
Number: TypeAlias = _Whole | _Fraction
Serial: TypeAlias = Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
Sequence: TypeAlias = Annotated[int, msgspec.Meta(ge=0, lt=2**53)]
ClockText: TypeAlias = Annotated[str, msgspec.Meta(max_length=40)]

SERIAL_MISMATCH: Final = ("serial_mismatch", "the topic names another device than the record")


def parse(decoder: "msgspec.json.Decoder[Record]", payload: bytes) -> Record:
    """The record in these bytes. Raises UndecodableError."""
    try:
        record = decoder.decode(payload)
        json.loads(payload, object_pairs_hook=_once)
    except (msgspec.MsgspecError, RecursionError, ValueError) as error:
        raise UndecodableError("undecodable", str(error)) from error
    return record


def names_another(serial: str, frame: RawFrame) -> bool:
    """Whether the topic `.../<serial>/<what>` is of another device."""
    levels = frame.route.split("/")
    return len(levels) > 1 and levels[-2] != serial


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """A name that stands twice leaves open which number is meant."""
    if len(members := dict(pairs)) != len(pairs):
        raise UndecodableError("duplicate_key", "a name stands twice in the record")
    return members
