"""Bytes of a batch message to readings that can be judged, or the reason why not.

Nothing is repaired: a message that cannot be read is refused whole, a reading that breaks the schema alone.
"""

import json
import re
from datetime import datetime
from hashlib import blake2b
from typing import NoReturn

import msgspec

from hub.domain.metrics import quantise
from hub.services.ingest.wire import MAX_BYTES, UNITS, Count, Envelope, Reading, Value

_INSTANT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?(Z|[+-][0-9]{2}:[0-9]{2})")
_ENVELOPE = msgspec.json.Decoder(Envelope)
_READING = msgspec.json.Decoder(Reading)
_ENCODER = msgspec.json.Encoder(order="deterministic")
_ENVELOPE_KEYS = 5
"""Those that are required."""

_SPACED_KEY = re.compile(rb'"[ \t\r\n]+:')
_LARGEST = 1e12
"""Beyond what any device measures, and near what a decimal at a metric's resolution can hold."""

_NUL = b"\\u0000"
_NO_NULL = "a field is null; what is not known is left out"
_TELLING = 24
"""Bytes by which a reading is found in its batch: those of its number, mostly."""

_UNSAYABLE = ("Object contains unknown field", "Invalid enum value")
"""How msgspec begins the sentences that go on with a piece of the payload."""


class BadMessage(Exception):
    """A message that cannot be read: ``code`` is the wire's error, ``sentence`` holds no value of the payload."""

    def __init__(self, code: str, sentence: str, batch: str | None = None) -> None:
        self.code = code
        self.sentence = sentence
        self.batch = batch
        super().__init__(sentence)


class Good(msgspec.Struct, frozen=True, gc=False, tag=True, array_like=True):
    """A reading that keeps the schema. Its JSON as it came is the payload's, from ``begin`` to ``end``."""

    reading: Reading
    measured_at: datetime
    received_at: datetime
    begin: int
    end: int
    digest: bytes
    record_digest: bytes

    @property
    def seq(self) -> int:
        """Its number in the spool."""
        return self.reading.seq


class Bad(msgspec.Struct, frozen=True, gc=False, tag=True, array_like=True):
    """A reading to reject with ``code``; ``seq`` is known, so that its sender's spool can advance.

    As it came it is the payload's, from ``begin`` to ``end``.
    """

    seq: int
    code: str
    sentence: str
    begin: int
    end: int
    digest: bytes


class Batch(msgspec.Struct, frozen=True, array_like=True):
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
    try:
        batch, keys = _batch(payload)
    except BadMessage:
        _check_keys(payload)  # what is not JSON is told first
        raise
    if b"\\" in payload or payload.count(b'":') + len(_SPACED_KEY.findall(payload)) != keys:
        _check_keys(payload)
    return batch


def _batch(payload: bytes) -> tuple[Batch, int]:
    """The batch, and how many keys were read in all of it; a reading that was refused counts none."""
    try:
        envelope = _ENVELOPE.decode(payload)
    except msgspec.ValidationError as error:
        raise BadMessage("schema", _without_values(error), _batch_of(payload)) from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadMessage("undecodable", "not JSON, or nested too deep") from error
    try:
        sent_at = instant(envelope.sent_at)
    except ValueError as error:
        raise BadMessage("schema", "sent_at is not RFC 3339 with an offset", envelope.batch) from error
    if b"null" in payload and _null_fields(payload):
        raise BadMessage("schema", _NO_NULL, envelope.batch)
    if "\0" in envelope.spool:
        raise BadMessage("schema", "spool holds U+0000, which no database keeps")
    clocks = (envelope.boot, envelope.sent_mono_ms)
    keys = _ENVELOPE_KEYS + len(clocks) - clocks.count(None)
    readings: list[Good | Bad] = []
    end = 0
    for raw in envelope.readings:
        body = bytes(raw)
        begin = _place(payload, body, end)
        end = begin + len(body)
        reading, its_keys = _candidate(body, begin, envelope.batch)
        readings.append(reading)
        keys += its_keys
    return Batch(envelope.batch, envelope.spool, sent_at, *clocks, tuple(readings)), keys


def _place(payload: bytes, body: bytes, after: int) -> int:
    """Where ``body`` stands. By its first bytes, for looking for so long a text is prepared for first."""
    begin = payload.index(body[:_TELLING], after)
    return begin if payload.startswith(body, begin) else payload.index(body, after)


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
    """Refuse duplicate keys, where a later value would silently win, and all that is not JSON.

    It takes longer than all else. Without a backslash no text holds a quote, so each ``":`` ends a key: where there are
    as many as were read none stands twice, and this need not be asked.
    """
    try:
        json.loads(payload, object_pairs_hook=_unique, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise BadMessage("undecodable", "not JSON, or nested too deep") from error


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise BadMessage("undecodable", "an object has the same key twice")
    return found


def _no_constant(_text: str) -> NoReturn:
    raise BadMessage("undecodable", "NaN or Infinity, which JSON does not have")


def _candidate(body: bytes, begin: int, batch: str) -> tuple[Good | Bad, int]:
    """A reading, and how many keys were read in it."""
    span = begin, begin + len(body)
    try:
        reading = _READING.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        code = "not_a_number" if str(error).startswith("Number out of range") else "schema"
        return Bad(_seq_of(body, batch), code, _without_values(error), *span, _hash(body)), 0
    try:
        measured_at, received_at = instant(reading.measured_at), instant(reading.received_at)
    except ValueError:
        return Bad(reading.seq, "bad_time", "a time is not RFC 3339 with an offset", *span, _hash(body)), 0
    refused = _refused_value(reading) or (_refused_text(reading) if _NUL in body else None)
    if b"null" in body and _holds_null(msgspec.json.decode(body)):
        refused = "schema", _NO_NULL
    if refused is not None:
        return Bad(reading.seq, *refused, *span, _hash(body)), 0
    said = _ENCODER.encode(reading)
    good = Good(reading, measured_at, received_at, *span, _hash(said), _record_digest(reading))
    return good, said.count(b'":')


def _refused_value(reading: Reading) -> tuple[str, str] | None:
    seen: set[str] = set()
    for value in reading.values:
        unit = UNITS.get(value.metric)
        if unit is None:
            return "unknown_metric", "a value's metric is not in metrics.v1"
        if value.unit != unit:
            return "wrong_unit", f"{value.metric} must be in {unit}; units are never guessed"
        if not all(-_LARGEST < number < _LARGEST for number in _numbers(value)):
            return "not_a_number", f"{value.metric} is no number that can be measured"
        if value.metric in seen:
            return "schema", f"{value.metric} stands twice in one reading"
        seen.add(value.metric)
    return None


def _numbers(value: Value) -> tuple[float, ...]:
    return (value.value,) if value.shown is None else (value.value, value.shown.value)


def _refused_text(reading: Reading) -> tuple[str, str] | None:
    texts = [reading.device, reading.record or "", *(value.shown.unit for value in reading.values if value.shown)]
    return ("schema", "a text holds U+0000, which no database keeps") if any("\0" in text for text in texts) else None


def _null_fields(payload: bytes) -> list[str]:
    """Of the envelope."""
    return [name for name, field in msgspec.json.decode(payload).items() if field is None]


def _holds_null(said: object) -> bool:
    """To msgspec a null is as good as no field; the contract has none."""
    inner = said.values() if isinstance(said, dict) else said if isinstance(said, list) else ()
    return said is None or any(map(_holds_null, inner))


def _record_digest(reading: Reading) -> bytes:
    """Of what was measured alone: two gateways that hear one device say it in their own words."""
    values = sorted((v.metric, str(quantise(v.metric, v.value)), v.comparator or "") for v in reading.values)
    return _hash(_ENCODER.encode((reading.profile, values)))


class _Numbered(msgspec.Struct):
    seq: Count


class _Named(msgspec.Struct):
    batch: str | None = None


_NUMBERED, _NAMED = msgspec.json.Decoder(_Numbered), msgspec.json.Decoder(_Named)


def _seq_of(body: bytes, batch: str) -> int:
    """The number of a broken reading. Without it nothing can be acknowledged but the whole message."""
    try:
        return _NUMBERED.decode(body).seq
    except msgspec.DecodeError as error:
        raise BadMessage("schema", "a reading has no usable seq", batch) from error


def _batch_of(payload: bytes) -> str | None:
    """The name of a broken batch, if it has one that can be said back."""
    try:
        batch = _NAMED.decode(payload).batch
    except msgspec.DecodeError:
        return None
    return batch if batch is not None and len(batch) <= 64 else None


def _without_values(error: Exception) -> str:
    """msgspec names the place and the type it wanted; of the payload itself nothing is said."""
    said = str(error)
    return next((begin for begin in _UNSAYABLE if said.startswith(begin)), said[:200])


def _hash(content: bytes) -> bytes:
    return blake2b(content, digest_size=16).digest()
