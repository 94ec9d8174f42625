"""A stored value as rules see it."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Literal, NamedTuple, Protocol

DEVICE_FAULTS = frozenset(
    {
        "invalid_value",
        "sensor_fault",
        "no_signal",
        "poor_signal",
        "cuff_loose",
        "body_movement",
        "measurement_failed",
        "low_perfusion_fault",
        "sample_insufficient",
        "strip_fault",
    }
)
"""Flags by which a device itself declares that a value is not a measurement (SF1)."""

ZERO = "zero_is_no_signal"
IMPLAUSIBLE = "implausible"
TIME_SUSPECT = "time_suspect"
FROM_MEMORY = "from_memory"
"""The device says that it had kept the reading."""
LATE = "late"
"""It came more than an hour after it was measured."""
PATIENT_REPORTED = "patient_reported"
"""The patient wrote it in a text; no device measured it for the hub. It may raise an alert and meets a slot that waits,
but closes nothing, is no repeat that a duty asks for, and stays out of averages, counts and references."""
WITHDRAWN = "withdrawn_by_patient"
"""The patient said soon after that it was mistyped: kept, shown struck through, believed no more."""
SOMEONE_ELSE = "someone_else"
"""A weight jump that looks like another person on the scale: held until released (SF6)."""

INVERTED = "systolic_not_above_diastolic"
"""Systolic at or below diastolic: kept, shown hollow, out of averages."""
SUSPECT = "suspect"
"""Possible but rare: flagged for the reader's eye, still a measurement."""
PULSE_PRESSURE = "pulse_pressure_suspect"
"""Systolic minus diastolic under 15 or over 130: flagged, still a measurement."""

_UNTRUSTED = DEVICE_FAULTS | {ZERO, IMPLAUSIBLE, INVERTED, SOMEONE_ELSE, WITHDRAWN}
NOT_AVERAGED = _UNTRUSTED | {PATIENT_REPORTED, TIME_SUSPECT}
"""Flags of which any one keeps a value out of averages of hours and days; of unknown time it is in none of them."""


@dataclass(frozen=True, slots=True)
class Shown:
    """What the patient saw on the device: the value in the device's own unit."""

    value: Decimal
    unit: str


class Sample(NamedTuple):
    """One value of one metric of one patient, in the metric's unit, at its effective time (aware, UTC).

    Thousands are made in a second: a tuple takes a third of the time of a frozen dataclass.
    """

    reading_id: int
    metric: str
    value: Decimal
    at: datetime
    device_id: int | None = None
    profile: str = "manual"
    comparator: Literal["<", ">"] | None = None
    flags: frozenset[str] = frozenset()
    shown: Shown | None = None

    def flagged(self, flags: frozenset[str]) -> "Sample":
        """The same with these flags."""
        return self._replace(flags=flags)

    @property
    def artefact(self) -> bool:
        """Declared by the device, or 0: the only things that are an artefact by themselves (SF1)."""
        return bool(self.flags & (DEVICE_FAULTS | {ZERO}))

    @property
    def trusted(self) -> bool:
        """May stand in averages and references, and may close an alert. A bound or what was typed may not."""
        return self.credible and self.comparator is None and not self.reported

    @property
    def credible(self) -> bool:
        """Nothing speaks against it. A bound ("HI") may be credible: it says on which side of a limit it lies."""
        return not self.flags & _UNTRUSTED

    @property
    def reported(self) -> bool:
        """The patient typed it."""
        return PATIENT_REPORTED in self.flags

    @property
    def answers(self) -> bool:
        """It is what a duty for a repeat waits for: credible, of known time, and measured by a device (SF4)."""
        return self.credible and self.dated and not self.reported

    @property
    def dated(self) -> bool:
        """When it was measured is known. If not, it stands at the hub's receipt and is newer than nothing (SF2)."""
        return TIME_SUSPECT not in self.flags

    @property
    def timely(self) -> bool:
        """It came when it was measured: what is late, or of unknown time, closes nothing (SF11)."""
        return self.dated and LATE not in self.flags

    @property
    def doubtful(self) -> bool:
        """Beyond belief though the device declared no fault: pages at once, marked, stays out of averages (SF1)."""
        return not self.artefact and bool(self.flags & {IMPLAUSIBLE, INVERTED})


class History(Protocol):
    """This patient's samples before the one in question, no voided ones.

    Artefacts and suspect points are in it: a rule that must not see them asks ``sample.trusted``.
    """

    def __call__(self, metric: str, since: datetime, until: datetime, /) -> Sequence[Sample]:
        """``since <= at < until``, oldest first."""
        ...

    def newest(self, metric: str, since: datetime, until: datetime, count: int, /) -> Sequence[Sample]:
        """The last ``count`` of them, newest first: a device may send every second for days."""
        ...


def backwards(history: History, metric: str, since: datetime, until: datetime) -> Iterator[Sample]:
    """Newest first, read in growing pieces: who needs the last few reads no more than those."""
    seen, count = 0, 16
    while True:
        found = history.newest(metric, since, until, count)
        yield from found[seen:]
        if len(found) < count:
            return
        seen, count = count, 8 * count


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try to measure one metric, with or without a value: what "cannot obtain a reading" is judged from (SF1).

    A value the device marked invalid is absent from its reading, so there is no ``Sample`` for it; there is an attempt
    with ``failed``. A 0 and a value with a declared fault are failed attempts too.
    """

    reading_id: int
    metric: str
    at: datetime
    failed: bool
    obtained: bool
    """A trusted value came of it. Neither failed nor obtained: an implausible value, which pages by itself."""
    flags: frozenset[str] = frozenset()


Attempts = Callable[[str, datetime, datetime], Sequence[Attempt]]
"""``attempts(metric, since, until)``: this patient's attempts with ``since <= at < until``, oldest first."""


def attempt_of(sample: Sample) -> Attempt:
    """The attempt a stored value stands for."""
    obtained = sample.credible and not sample.reported
    return Attempt(sample.reading_id, sample.metric, sample.at, sample.artefact, obtained, sample.flags)
