"""Bluetooth weight scale: the Weight Measurement characteristic, 2A9D.

Sources: Bluetooth GATT Specification Supplement, Weight Measurement; Weight Scale Service 1.0, section 3.2.
"""

from dataclasses import dataclass
from datetime import tzinfo
from decimal import Decimal
from typing import Final

from device_gateway.frames import Decoder, Measurement, RawFrame, Rejected, Shown, Value
from device_gateway.gatt import Reader
from device_gateway.metrics import quantise
from device_gateway.readings import carried_by, decoding, reading, record_key

KIND: Final = "2A9D"
NAME: Final = "weight-scale/1"

_KG_PER_LB: Final = Decimal("0.45359237")  # exact by the definition of the international pound
_KG_STEP: Final = Decimal("0.005")
_LB_STEP: Final = Decimal("0.01")
_FAILED: Final = 0xFFFF
_UNKNOWN_USER: Final = 0xFF

_POUNDS, _TIME, _USER, _BODY, _UNKNOWN = 0x01, 0x02, 0x04, 0x08, 0xF0


@dataclass(frozen=True, slots=True)
class WeightRecord:
    """The record as the scale wrote it; nothing is judged yet."""

    pounds: bool
    weight: Decimal | None  # kg or lb; None: the scale says that it failed
    clock: str | None = None
    user: int | None = None
    bmi: Decimal | None = None
    height: Decimal | None = None  # m or in


def parse(data: bytes) -> WeightRecord:
    """The record in these bytes. Raises UndecodableError."""
    reader = Reader(data)
    flags = reader.unsigned(1)
    pounds = bool(flags & _POUNDS)
    steps = reader.unsigned(2)
    record = WeightRecord(
        pounds=pounds,
        weight=None if steps == _FAILED else steps * (_LB_STEP if pounds else _KG_STEP),
        clock=reader.clock() if flags & _TIME else None,
        user=reader.unsigned(1) if flags & _USER else None,
        bmi=reader.unsigned(2) * Decimal("0.1") if flags & _BODY else None,
        height=reader.unsigned(2) * Decimal("0.1" if pounds else "0.001") if flags & _BODY else None,
    )
    reader.end(flags & _UNKNOWN)
    return record


def measure(record: WeightRecord, frame: RawFrame, zone: tzinfo) -> Measurement | Rejected:
    """The weight of whoever stood on the scale, in kg."""
    return reading(
        frame,
        zone,
        profile="weight-scale",
        decoder=NAME,
        values=() if record.weight is None else (_weight(record.weight, pounds=record.pounds),),
        flags=("measurement_failed",) if record.weight is None else (),
        clock=record.clock,
        record=record_key(None, record.clock, frame.packets[0].data),
        user_index=None if record.user == _UNKNOWN_USER else record.user,
    )


def _weight(weight: Decimal, *, pounds: bool) -> Value:
    kg = weight * _KG_PER_LB if pounds else weight
    return Value("body_weight", quantise("body_weight", kg), shown=Shown(weight, "[lb_av]") if pounds else None)


decode: Final = decoding(parse, measure)
DECODER: Final = Decoder(KIND, NAME, accepts=carried_by(KIND), decode=decode)
