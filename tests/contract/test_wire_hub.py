"""What the hub reads from and says to a gateway keeps the contract in config/wire, field by field."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, get_args

import msgspec
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from hub.domain.metrics import METRICS
from hub.services.equipment import PROFILES
from hub.services.ingest import wire
from hub.services.ingest.status import read_status
from hub.services.ingest.wire import Ack, BatchAck, ErrorAck, Result
from tests.unit.ingest.test_fate import Message

WIRE = Path(__file__).parents[2] / "config/wire"


def schema(name: str) -> Any:
    found = json.loads((WIRE / f"{name}.v1.schema.json").read_text())
    Draft202012Validator.check_schema(found)
    return found


BATCH, ACK, STATUS = schema("reading-batch"), schema("ack"), schema("status")
CODES = [one["const"] for one in ACK["$defs"]["code"]["oneOf"]]
STATUSES = ACK["$defs"]["result"]["properties"]["status"]["enum"]
ERRORS = ACK["$defs"]["error"]["properties"]["error"]["enum"]


def test_both_programs_have_one_table_of_metrics() -> None:
    table = json.loads((WIRE / "metrics.v1.json").read_text())["metrics"]
    ours = {
        name: {
            "unit": metric.unit,
            "low": float(metric.low),
            "high": float(metric.high),
            "resolution": str(metric.resolution),
        }
        for name, metric in METRICS.items()
    }
    assert ours == {name: row | {"low": float(row["low"]), "high": float(row["high"])} for name, row in table.items()}


def test_the_hub_reads_every_field_of_the_contract_and_no_other() -> None:
    definitions = BATCH["$defs"]
    for struct, described in (
        (wire.Envelope, BATCH),
        (wire.Reading, definitions["reading"]),
        (wire.Value, definitions["value"]),
        (wire.Shown, definitions["value"]["properties"]["shown"]),
        (wire.Packet, definitions["packet"]),
    ):
        fields = msgspec.structs.fields(struct)
        assert {field.name for field in fields} == set(described["properties"]), struct
        assert {field.name for field in fields if field.required} == set(described["required"]), struct


def test_the_limits_are_the_contracts() -> None:
    reading = BATCH["$defs"]["reading"]["properties"]
    assert set(get_args(wire.Profile)) == set(reading["profile"]["enum"]) == PROFILES
    assert BATCH["properties"]["readings"]["maxItems"] == wire.MAX_READINGS
    assert str(wire.MAX_BYTES) in BATCH["description"]
    ours = msgspec.json.schema(wire.Reading)["$defs"]["Reading"]["properties"]
    for name, described in reading.items():
        for bound in ("minLength", "maxLength", "maxItems", "minimum", "maximum"):
            if bound in described:
                assert bounds(ours[name])[bound] == described[bound], (name, bound)


def bounds(described: dict[str, Any]) -> dict[str, Any]:
    """Of a field that may be null: those of what it is otherwise."""
    return next((one for one in described.get("anyOf", ()) if one.get("type") != "null"), described)


batch_acks = st.builds(
    BatchAck,
    batch=st.text(min_size=1, max_size=64),
    spool=st.text(min_size=1, max_size=64),
    results=st.lists(
        st.builds(Result, seq=st.integers(0, 2**53 - 1), status=st.sampled_from(STATUSES[:2]))
        | st.builds(Result, seq=st.integers(0), status=st.sampled_from(STATUSES[2:]), code=st.sampled_from(CODES)),
        max_size=4,
    ),
)
error_acks = st.builds(
    ErrorAck,
    batch=st.none() | st.text(max_size=64),
    payload_sha256=st.from_regex(r"\A[0-9a-f]{64}\Z"),
    error=st.sampled_from(ERRORS),
)


@given(st.lists(batch_acks | error_acks, min_size=1, max_size=4))
def test_every_acknowledgement_keeps_the_contract(acks: list[BatchAck | ErrorAck]) -> None:
    encoded = msgspec.json.encode(Ack(1, "2026-03-02T12:04:00.000Z", acks))
    Draft202012Validator(ACK).validate(json.loads(encoded))


@given(
    st.fixed_dictionaries(
        {"v": st.just(1), "online": st.booleans()},
        optional={
            "spool_depth": st.integers(0, 2**31 - 1),
            "spool_dropped_total": st.integers(0, 2**31 - 1),
            "spool_oldest_age_s": st.none() | st.floats(0, 1e9),
            "clock_offset_s": st.none() | st.floats(-(2.0**32), 2.0**32),
            "version": st.text(max_size=32),
            "devices": st.lists(
                st.fixed_dictionaries(
                    {"device": st.text(max_size=64)},
                    optional={
                        "battery_percent": st.none() | st.integers(0, 100),
                        "profile": st.text(max_size=9),
                        "last_seen_at": st.none() | st.datetimes(timezones=st.just(UTC)).map(datetime.isoformat),
                        "bond": st.sampled_from(["paired", "lost"]),
                        "quarantined": st.integers(0),
                    },
                ),
                max_size=3,
            ),
        },
    ).filter(lambda body: "\\u0000" not in json.dumps(body))
)
def test_every_status_that_keeps_the_contract_is_read(body: dict[str, Any]) -> None:
    Draft202012Validator(STATUS).validate(body)
    from tests.unit.domain.builders import NOW

    message = Message.received("rpm/v1/g/up/status", json.dumps(body).encode(), NOW, redelivered=False)
    read = read_status(message)
    assert (read.online, read.spool_depth) == (body["online"], body.get("spool_depth"))
    told = [one["device"] for one in body["devices"]] if "devices" in body else None
    assert (None if read.devices is None else [one.address for one in read.devices]) == told
