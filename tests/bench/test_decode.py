"""What one record costs the gateway: read and judged, as a multiple of merely unpacking its bytes. Best of five."""

import json
import platform
import struct
import timeit
from pathlib import Path
from zoneinfo import ZoneInfo

from device_gateway.decoders import decode
from device_gateway.frames import Measurement, RawFrame
from device_gateway.wire import encode_reading
from tests.unit.gateway.parts import CUFF, frame, record
from tests.unit.gateway.test_mqtt_glucose_json import ROUTE, SENSOR

ROUNDS, RUNS = 2000, 5
RESULTS = Path(__file__).parent / "results"
PARIS = ZoneInfo("Europe/Paris")
RECORDS: dict[str, tuple[RawFrame, str]] = {
    "2A9D": (record(("2A9D", "06983fea070b16073b3a01")), "<BHH5BB"),
    "2A18": (record(("2A18", "0b0700ea070b16073700c4ff01d0110000")), "<BHH5BhHBH"),
    "2A18 + 2A34": (record(("2A18", "120700ea070b1607370001d011"), ("2A34", "02070002")), "<BHH5BHB"),
    "2A5E": (record(("2A5E", "0f62004800ea070b16073700000000000023e0")), "<BHHH5BH3sH"),
    "2A5F": (record(("2A5F", "1c62004800000000000023e0")), "<BHHH3sH"),
    "mqtt_cuff_json": (frame(json.dumps(CUFF).encode()), ""),
    "mqtt_glucose_json": (frame(json.dumps(SENSOR).encode(), route=ROUTE), ""),
}


def best_us(statement: str, **names: object) -> float:
    timer = timeit.Timer(statement, globals=names)
    return min(timer.repeat(RUNS, ROUNDS)) / ROUNDS * 1e6


def bare_us(data: bytes, layout: str) -> float:
    if not layout:
        return best_us("loads(data)", loads=json.loads, data=data)
    return best_us("unpack(layout, data)", unpack=struct.unpack, layout=layout, data=data)


def test_decode() -> None:
    rows = {}
    for name, (arrived, layout) in RECORDS.items():
        made = decode(arrived, PARIS)
        assert isinstance(made, Measurement)
        assert made.values
        bare = bare_us(arrived.packets[0].data, layout)
        decoded = best_us("decode(arrived, PARIS)", decode=decode, arrived=arrived, PARIS=PARIS)
        encoded = best_us("encode(made)", encode=encode_reading, made=made)
        rows[name] = {
            "bare_us": round(bare, 2),
            "decode_us": round(decoded, 1),
            "encode_us": round(encoded, 1),
            "ratio": round(decoded / bare, 1),
        }
    print(f"\n{'':<20}{'unpacked':>10}{'decoded':>10}{'encoded':>10}{'ratio':>8}   (µs, best of {RUNS})")
    for name, row in rows.items():
        print(f"{name:<20}" + "".join(f"{row[each]:>10}" for each in ("bare_us", "decode_us", "encode_us", "ratio")))
    result = {"records": rows, "python": platform.python_version()}
    (RESULTS / "decode.json").write_text(json.dumps(result, indent=2) + "\n")
    assert all(row["ratio"] > 0 for row in rows.values())
