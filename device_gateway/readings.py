"""What every decoder does with a record once it is read: its place in time, and the measurement it makes."""

import hashlib
from collections.abc import Callable, Iterable
from datetime import tzinfo
from typing import TypeVar

from device_gateway.device_time import kept_by_device, place
from device_gateway.errors import UndecodableError
from device_gateway.frames import FROM_MEMORY, Measurement, RawFrame, Rejected, Value

Record = TypeVar("Record")
Decode = Callable[[RawFrame, tzinfo], Measurement | Rejected]


def decoding(
    parse: Callable[[bytes], Record], measure: Callable[[Record, RawFrame, tzinfo], Measurement | Rejected]
) -> Decode:
    """First what the record is, then what it is a measurement of. Bytes that are no record are rejected."""

    def decode(frame: RawFrame, zone: tzinfo) -> Measurement | Rejected:
        try:
            record = parse(frame.packets[0].data)
        except UndecodableError as error:
            return Rejected(error.code, error.reason, frame)
        return measure(record, frame, zone)

    return decode


def reading(
    frame: RawFrame,
    zone: tzinfo,
    *,
    profile: str,
    decoder: str,
    values: Iterable[Value],
    flags: Iterable[str],
    clock: str | None,
    record: str | None,
    device: str | None = None,
    user_index: int | None = None,
    battery_percent: int | None = None,
    from_memory: bool = False,
    clock_trusted: bool = True,
) -> Measurement | Rejected:
    """The measurement. `clock`: what the device's showed; not `clock_trusted`: the device says that it may be wrong."""
    name = device or frame.device
    if not name:
        return Rejected("device_missing", "nothing says which device this came from", frame)
    skew = frame.clock_skew if clock_trusted else None
    measured_at, time_flags = place(clock, zone, frame.received_at, skew)
    known = skew is not None and frame.clock_read
    kept = kept_by_device(measured_at, frame.received_at, superseded=frame.superseded, clock_known=known)
    return Measurement(
        device=name,
        profile=profile,
        measured_at=measured_at,
        received_at=frame.received_at,
        values=tuple(values),
        flags=tuple(dict.fromkeys((*flags, *((FROM_MEMORY,) if from_memory or kept else ()), *time_flags))),
        decoder=decoder,
        raw=frame.packets,
        boot=frame.boot,
        received_mono_ms=frame.received_mono_ms,
        record=record,
        device_time=clock,
        user_index=_within(user_index, 255),
        battery_percent=_within(frame.battery_percent if battery_percent is None else battery_percent, 100),
    )


def carried_by(characteristic: str) -> Callable[[RawFrame], bool]:
    """Whether a frame is a record of this GATT characteristic."""
    return lambda frame: frame.packets[0].kind == characteristic


def record_key(sequence: int | None, clock: str | None, data: bytes) -> str | None:
    """Names the device's own record; None where nothing does.

    A sequence alone would collide after the device's memory was cleared, and a time alone within one second: where one
    of them is missing, the bytes stand in.
    """
    parts = [str(part) for part in (sequence, clock) if part is not None and part != ""]
    if len(parts) == 1:
        parts.append(hashlib.sha256(data).hexdigest()[:16])
    return "/".join(parts) or None


def _within(number: int | None, most: int) -> int | None:
    """A side field that cannot be right is left out: it may not cost the reading."""
    return number if number is not None and 0 <= number <= most else None
