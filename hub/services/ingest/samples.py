"""From journalled readings to samples and attempts: flags are added, nothing is changed."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal

import msgspec

from hub.domain.metrics import quantise
from hub.domain.samples import FROM_MEMORY, LATE, TIME_SUSPECT, Attempt, Sample, Shown
from hub.domain.screening import Value, screen, unmeasured
from hub.services.ingest.decode import Good
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


def screened(entry: JournalEntry, good: Good, journal_id: int, now: datetime) -> Screened:
    """A reading that just came."""
    age = _age(entry, good.received_at - good.measured_at) + max(now - entry.received_at, timedelta(0))
    return screen_reading(good.reading, entry.flags, journal_id, entry.device_id, entry.effective_at, age)


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
    values = [Value(v.metric, quantise(v.metric, v.value), v.comparator) for v in reading.values]
    if age > LATE_AFTER:
        flags |= {LATE}
    found = screen(values, flags)
    first = journal_id * VALUES_PER_READING
    samples = [
        Sample(
            reading_id=first + place,
            metric=value.metric,
            value=value.value,
            at=at,
            device_id=device_id,
            profile=reading.profile,
            comparator=value.comparator,
            flags=theirs,
            shown=_shown(reading, place),
        )
        for place, (value, theirs) in enumerate(zip(values, found, strict=True))
    ]
    given = {value.metric for value in values}
    return Screened(samples, unmeasured(reading.profile, given, flags, reading_id=first, at=at), age)


def _shown(reading: Reading, place: int) -> Shown | None:
    shown = reading.values[place].shown
    return None if shown is None else Shown(Decimal(repr(shown.value)), shown.unit)
