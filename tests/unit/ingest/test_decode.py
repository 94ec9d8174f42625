"""What is read from the wire, and what is not: only ``BadMessage`` escapes, and every good reading keeps the schema."""

import itertools
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from hub.domain.metrics import METRICS
from hub.services.ingest.decode import Bad, BadMessage, Good, _check_keys, decode, read_again
from hub.services.ingest.wire import MAX_BYTES
from tests.unit.ingest.bad_input import SINGLE, WHOLE
from tests.unit.ingest.home import batch, kg, reading, value

NOW = datetime(2026, 3, 2, 12, 4, tzinfo=UTC)
SCHEMA = json.loads((Path(__file__).parents[3] / "config/wire/reading-batch.v1.schema.json").read_text())
BATCH = Draft202012Validator(SCHEMA)
CODES = {
    one["const"]
    for one in json.loads((Path(__file__).parents[3] / "config/wire/ack.v1.schema.json").read_text())["$defs"]["code"][
        "oneOf"
    ]
}


@pytest.mark.parametrize("kind", WHOLE)
def test_a_message_that_cannot_be_read_says_why_without_a_word_of_it(kind: str) -> None:
    made, code = WHOLE[kind]
    with pytest.raises(BadMessage) as raised:
        decode(made(NOW))
    assert raised.value.code == code
    assert "Pat" not in raised.value.sentence
    (raised.value.batch or "").encode()


@pytest.mark.parametrize("kind", SINGLE)
def test_a_bad_reading_is_refused_alone(kind: str) -> None:
    made, code = SINGLE[kind]
    payload = made(NOW)
    (bad,) = decode(payload).readings
    assert isinstance(bad, Bad)
    assert (bad.seq, bad.code) == (1, code)
    assert "Pat" not in bad.sentence
    assert "secret" not in bad.sentence
    assert (
        payload[bad.begin : bad.end]
        == payload[payload.index(b'"readings"') :].split(b"[", 1)[1].rsplit(b"]", 1)[0].strip()
    )


def test_each_reading_is_told_from_one_that_is_hidden_in_another() -> None:
    """The same bytes once in a bad reading and once for themselves, and the same reading twice."""
    good = reading(1, NOW, kg(80))
    payload = batch(NOW, {"seq": 2, "oops": good}, good, good)
    spans = [(one.begin, one.end) for one in decode(payload).readings]
    assert [json.loads(payload[begin:end]) for begin, end in spans] == [{"seq": 2, "oops": good}, good, good]
    assert sorted(spans) == spans
    assert len(set(spans)) == 3
    assert all(end <= begin for (_, end), (begin, _) in itertools.pairwise(spans))


def test_a_reading_is_found_where_its_beginning_stands_before_it_too() -> None:
    begins = b"{" + b" " * 40
    alone = json.dumps(reading(1, NOW, kg(80))).encode().replace(b"{", begins, 1)
    payload = batch(NOW, spool=begins.decode()).replace(b"[]", b"[" + alone + b"]")
    assert begins in payload[: payload.index(alone)]
    (good,) = decode(payload).readings
    assert payload[good.begin : good.end] == alone


def test_its_neighbours_in_the_batch_stay_good() -> None:
    payload = batch(NOW, reading(1, NOW, kg(80)), {"seq": 2, "oops": 1}, reading(3, NOW, kg(81)))
    assert [type(one) for one in decode(payload).readings] == [Good, Bad, Good]


@pytest.mark.parametrize(
    "fields",
    [
        {"values": [], "flags": ["measurement_failed"]},
        {"measured_at": "1970-01-01T00:00:00Z"},
        {"measured_at": "2199-01-01T00:00:00+14:00"},
        {"values": [value("blood_glucose", 600, "mg/dL", comparator=">")]},
        {"received_mono_ms": 2**70},
        {"values": [value("body_weight", -3, "kg")]},
        {"device": "Zoë's scale ⚖"},
    ],
)
def test_what_is_odd_but_keeps_the_schema_is_good(fields: dict[str, Any]) -> None:
    payload = batch(NOW, reading(1, NOW, kg(80)) | fields)
    BATCH.validate(json.loads(payload))
    (good,) = decode(payload).readings
    assert isinstance(good, Good)


def test_exactly_200_readings_and_exactly_the_largest_size_are_taken() -> None:
    payload = batch(NOW, *(reading(number, NOW, kg(80)) for number in range(200)))
    assert len(decode(payload.ljust(MAX_BYTES)).readings) == 200


def test_spaces_and_the_order_of_fields_change_no_digest() -> None:
    one = reading(1, NOW, kg(80))
    (first,) = decode(batch(NOW, one)).readings
    (second,) = decode(json.dumps(json.loads(batch(NOW, dict(reversed(one.items())))), indent=1).encode()).readings
    assert first.digest == second.digest


def test_a_record_is_known_by_what_was_measured_not_by_how_a_gateway_says_it() -> None:
    def record_digest(values: list[dict[str, Any]], **more: Any) -> bytes:
        (good,) = decode(batch(NOW, reading(1, NOW, values, **more))).readings
        assert isinstance(good, Good)
        return good.record_digest

    both = [value("oxygen_saturation", 97, "%"), value("pulse_rate", 60, "/min")]
    shown = [both[0] | {"value": 97.001, "shown": {"value": 97, "unit": "%"}}, both[1]]
    assert record_digest(both) == record_digest(shown[::-1], decoder="other/2", battery_percent=3)
    assert record_digest(both) != record_digest([value("oxygen_saturation", 96, "%"), both[1]])


# Fuzz ------------------------------------------------------------------------------------------------------------

anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=70),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
times = st.datetimes(timezones=st.just(UTC)).map(datetime.isoformat) | st.text(max_size=30)
values_ = st.fixed_dictionaries(
    {
        "metric": st.sampled_from(sorted(METRICS)) | st.text(max_size=8),
        "value": st.floats(-1e13, 1e13) | st.integers(-(10**13), 10**13) | anything,
        "unit": st.sampled_from(sorted({metric.unit for metric in METRICS.values()})),
    },
    optional={"comparator": st.sampled_from(["<", ">", "="]), "shown": anything, "x": anything},
)
readings_ = st.fixed_dictionaries(
    {
        "seq": st.integers(-1, 2**53) | anything,
        "device": st.text(max_size=66) | anything,
        "profile": st.sampled_from(SCHEMA["$defs"]["reading"]["properties"]["profile"]["enum"]) | st.text(max_size=8),
        "measured_at": times,
        "received_at": times,
        "values": st.lists(values_, max_size=3) | anything,
        "flags": st.lists(st.from_regex(r"\A[a-z][a-z0-9_]{0,47}\Z") | st.text(max_size=5), max_size=3) | anything,
    },
    optional={
        "record": st.text(max_size=130) | anything,
        "boot": anything,
        "user_index": st.integers(-1, 256),
        "battery_percent": st.integers(-1, 101),
        "received_mono_ms": st.integers(-1),
        "raw": anything,
        "y": anything,
    },
)


def check(payload: bytes) -> None:
    """Whatever ``payload`` is: it is read or refused, and what is read keeps the contract."""
    try:
        read = decode(payload)
    except BadMessage as bad:
        assert_sayable(bad)
        return
    said = json.loads(payload)
    for one, sent in zip(read.readings, said["readings"], strict=True):
        assert 0 <= one.seq < 2**53
        assert json.loads(payload[one.begin : one.end]) == sent
        alone = BATCH.is_valid(said | {"readings": [sent]})
        if isinstance(one, Bad):
            assert one.code in CODES
            assert one.code != "schema" or not alone or _stricter(sent)
        else:
            assert alone, sent
            assert read_again(b'{"reading":' + payload[one.begin : one.end] + b"}") == one.reading


def assert_sayable(bad: BadMessage) -> None:
    assert bad.code in {"undecodable", "too_large", "schema"}
    (bad.batch or "").encode()


def _stricter(sent: Any) -> bool:
    """Where the hub asks for more than the schema can say."""
    metrics = [one["metric"] for one in sent.get("values", [])]
    whole = ("seq", "user_index", "battery_percent", "received_mono_ms")
    floats = any(isinstance(sent.get(name), float) for name in whole)  # 1.0 is an integer to a schema
    return len(set(metrics)) < len(metrics) or "\\u0000" in json.dumps(sent) or floats


@settings(max_examples=100, deadline=None)
@given(st.lists(readings_, min_size=1, max_size=3), st.dictionaries(st.sampled_from(["boot", "batch", "v"]), anything))
def test_every_batch_is_read_by_the_schema(readings: list[Any], more: dict[str, Any]) -> None:
    check(
        json.dumps(
            {"v": 1, "batch": "b", "spool": "s", "sent_at": NOW.isoformat(), "readings": readings} | more
        ).encode()
    )


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=60) | anything.map(json.dumps).map(str.encode))
@example(b"\xef\xbb\xbf{}")
@example(b'{"v": 1e999}')
def test_bytes_of_any_kind_never_get_through(payload: bytes) -> None:
    check(payload)


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_a_good_batch_with_some_bytes_changed_never_gets_through(data: st.DataObject) -> None:
    payload = bytearray(batch(NOW, reading(1, NOW, kg(80), record="r-1", boot="b", received_mono_ms=5)))
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(payload) - 1))
        payload[place : place + data.draw(st.integers(0, 2))] = data.draw(st.binary(max_size=3))
    check(bytes(payload))


KEY_TWICE = '{"v":1,"v":1,"batch":"b","spool":"%s","sent_at":"2026-03-02T12:04:00Z","readings":[{}]}'


@pytest.mark.parametrize(
    "payload",
    [
        KEY_TWICE % "s",
        KEY_TWICE.replace('"v":1,"v":1', '"v" :1,"v":1') % "s",
        KEY_TWICE.replace('"v":1,"v":1', '"v"\t:\n1,"v":1') % "s",
        KEY_TWICE % "\\u0022:",  # a text that holds what ends a key must not stand in for the key that is gone
        KEY_TWICE % '\\":',
        KEY_TWICE.replace('"v":1,"v":1', '"\\u0076":1,"v":1') % "s",
    ],
)
def test_a_key_that_stands_twice_is_seen_however_it_is_written(payload: str) -> None:
    with pytest.raises(BadMessage) as refused:
        decode(payload.encode())
    assert (refused.value.code, refused.value.sentence) == ("undecodable", "an object has the same key twice")


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers(-9, 9) | st.text('a":\\ ', max_size=4),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.lists(st.tuples(st.text('a":\\ ', max_size=3), inner), max_size=3).map(dict)
        ),
        max_leaves=8,
    ),
    st.sampled_from([(",", ":"), (", ", ": "), (" ,", " :")]),
)
def test_keys_that_stand_once_are_never_taken_for_twice(document: object, marks: tuple[str, str]) -> None:
    _check_keys(json.dumps(document, separators=marks).encode())
