"""Bytes of a batch message to readings that can be judged, or the reason why not.

Nothing is repaired: a message that cannot be read is refused whole, a reading that breaks the schema alone.
"""

import json
import math
import re
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b
from typing import NoReturn

import msgspec

from hub.services.ingest.wire import MAX_BYTES, UNITS, Envelope, Reading

_INSTANT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?(Z|[+-][0-9]{2}:[0-9]{2})")
_ENVELOPE = msgspec.json.Decoder(Envelope)
_READING = msgspec.json.Decoder(Reading)
_ENCODER = msgspec.json.Encoder(order="deterministic")
_DEPTH = 32
"""Levels of nesting the schema could ever need, and some; deeper is an attack or a fault."""


class BadMessage(Exception):
    """A message that cannot be read: ``code`` is the wire's error, ``sentence`` holds no value of the payload."""

    def __init__(self, code: str, sentence: str, batch: str | None = None) -> None:
        self.code = code
        self.sentence = sentence
        self.batch = batch
        super().__init__(sentence)


@dataclass(frozen=True, slots=True)
class Good:
    """A reading that keeps the schema. ``body`` is its JSON as it came."""

    reading: Reading
    measured_at: datetime
    received_at: datetime
    body: bytes
    digest: bytes
    record_digest: bytes

    @property
    def seq(self) -> int:
        """Its number in the spool."""
        return self.reading.seq


@dataclass(frozen=True, slots=True)
class Bad:
    """A reading to reject with ``code``; ``seq`` is known, so that its sender's spool can advance."""

    seq: int
    code: str
    sentence: str
    body: bytes
    digest: bytes


@dataclass(frozen=True, slots=True)
class Batch:
    """A batch. ``sent_at`` and ``sent_mono_ms`` tell how old its readings are, even if the gateway's clock is wrong."""

    batch: str
    spool: str
    sent_at: datetime
    boot: str | None
    sent_mono_ms: int | None
    readings: tuple[Good | Bad, ...]


def decode(payload: bytes) -> Batch:
    """The batch in ``payload``. Raises ``BadMessage``."""
    if len(payload) > MAX_BYTES:
        raise BadMessage("too_large", f"{len(payload)} bytes, over the {MAX_BYTES} a batch may have")
    _check_keys(payload)
    try:
        envelope = _ENVELOPE.decode(payload)
    except msgspec.ValidationError as error:
        raise BadMessage("schema", _without_values(error), _batch_of(payload)) from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadMessage("undecodable", "not JSON") from error
    try:
        sent_at = instant(envelope.sent_at)
    except ValueError as error:
        raise BadMessage("schema", "sent_at is not RFC 3339 with an offset", envelope.batch) from error
    readings = tuple(_candidate(bytes(raw), envelope.batch) for raw in envelope.readings)
    return Batch(envelope.batch, envelope.spool, sent_at, envelope.boot, envelope.sent_mono_ms, readings)


class Kept(msgspec.Struct, frozen=True):
    """A journal row's body: the reading as it came, with what its batch said of time."""

    reading: Reading


_KEPT = msgspec.json.Decoder(Kept)


def read_again(body: bytes) -> Reading:
    """The reading in a journal row's body."""
    return _KEPT.decode(body).reading


def instant(text: str) -> datetime:
    """The aware instant of an RFC 3339 text with an offset. Raises ``ValueError``."""
    if _INSTANT.fullmatch(text) is None:
        raise ValueError("not RFC 3339 with an offset")
    return datetime.fromisoformat(text)


def _check_keys(payload: bytes) -> None:
    """Refuse duplicate keys, where a later value would silently win, and nesting no schema needs."""
    if payload.count(b"[") + payload.count(b"{") > _DEPTH and _depth(payload) > _DEPTH:
        raise BadMessage("undecodable", f"nested deeper than {_DEPTH} levels")
    try:
        json.loads(payload, object_pairs_hook=_unique, parse_constant=_no_constant)
    except BadMessage:
        raise
    except (ValueError, RecursionError) as error:
        raise BadMessage("undecodable", "not JSON") from error


def _depth(payload: bytes) -> int:
    """The deepest nesting of brackets, those in texts counted too: enough to tell an attack."""
    depth = deepest = 0
    for byte in payload:
        if byte in b"[{":
            depth += 1
            deepest = max(deepest, depth)
        elif byte in b"]}":
            depth -= 1
    return deepest


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise BadMessage("undecodable", "an object has the same key twice")
    return found


def _no_constant(_text: str) -> NoReturn:
    raise BadMessage("undecodable", "NaN or Infinity, which JSON does not have")


def _candidate(body: bytes, batch: str) -> Good | Bad:
    try:
        reading = _READING.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        return Bad(_seq_of(body, batch), "schema", _without_values(error), body, _hash(body))
    try:
        measured_at, received_at = instant(reading.measured_at), instant(reading.received_at)
    except ValueError:
        return Bad(reading.seq, "bad_time", "a time is not RFC 3339 with an offset", body, _hash(body))
    refused = _refused_value(reading)
    if refused is not None:
        return Bad(reading.seq, refused[0], refused[1], body, _hash(body))
    record = _hash(_ENCODER.encode((reading.profile, reading.values)))
    return Good(reading, measured_at, received_at, body, _hash(_ENCODER.encode(reading)), record)


def _refused_value(reading: Reading) -> tuple[str, str] | None:
    seen: set[str] = set()
    for value in reading.values:
        unit = UNITS.get(value.metric)
        if unit is None:
            return "unknown_metric", "a value's metric is not in metrics.v1"
        if value.unit != unit:
            return "wrong_unit", f"{value.metric} must be in {unit}; units are never guessed"
        if not math.isfinite(value.value) or (value.shown is not None and not math.isfinite(value.shown.value)):
            return "not_a_number", f"{value.metric} is no finite number"
        if value.metric in seen:
            return "schema", f"{value.metric} stands twice in one reading"
        seen.add(value.metric)
    return None


def _seq_of(body: bytes, batch: str) -> int:
    """The number of a broken reading. Without it nothing can be acknowledged but the whole message."""
    found = json.loads(body)
    seq = found.get("seq") if isinstance(found, dict) else None
    if isinstance(seq, int) and not isinstance(seq, bool) and 0 <= seq < 2**53:
        return seq
    raise BadMessage("schema", "a reading has no usable seq", batch)


def _batch_of(payload: bytes) -> str | None:
    found = json.loads(payload)
    batch = found.get("batch") if isinstance(found, dict) else None
    return batch if isinstance(batch, str) and len(batch) <= 64 else None


def _without_values(error: Exception) -> str:
    """msgspec names the place and the type it wanted, never the value: safe to show."""
    return str(error)[:200]


def _hash(content: bytes) -> bytes:
    return blake2b(content, digest_size=16).digest()
