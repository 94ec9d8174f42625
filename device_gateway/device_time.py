"""A device's clock has no offset: this puts what it showed on the time line."""

import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from typing import Final

_FORMAT: Final = "%Y-%m-%dT%H:%M:%S"
_PLAIN: Final = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}", re.ASCII)
_AHEAD: Final = timedelta(minutes=2)  # a device's clock may run this far ahead of the gateway's
_YEARS: Final = range(1970, 2200)  # beyond these no device counts, and zones have odd offsets
_RIGHT: Final = timedelta(minutes=2)  # a device's clock this far off is right
_FRESH: Final = timedelta(minutes=5)
CLOCK_OFF: Final = "device_clock_off"


def place(
    text: str | None, zone: tzinfo, received_at: datetime, skew: timedelta | None = None
) -> tuple[datetime, tuple[str, ...]]:
    """When the device measured, with an offset, and flags for whatever is uncertain about it.

    `text` is local time in `zone`, or carries its own offset. Where the clocks go back an hour exists twice: the later
    one that has already passed on receipt is taken. Without a readable time the receipt stands in. `skew` is how far
    the device's clock is ahead: a wrong clock is reckoned with, unless the record would then lie in the future, which
    says that it is older than the clock's fault. Either way the reading says so by a flag.
    """
    plain, flags = _place(text, zone, received_at)
    if skew is None or abs(skew) <= _RIGHT:
        return plain, flags
    shown = _parse(text) if text is not None else None
    if shown is None or shown.tzinfo is not None:
        return plain, flags
    if abs(plain - received_at) <= _RIGHT:  # measured after the clock was set
        return plain, (*flags, CLOCK_OFF)
    try:
        corrected, flags_then = _place((shown - skew).strftime(_FORMAT), zone, received_at)
    except OverflowError:
        return plain, (*flags, CLOCK_OFF)
    if corrected > received_at + _AHEAD:
        return plain, (*flags, CLOCK_OFF)
    return corrected, (*flags_then, CLOCK_OFF)


def kept_by_device(measured_at: datetime, received_at: datetime, *, superseded: bool, clock_known: bool) -> bool:
    """Whether the device had stored the record, where it does not say so itself.

    The newest record of a device whose clock nobody could check counts as fresh: an old red that pages is the safe way
    to be wrong.
    """
    return superseded or (clock_known and received_at - measured_at > _FRESH)


def _place(text: str | None, zone: tzinfo, received_at: datetime) -> tuple[datetime, tuple[str, ...]]:
    if text is None:
        return received_at, ("no_device_time",)
    moment = _parse(text)
    if moment is None or moment.year not in _YEARS:
        return received_at, ("device_time_invalid",)
    if moment.tzinfo is not None:
        return moment, ()
    candidates = sorted((_fixed(moment.replace(tzinfo=zone, fold=fold)) for fold in (0, 1)), key=_utc)
    passed = [each for each in candidates if each <= received_at + _AHEAD]
    flags = ("device_time_ambiguous",) if candidates[0] != candidates[1] else ()
    return (passed or candidates[:1])[-1], flags


def _parse(text: str) -> datetime | None:
    if _PLAIN.fullmatch(text):  # what nearly all write, and read twenty times faster
        try:
            return datetime.fromisoformat(text)
        except ValueError:
            return None
    for form in (_FORMAT, f"{_FORMAT}%z"):
        try:
            return datetime.strptime(text, form)  # noqa: DTZ007 - without an offset is the usual case here
        except ValueError:
            continue
    return None


def _fixed(moment: datetime) -> datetime:
    """The same wall time with its offset written out: a zone's own datetimes compare by wall time alone."""
    return moment.replace(tzinfo=timezone(moment.utcoffset() or timedelta()), fold=0)


def _utc(moment: datetime) -> datetime:
    return moment.astimezone(UTC)
