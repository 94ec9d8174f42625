"""Every way to send something bad, by name: the bytes, and the code that answers it."""

import json
from collections.abc import Callable
from datetime import datetime
from typing import Any

from tests.unit.ingest.home import batch, kg, reading, value

Payload = Callable[[datetime], bytes]


def one(**more: Any) -> Payload:
    """A batch with one reading that has these fields; None takes a field away."""

    def made(now: datetime) -> bytes:
        fields = reading(1, now, kg(80)) | more
        return batch(now, {name: field for name, field in fields.items() if field is not None or name == "seq"})

    return made


def without(name: str) -> Payload:
    return one(**{name: None})


def raw(old: str, new: str | bytes) -> Payload:
    """The bytes of a good batch, with one piece replaced by what no encoder would write."""

    def made(now: datetime) -> bytes:
        good = one()(now)
        assert good.count(old.encode()) == 1, old
        return good.replace(old.encode(), new if isinstance(new, bytes) else new.encode())

    return made


def head(**more: Any) -> Payload:
    return lambda now: batch(now, reading(1, now, kg(80)), **more)


def headless(name: str) -> Payload:
    def made(now: datetime) -> bytes:
        body = json.loads(batch(now, reading(1, now, kg(80))))
        return json.dumps({key: item for key, item in body.items() if key != name}).encode()

    return made


def always(payload: bytes) -> Payload:
    return lambda _now: payload


def with_value(**more: Any) -> Payload:
    return one(values=[kg(80)[0] | more])


# The message cannot be read: answered with its hash.
WHOLE: dict[str, tuple[Payload, str]] = {
    "undecodable": (always(b"\x01\x02 not JSON"), "undecodable"),
    "empty": (always(b""), "undecodable"),
    "not UTF-8": (raw('"b-1"', b'"\xff\xfe"'), "undecodable"),
    "UTF-16": (lambda now: one()(now).decode().encode("utf-16"), "undecodable"),
    "oversize": (lambda now: one()(now) + b" " * 131_072, "too_large"),
    "deep nesting": (always(b"[" * 100_000), "undecodable"),
    "duplicate key at the top": (raw('"batch": "b-1"', '"batch": "b-1", "batch": "b-2"'), "undecodable"),
    "duplicate key in a reading": (raw('"seq": 1', '"seq": 1, "seq": 2'), "undecodable"),
    "duplicate key in other letters": (raw('"seq": 1', '"seq": 1, "\\u0073eq": 2'), "undecodable"),
    "duplicate key in a value": (raw('"value": 80', '"value": 80, "value": 81'), "undecodable"),
    "duplicate key in what was shown": (
        raw('"value": 80', '"value": 80, "shown": {"value": 80, "value": 81, "unit": "kg"}'),
        "undecodable",
    ),
    "duplicate key with no space": (
        lambda now: one()(now).replace(b": ", b":").replace(b'"seq":1', b'"seq":1,"seq":2'),
        "undecodable",
    ),
    "duplicate key beside a reading that is refused": (
        lambda now: batch(now, reading(1, now, kg(80)), {"seq": 2}).replace(b'"seq": 1', b'"seq": 1, "seq": 3'),
        "undecodable",
    ),
    "NaN": (raw('"value": 80', '"value": NaN'), "undecodable"),
    "Infinity": (raw('"value": 80', '"value": -Infinity'), "undecodable"),
    "4301 digits": (raw('"value": 80', '"value": ' + "1" * 4301), "undecodable"),
    "lone surrogate": (raw(f'"{"AA:BB:CC:00:00:01"}"', '"\\ud800"'), "undecodable"),
    "lone surrogate in a batch that is wrong otherwise": (
        lambda now: head(v=2)(now).replace(b'"b-1"', b'"\\ud800"'),
        "schema",
    ),
    "another version": (head(v=2), "schema"),
    "no batch": (headless("batch"), "schema"),
    "no spool": (headless("spool"), "schema"),
    "spool with U+0000": (head(spool="a\0b"), "schema"),
    "unknown field at the top": (head(patient="x"), "schema"),
    "sent_at without offset": (head(sent_at="2026-03-02T12:00:00"), "schema"),
    "null at the top": (head(boot=None), "schema"),
    "no readings": (head(readings=[]), "schema"),
    "201 readings": (lambda now: batch(now, *({"seq": number} for number in range(201))), "schema"),
    "no seq": (without("seq"), "schema"),
    "negative seq": (one(seq=-1), "schema"),
    "seq beyond 2**53": (one(seq=2**53), "schema"),
    "seq 2**70": (one(seq=2**70), "schema"),
    "seq a bool": (one(seq=True), "schema"),
    "a reading that is no object": (lambda now: batch(now, 7), "schema"),
}

# One reading is bad: answered with its number.
SINGLE: dict[str, tuple[Payload, str]] = {
    "unknown metric": (one(values=[value("vigour", 1, "1")]), "unknown_metric"),
    "wrong unit": (with_value(unit="[lb_av]"), "wrong_unit"),
    "no unit": (one(values=[{"metric": "body_weight", "value": 80}]), "schema"),
    "1e400": (raw('"value": 80', '"value": 1e400'), "not_a_number"),
    "1e300": (raw('"value": 80', '"value": 1e300'), "not_a_number"),
    "value 2**70": (with_value(value=2**70), "not_a_number"),
    "shown 1e300": (with_value(shown={"value": 1e300, "unit": "kg"}), "not_a_number"),
    "bool as number": (with_value(value=True), "schema"),
    "text as number": (with_value(value="80"), "schema"),
    "null as number": (with_value(value=None), "schema"),
    "null in a reading": (raw('"seq": 1', '"seq": 1, "boot": null'), "schema"),
    "null in a value": (with_value(comparator=None), "schema"),
    "unknown field": (one(secret="x"), "schema"),
    "unknown field in a value": (with_value(secret="x"), "schema"),
    "missing device": (without("device"), "schema"),
    "missing flags": (without("flags"), "schema"),
    "unknown profile": (one(profile="Pat Invented"), "schema"),
    "unknown comparator": (with_value(comparator=">="), "schema"),
    "metric twice": (one(values=kg(80) + kg(81)), "schema"),
    "17 values": (one(values=kg(80) * 17), "schema"),
    "device too long": (one(device="x" * 65), "schema"),
    "device with U+0000": (one(device="a\0b"), "schema"),
    "nested 900 deep": (raw('"value": 80', '"value": ' + "[" * 900 + "]" * 900), "schema"),
    "flag with a line feed": (one(flags=["loose\n"]), "schema"),
    "no offset": (one(measured_at="2026-03-02T12:00:00"), "bad_time"),
    "no time at all": (one(received_at="yesterday"), "bad_time"),
    "30 February": (one(measured_at="2026-02-30T12:00:00Z"), "bad_time"),
}
