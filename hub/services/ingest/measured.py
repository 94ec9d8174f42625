"""All that can be said of a batch without asking the database: what was measured, when, and how long ago.

Ingest's receiver works it out while the writer writes, and hands it over packed.
"""

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Literal

import msgspec

from hub.domain import screening
from hub.domain.at_once import in_table
from hub.domain.effective import Stamp, age_at_receipt, effective_time
from hub.domain.metrics import quantise
from hub.services.ingest.decode import Bad, Batch, Good
from hub.services.ingest.wire import Reading, Shown

_NO_CLOCK_MS = 2**53
"""A monotonic clock that counts this many has gone wrong."""

_MICROSECOND = timedelta(microseconds=1)


class Value(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """One value in its metric's unit. ``flags``: what screening found, beside the reading's own."""

    metric: str
    value: float
    comparator: Literal["<", ">"] | None
    shown: Shown | None
    flags: tuple[str, ...]


class Measured(msgspec.Struct, frozen=True, gc=False, tag=True, array_like=True):
    """A reading that keeps the schema.

    ``at``: its effective time, in UTC and whole milliseconds; ``suspect``: it is the hub's, for the reading's cannot
    be. ``age_us``: how long ago its gateway received it, by that gateway's clock as it is; ``in_device_us``: how long
    before that it was measured, by the device's. As it came it is the payload's, from ``begin`` to ``end``.
    """

    seq: int
    device: str
    profile: str
    values: tuple[Value, ...]
    flags: tuple[str, ...]
    at: datetime
    suspect: bool
    age_us: int
    in_device_us: int
    received_at: datetime
    boot: str | None
    received_mono_ms: int | None
    record: str | None
    user_index: int | None
    battery_percent: int | None
    begin: int
    end: int
    digest: bytes
    record_digest: bytes

    def age(self, batch: "MeasuredBatch", hub_now: datetime, clock_offset: timedelta) -> timedelta:
        """How long ago its gateway received it, if that gateway's clock is set by ``clock_offset``."""
        if not clock_offset:
            return timedelta(microseconds=self.age_us)
        sent = _stamp(batch.sent_at, clock_offset, batch.boot, batch.sent_mono_ms)
        return age_at_receipt(hub_now, sent, _stamp(self.received_at, clock_offset, self.boot, self.received_mono_ms))


class MeasuredBatch(msgspec.Struct, frozen=True, array_like=True):
    """A batch. ``head``: what stands before each reading's own bytes in the journal, with all its clocks."""

    batch: str
    spool: str
    sent_at: datetime
    boot: str | None
    sent_mono_ms: int | None
    head: bytes
    readings: tuple[Measured | Bad, ...]

    @property
    def urgent(self) -> bool:
        """Whether any value may be one that pages at once (SF3), whoever it is."""
        return any(
            in_table(value.metric, quantise(value.metric, value.value), value.comparator)
            for one in self.readings
            if isinstance(one, Measured)
            for value in one.values
        )


_PACKER, _UNPACKER = msgspec.msgpack.Encoder(), msgspec.msgpack.Decoder(MeasuredBatch)


def measured(batch: Batch, hub_now: datetime) -> MeasuredBatch:
    """What ``batch`` says, received at ``hub_now``."""
    sent = _stamp(batch.sent_at, timedelta(0), batch.boot, batch.sent_mono_ms)
    readings = tuple(one if isinstance(one, Bad) else _measured(one, sent, hub_now) for one in batch.readings)
    clocks = batch.sent_at, batch.boot, batch.sent_mono_ms
    return MeasuredBatch(batch.batch, batch.spool, *clocks, _head(batch), readings)


def pack(batch: MeasuredBatch) -> bytes:
    """The same for ``unpack``. Raises whatever a time or a number raises that JSON can say and this cannot."""
    return _PACKER.encode(batch)


def unpack(packed: bytes) -> MeasuredBatch:
    """What was packed."""
    return _UNPACKER.decode(packed)


def values_of(reading: Reading) -> tuple[Value, ...]:
    """Its values, screened."""
    own = frozenset(reading.flags)
    values = [screening.Value(one.metric, quantise(one.metric, one.value), one.comparator) for one in reading.values]
    found = screening.screen(values, own)
    return tuple(
        Value(one.metric, one.value, one.comparator, one.shown, tuple(flags - own) if flags != own else ())
        for one, flags in zip(reading.values, found, strict=True)
    )


def _measured(good: Good, sent: Stamp, hub_now: datetime) -> Measured:
    reading = good.reading
    effective = effective_time(good.measured_at, hub_now)
    received = _stamp(good.received_at, timedelta(0), reading.boot, reading.received_mono_ms)
    return Measured(
        seq=reading.seq,
        device=reading.device,
        profile=reading.profile,
        values=values_of(reading),
        flags=tuple(reading.flags),
        at=_as_stored(effective.at),
        suspect=effective.suspect,
        age_us=age_at_receipt(hub_now, sent, received) // _MICROSECOND,
        in_device_us=(good.received_at - good.measured_at) // _MICROSECOND,
        received_at=good.received_at,
        boot=reading.boot,
        received_mono_ms=reading.received_mono_ms,
        record=reading.record,
        user_index=reading.user_index,
        battery_percent=reading.battery_percent,
        begin=good.begin,
        end=good.end,
        digest=good.digest,
        record_digest=good.record_digest,
    )


def _stamp(at: datetime, offset: timedelta, boot: str | None, mono_ms: int | None) -> Stamp:
    if offset:
        with suppress(OverflowError):  # the year 9999 is no clock, and is taken for none
            at += offset
    return Stamp(at, boot, mono_ms if mono_ms is not None and mono_ms < _NO_CLOCK_MS else None)


def _as_stored(at: datetime) -> datetime:
    """In UTC and in whole milliseconds: as it will be read, so that a rule sees one time before and after."""
    if at.tzinfo is UTC and not at.microsecond % 1000:
        return at
    utc = at.astimezone(UTC)
    return utc.replace(microsecond=utc.microsecond // 1000 * 1000)


def _head(batch: Batch) -> bytes:
    mono = "null" if batch.sent_mono_ms is None else batch.sent_mono_ms
    return f'{{"sent_at":"{batch.sent_at.isoformat()}","sent_mono_ms":{mono},"reading":'.encode()
