"""Whatever a device sends: a measurement that the wire takes, or a rejection that says why; no number out of nothing.

What a record may say is worked out here again, from the bytes alone. `FUZZ_EXAMPLES` sets how many payloads each
decoder gets (a long run needs `--timeout 0`).
"""

import json
import os
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from device_gateway.decoders import DECODERS, decode
from device_gateway.frames import Measurement, Packet, RawFrame, Rejected
from device_gateway.wire import encode_reading
from tests.unit.gateway.parts import CUFF, METER, NOW
from tests.unit.gateway.test_mqtt_glucose_json import SENSOR

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "300"))
ROOT = Path(__file__).parents[3]
SCHEMA = json.loads((ROOT / "config" / "wire" / "reading-batch.v1.schema.json").read_text())
READING = Draft202012Validator({**SCHEMA["$defs"]["reading"], "$defs": SCHEMA["$defs"]})
PARIS = ZoneInfo("Europe/Paris")

SPECIAL = frozenset(range(0x07FE, 0x0803))
CODES = {
    "truncated",
    "trailing",
    "undecodable",
    "duplicate_key",
    "serial_mismatch",
    "unit_missing",
    "unit_unknown",
    "control_solution",
}
# What each flag bit of a characteristic adds to the bytes that are always there, and the bits that mean nothing yet.
LAYOUT = {
    "2A9D": (3, {0x02: 7, 0x04: 1, 0x08: 4}, 0xF0),
    "2A18": (10, {0x01: 2, 0x02: 3, 0x08: 2}, 0xE0),
    "2A5E": (5, {0x01: 7, 0x02: 2, 0x04: 3, 0x08: 2}, 0xE0),
    "2A5F": (5, {0x01: 4, 0x02: 4, 0x04: 2, 0x08: 3, 0x10: 2}, 0xE0),
}
TOPICS = {"mqtt_cuff_json": "devices/CF-1042/blood-pressure", "mqtt_glucose_json": "devices/GS-2207/glucose"}
RECORDS: dict[str, dict[str, Any]] = {"mqtt_cuff_json": CUFF, "mqtt_glucose_json": SENSOR}


def word(data: bytes, at: int) -> int:
    return int.from_bytes(data[at : at + 2], "little")


def at(kind: str, data: bytes, bit: int) -> int:
    """Where the field of this flag bit begins."""
    base, extra, _ = LAYOUT[kind]
    return base + sum(size for each, size in extra.items() if each < bit and data[0] & each)


def invalid(kind: str, data: bytes) -> set[str]:
    """The metrics for which these bytes have no number to give."""
    if kind == "2A9D":
        return {"body_weight"} if word(data, 1) == 0xFFFF else set()
    if kind == "2A18":
        status = word(data, at(kind, data, 0x08)) if data[0] & 0x08 else 0
        concentration = word(data, at(kind, data, 0x02)) if data[0] & 0x02 else 0x07FF
        above = bool(status & 0x20) or concentration == 0x07FE
        below = bool(status & 0x40) or concentration == 0x0802
        return {"blood_glucose"} if above == below and (above or concentration in SPECIAL) else set()
    status_bit, amplitude_bit = (0x02, 0x08) if kind == "2A5E" else (0x04, 0x10)
    if data[0] & status_bit and word(data, at(kind, data, status_bit)) & 0b1010_1100_0000_0000:
        return {"oxygen_saturation", "pulse_rate", "perfusion_index"}
    words = {"oxygen_saturation": word(data, 1), "pulse_rate": word(data, 3), "perfusion_index": 0x07FF}
    if data[0] & amplitude_bit:
        words["perfusion_index"] = word(data, at(kind, data, amplitude_bit))
    return {metric for metric, raw in words.items() if raw in SPECIAL}


def length_fits(kind: str, data: bytes) -> bool:
    if not data:
        return False
    base, extra, unknown = LAYOUT[kind]
    size = base + sum(each for bit, each in extra.items() if data[0] & bit)
    return len(data) == size or (len(data) > size and bool(data[0] & unknown))


def judged(frame: RawFrame) -> Measurement | Rejected:
    made = decode(frame, PARIS)
    if isinstance(made, Rejected):
        assert made.code in CODES
        assert made.reason
        assert made.frame is frame
        return made
    reading = json.loads(encode_reading(made)) | {"seq": 0}
    assert list(READING.iter_errors(reading)) == []
    assert made.raw == frame.packets
    assert all(value.value.is_finite() for value in made.values)
    assert made.values or made.flags
    return made


# ----------------------------------------------------------------------------------------------------- Bluetooth
payload = st.one_of(st.binary(max_size=24), st.binary(min_size=24, max_size=40))


@st.composite
def mutated(draw: st.DrawFn, kind: str) -> bytes:
    """Mostly the right length for its flags, with words that mean something special here and there."""
    base, extra, _ = LAYOUT[kind]
    flags = draw(st.integers(0, 0x1F) | st.integers(0, 0xFF))
    size = base - 1 + sum(each for bit, each in extra.items() if flags & bit)
    body = bytearray(draw(st.binary(min_size=size, max_size=size)))
    specials = st.sampled_from([*SPECIAL, 0xFFFF, 0x7FFF, 0x8000, 0, 0x0FFF])
    for place, raw in draw(st.lists(st.tuples(st.integers(0, size - 2), specials), max_size=3)):
        body[place : place + 2] = raw.to_bytes(2, "little")
    cut = draw(st.sampled_from([size] * 6 + [size - 1, size // 2]))
    return bytes([flags]) + bytes(body[:cut]) + draw(st.sampled_from([b""] * 6 + [b"\x00", b"\x07\xff"]))


circumstances = st.fixed_dictionaries(
    {
        "superseded": st.booleans(),
        "clock_skew": st.none() | st.timedeltas(timedelta(days=-40_000), timedelta(days=40_000)),
        "battery_percent": st.none() | st.integers(0, 255),
    }
)


def bluetooth(kind: str, counted: Counter[str]) -> Callable[[], None]:
    @given(data=payload | mutated(kind), context=st.none() | st.binary(max_size=20), around=circumstances)
    def check(data: bytes, context: bytes | None, around: dict[str, Any]) -> None:
        packets = (Packet(kind, data), *(Packet("2A34", each) for each in (context,) if each is not None))
        frame = RawFrame(
            route=f"ble/{METER}", packets=packets, received_at=NOW, received_mono_ms=1, boot="b", device=METER, **around
        )
        made = judged(frame)
        counted[type(made).__name__] += 1
        if isinstance(made, Rejected):
            assert length_fits(kind, data) == (made.code == "control_solution")
            return
        assert length_fits(kind, data)
        given_metrics = {value.metric for value in made.values}
        assert not given_metrics & invalid(kind, data)
        assert given_metrics | invalid(kind, data) >= MEASURED[made.profile]

    return check


MEASURED = {
    "weight-scale": {"body_weight"},
    "glucose-meter": {"blood_glucose"},
    "pulse-oximeter": {"oxygen_saturation", "pulse_rate"},
}


# ---------------------------------------------------------------------------------------------------------- JSON
number = st.none() | st.integers(-200_000, 200_000) | st.floats() | st.sampled_from(["LO", "HI", "lo", "5", True])
FIELDS = {
    "seq": st.none() | st.integers(-2, 2**54),
    "ts": st.none() | st.text(max_size=45) | st.datetimes().map(lambda moment: moment.isoformat()[:19]),
    "unit": st.sampled_from(["mmHg", "kPa", "mg/dL", "mmol/L", "psi", "", None]),
    "error": st.sampled_from([None, None, "E1", "E9", ""]),
    "user": st.integers(-1, 300),
    "battery": st.integers(-1, 300),
    "memory": st.booleans(),
    "trend": st.sampled_from(["rising", "falling_fast", "Steady", None]),
    **dict.fromkeys(("sys", "dia", "map", "pulse", "glucose"), number),
}


@st.composite
def scribbled(draw: st.DrawFn, kind: str) -> bytes:
    """A true record with fields changed, and now and then a byte or two."""
    serial = st.sampled_from([RECORDS[kind]["serial"]] * 8 + ["OTHER", "", 3])
    changes = draw(st.fixed_dictionaries({"serial": serial}, optional=FIELDS))
    text = bytearray(json.dumps(RECORDS[kind] | changes).encode())
    for place, byte in draw(st.lists(st.tuples(st.integers(0, len(text) - 1), st.integers(0, 255)), max_size=1)):
        text[place] = byte
    return bytes(text)


def over_mqtt(kind: str, counted: Counter[str]) -> Callable[[], None]:
    @given(data=payload | scribbled(kind))
    def check(data: bytes) -> None:
        packets = (Packet("mqtt", data),)
        frame = RawFrame(route=TOPICS[kind], packets=packets, received_at=NOW, received_mono_ms=1, boot="b")
        made = judged(frame)
        counted[type(made).__name__] += 1
        if isinstance(made, Measurement) and made.values:
            told = json.loads(data)
            assert told.get("error") is None
            assert told["serial"] == made.device
            said = {each for each in told.values() if isinstance(each, int | float | str)}
            pulse_alone = {value.metric for value in made.values} == {"pulse_rate"}
            assert pulse_alone or said & {"mmHg", "kPa", "mg/dL", "mmol/L", "LO", "HI"}

    return check


@pytest.mark.parametrize("kind", [decoder.kind for decoder in DECODERS])
def test_no_payload_breaks_a_decoder_or_becomes_a_number_it_is_not(kind: str) -> None:
    counted: Counter[str] = Counter()
    check = (over_mqtt if kind in TOPICS else bluetooth)(kind, counted)
    health = [HealthCheck.too_slow, HealthCheck.data_too_large]
    settings(max_examples=EXAMPLES, database=None, deadline=None, suppress_health_check=health)(check)()

    print(f"{kind}: {dict(counted)}")
    assert counted.total() >= EXAMPLES
    assert min(counted["Measurement"], counted["Rejected"]) >= EXAMPLES // 20
