"""What one record costs the gateway: read and judged, as a multiple of merely unpacking its bytes. Best of five."""

import json
import struct
import timeit
from pathlib import Path
from zoneinfo import ZoneInfo

from device_gateway.decoders import decode
from device_gateway.frames import Measurement, RawFrame
from device_gateway.wire import encode_reading
from tests.bench.record import Figure, Reference, put
from tests.unit.gateway.parts import CUFF, frame, record
from tests.unit.gateway.test_mqtt_glucose_json import ROUTE, SENSOR

ROUNDS, RUNS = 2000, 5
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


def test_decode(tmp_path: Path) -> None:
    figures = []
    for name, (arrived, layout) in RECORDS.items():
        made = decode(arrived, PARIS)
        assert isinstance(made, Measurement)
        assert made.values
        bare = Reference("merely unpacked", [bare_us(arrived.packets[0].data, layout)])
        decoded = best_us("decode(arrived, PARIS)", decode=decode, arrived=arrived, PARIS=PARIS)
        encoded = best_us("encode(made)", encode=encode_reading, made=made)
        figures += [
            Figure(f"{name}, decoded", "us", [decoded], reference=bare),
            Figure(f"{name}, encoded", "us", [encoded], reference=bare),
        ]
    put("decode", figures, tmp_path, best_of=RUNS)
    assert all(figure.value > 0 for figure in figures)
