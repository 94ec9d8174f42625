"""Column types: instants as integers, so that both databases compare and index them alike."""

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import BigInteger, Dialect
from sqlalchemy.types import TypeDecorator

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
LAST = datetime(9000, 1, 1, tzinfo=UTC)
"""Past it a row could be written that no later reader could turn into a date."""
_MILLISECOND = timedelta(milliseconds=1)


def to_ms(instant: datetime) -> int:
    """Milliseconds since 1970 of an aware instant."""
    return (instant - EPOCH) // _MILLISECOND


def from_ms(ms: int) -> datetime:
    """The aware UTC instant of ``ms`` milliseconds since 1970."""
    return EPOCH + timedelta(milliseconds=ms)


def as_stored(value: Any) -> Any:
    """A value as the driver takes it: an instant is milliseconds, all else is itself."""
    return to_ms(value) if isinstance(value, datetime) else value


def to_stored(instant: datetime | None) -> int | None:
    """An instant that may be absent, as the driver takes it."""
    return None if instant is None else to_ms(instant)


def from_stored(ms: int | None) -> datetime | None:
    """An instant that may be absent, of what the driver gives."""
    return None if ms is None else from_ms(ms)


class Instant(TypeDecorator[datetime]):
    """An aware instant, stored as milliseconds since 1970 UTC. A naive datetime is an error."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:  # noqa: ARG002 (interface)
        if value is not None and value >= LAST:
            raise ValueError("an instant this far ahead is a mistake")
        return None if value is None else to_ms(value)

    def process_result_value(self, value: int | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002 (interface)
        return None if value is None else from_ms(value)
