"""From journalled readings to samples and attempts: flags are added, nothing is changed."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal

import msgspec

from hub.domain.metrics import quantise
from hub.domain.samples import FROM_MEMORY, LATE, TIME_SUSPECT, Attempt, Sample, Shown
from hub.domain.screening import unmeasured
from hub.services.ingest.measured import Measured, Value, values_of
from hub.services.ingest.wire import Reading
from hub.services.ports.measuring import JournalEntry

LATE_AFTER = timedelta(hours=1)
"""A reading older than this when it came closes nothing (SF11)."""

VALUES_PER_READING = 16
"""The schema's bound; a reading id is the journal's id times this, plus the value's place."""


class Screened(msgspec.Struct, frozen=True, gc=False):
    """A stored reading as its patient's rules will see it."""

    samples: Sequence[Sample]
    failed: Sequence[Attempt]
    """Attempts that gave no value."""
    age: timedelta
    """Since it was measured."""


def screened(entry: JournalEntry, one: Measured, journal_id: int, now: datetime) -> Screened:
    """A reading that just came."""
    age = _age(entry, timedelta(microseconds=one.in_device_us)) + max(now - entry.received_at, timedelta(0))
    return _screened(one.profile, one.values, entry.flags, journal_id, entry.device_id, entry.effective_at, age)


def _age(entry: JournalEntry, in_the_device: timedelta) -> timedelta:
    """How old it was when the hub received it: on the way, in the spool and in the device, each on a clock of its own.

    Only a device that says it sent from memory has kept the reading. Without that word it was measured when the gateway
    received it, whatever the device's clock shows: a cuff that is 12 h slow must not turn its reds into reviews (SF2).
    By the hub's clock it may be younger still: then one of those clocks is wrong, and no reading is old for that.
    """
    if TIME_SUSPECT in entry.flags or FROM_MEMORY not in entry.flags:
        return entry.age
    by_the_hub = max(entry.received_at - entry.effective_at, timedelta(0))
    return min(entry.age + max(in_the_device, timedelta(0)), by_the_hub)


def screen_reading(
    reading: Reading, flags: frozenset[str], journal_id: int, device_id: int | None, at: datetime, age: timedelta
) -> Screened:
    """Samples of a reading at its effective time ``at``, and the attempts that gave none."""
    return _screened(reading.profile, values_of(reading), flags, journal_id, device_id, at, age)


def _screened(
    profile: str,
    values: Sequence[Value],
    flags: frozenset[str],
    journal_id: int,
    device_id: int | None,
    at: datetime,
    age: timedelta,
) -> Screened:
    if age > LATE_AFTER:
        flags |= {LATE}
    first = journal_id * VALUES_PER_READING
    samples = [
        Sample(
            reading_id=first + place,
            metric=value.metric,
            value=quantise(value.metric, value.value),
            at=at,
            device_id=device_id,
            profile=profile,
            comparator=value.comparator,
            flags=flags.union(value.flags) if value.flags else flags,
            shown=None if value.shown is None else Shown(Decimal(repr(value.shown.value)), value.shown.unit),
        )
        for place, value in enumerate(values)
    ]
    given = [value.metric for value in values]
    return Screened(samples, unmeasured(profile, given, flags, reading_id=first, at=at), age)
