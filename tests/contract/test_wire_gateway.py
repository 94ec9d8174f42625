"""What the gateway puts on the wire keeps the contract in config/wire, field by field."""

import json
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, get_args, get_type_hints
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator, FormatChecker

from device_gateway import wire
from device_gateway.decoders.mqtt_cuff_json import decode
from device_gateway.device_time import place
from device_gateway.frames import Measurement, Packet, Shown, Value
from device_gateway.metrics import METRICS
from tests.unit.gateway.parts import CUFF, NOW, frame, measurement

WIRE = Path(__file__).parents[2] / "config/wire"
HEAD = wire.BatchHead(batch="01JD", spool="01JC", boot="7f3a", sent_at=NOW, sent_mono_ms=512_345)
FORMATS = FormatChecker()
FULL = measurement(
    values=(
        Value("body_weight", Decimal("81.40"), shown=Shown(Decimal("179.5"), "[lb_av]")),
        Value("blood_glucose", Decimal("600.00"), comparator=">"),
    ),
    flags=("cuff_loose", "device_error"),
    device_time="2026-11-22T07:59:58",
    user_index=0,
    battery_percent=0,
    raw=(Packet("2A9D", bytes.fromhex("06983fea")), Packet("mqtt", b"")),
)


@FORMATS.checks("date-time", raises=ValueError)
def is_instant(text: object) -> bool:
    return not isinstance(text, str) or datetime.fromisoformat(text).tzinfo is not None


def schema(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((WIRE / f"{name}.v1.schema.json").read_text())
    Draft202012Validator.check_schema(found)
    return found


def check(name: str, payload: bytes) -> dict[str, Any]:
    message: dict[str, Any] = json.loads(payload)
    Draft202012Validator(schema(name), format_checker=FORMATS).validate(message)
    return message


def batch_of(*measurements: Measurement) -> bytes:
    rows = ((number, wire.encode_reading(each)) for number, each in enumerate(measurements, 1))
    return wire.encode_batch(HEAD, rows)


def test_a_full_reading_fills_every_field_of_the_contract() -> None:
    message = check("reading-batch", batch_of(FULL))
    definitions = schema("reading-batch")["$defs"]
    (reading,) = message["readings"]

    assert set(message) == set(schema("reading-batch")["properties"])
    assert set(reading) == set(definitions["reading"]["properties"])
    assert {name for value in reading["values"] for name in value} == set(definitions["value"]["properties"])
    assert set(reading["raw"][0]) == set(definitions["packet"]["properties"])


def test_a_bare_reading_has_the_required_fields() -> None:
    bare = measurement(values=(), record=None)

    (reading,) = check("reading-batch", batch_of(bare))["readings"]

    assert set(schema("reading-batch")["$defs"]["reading"]["required"]) <= set(reading)
    assert (reading["values"], reading["flags"]) == ([], [])


@pytest.mark.parametrize("metric", METRICS)
def test_each_metric_goes_out_in_the_contracts_unit(metric: str) -> None:
    table = json.loads((WIRE / "metrics.v1.json").read_text())["metrics"]

    (reading,) = check("reading-batch", batch_of(measurement(values=(Value(metric, Decimal(50)),))))["readings"]

    assert reading["values"] == [{"metric": metric, "value": 50, "unit": table[metric]["unit"]}]


def test_the_limits_are_the_contracts() -> None:
    contract = schema("reading-batch")
    reading = contract["$defs"]["reading"]["properties"]

    assert contract["properties"]["readings"]["maxItems"] == wire.MAX_READINGS
    assert str(wire.MAX_BATCH_BYTES) in contract["description"]
    assert reading["raw"]["maxItems"] == wire.MAX_PACKETS
    assert contract["$defs"]["packet"]["properties"]["data"]["maxLength"] == 2 * wire.MAX_PACKET_BYTES
    assert schema("status")["properties"]["devices"]["maxItems"] == wire.MAX_DEVICES


cuffs = st.fixed_dictionaries(
    {"serial": st.just("CF-1042")},
    optional={
        "seq": st.integers(0, 2**53 - 1),
        "ts": st.text(max_size=40) | st.datetimes().map(lambda moment: moment.strftime("%Y-%m-%dT%H:%M:%S")),
        "user": st.integers(-10, 999),
        "unit": st.sampled_from(["mmHg", "kPa"]),
        "sys": st.floats(-100_000, 100_000),
        "dia": st.integers(-100_000, 100_000),
        "map": st.none(),
        "pulse": st.floats(0, 300),
        "battery": st.integers(-10, 999),
        "error": st.text(max_size=5),
        "motion": st.booleans(),
        "memory": st.booleans(),
    },
)


@given(record=cuffs, zone=st.sampled_from(["UTC", "America/Chicago", "Asia/Kathmandu", "Africa/Monrovia"]))
def test_whatever_a_cuff_says_the_batch_keeps_the_contract(record: dict[str, Any], zone: str) -> None:
    made = decode(frame(json.dumps(record).encode()), ZoneInfo(zone))

    if isinstance(made, Measurement):
        check("reading-batch", batch_of(made))


@given(moment=st.datetimes().map(lambda moment: moment.strftime("%Y-%m-%dT%H:%M:%S")))
def test_every_time_of_a_device_has_a_form_the_contract_knows(moment: str) -> None:
    measured_at, flags = place(moment, ZoneInfo("Africa/Monrovia"), NOW)

    check("reading-batch", batch_of(measurement(measured_at=measured_at, flags=flags)))


def test_a_full_status_fills_every_field_of_the_contract() -> None:
    status = wire.Status(
        v=1,
        online=True,
        at=wire.instant(NOW),
        version="0.1.0",
        spool="01JC",
        boot="7f3a",
        spool_depth=0,
        spool_oldest_age_s=None,
        spool_dropped_total=0,
        quarantined_total=0,
        clock_offset_s=-0.25,
        devices=(wire.Device("C1:5C:A1:E0:00:01", "weight-scale", wire.instant(NOW), None, "lost", 2),),
    )

    message = check("status", wire.encode_status(status))

    assert set(message) == set(schema("status")["properties"])
    assert set(message["devices"][0]) == set(schema("status")["properties"]["devices"]["items"]["properties"])


def test_the_last_will_keeps_the_contract() -> None:
    assert check("status", wire.encode_status(wire.Status(v=1, online=False, spool="s"))) == {
        "v": 1,
        "online": False,
        "spool": "s",
    }


def test_the_gateway_knows_every_answer_of_the_contract() -> None:
    definitions = schema("ack")["$defs"]
    statuses = definitions["result"]["properties"]["status"]["enum"]
    errors = definitions["error"]["properties"]["error"]["enum"]

    assert list(get_args(get_type_hints(wire.Result)["status"])) == statuses
    assert list(get_args(get_args(get_type_hints(wire.BatchAck)["error"])[0])) == errors
    for status in statuses:
        ack = {
            "v": 1,
            "hub_time": "2026-11-22T07:00:05Z",
            "acks": [{"batch": "b", "spool": "s", "results": [{"seq": 1, "status": status, "code": "schema"}]}],
        }
        Draft202012Validator(schema("ack")).validate(ack)
        assert wire.decode_ack(json.dumps(ack).encode()).acks[0].results[0].status == status


def test_the_documented_cuff_record_is_a_valid_batch() -> None:
    made = decode(frame(json.dumps(CUFF).encode()), ZoneInfo("Europe/Paris"))

    assert isinstance(made, Measurement)
    check("reading-batch", batch_of(made))
