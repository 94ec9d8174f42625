"""Missingness as data: what was expected, what came, and how many of how many (SF8).

A row stands for one occurrence of a slot. The reading's own time decides, not its arrival: what comes days late mends
the row of its occurrence. Nothing here pages; that is ``hub.domain.slots``.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from hub.domain.samples import Sample
from hub.domain.slots import Slot, occurrences


class Outcome(StrEnum):
    """What became of an occurrence. ``OPEN``: its window has not ended and nothing came yet."""

    OPEN = "open"
    MET = "met"
    LATE = "late"
    """Measured after the grace, before "no data"."""
    MISSED = "missed"
    EXCUSED = "excused"
    """Nothing came, and it was not the patient's to send: it counts in no percentage."""


class Excuse(StrEnum):
    """Why nothing had to come."""

    PAUSED = "paused"
    ENDED = "ended"
    GATEWAY = "gateway"
    """Every gateway of the patient's devices was away when the window ended."""


class Word(StrEnum):
    """Whose word a reading is."""

    DEVICE = "device"
    PATIENT = "patient"


@dataclass(frozen=True, slots=True)
class Expected:
    """One occurrence of one slot and what came for it. ``day`` is the patient's own; the other times are UTC."""

    slot_id: str
    metric: str
    day: date
    opens_at: datetime
    due_at: datetime
    late_at: datetime
    no_data_at: datetime
    outcome: Outcome = Outcome.OPEN
    received: int = 0
    first_at: datetime | None = None
    by: Word | None = None
    excuse: Excuse | None = None

    @property
    def settled(self) -> bool:
        """Something came, or nothing will."""
        return self.outcome is not Outcome.OPEN

    @property
    def counts(self) -> bool:
        """It stands in percentages and streaks."""
        return self.outcome in {Outcome.MET, Outcome.LATE, Outcome.MISSED}

    @property
    def came(self) -> bool:
        """A reading was measured in its window."""
        return self.outcome in {Outcome.MET, Outcome.LATE}


@dataclass(frozen=True, slots=True)
class Arrival:
    """When something was measured that may meet an expectation, and whose word it is."""

    at: datetime
    by: Word = Word.DEVICE


def word_of(sample: Sample) -> Word | None:
    """Whose word a sample is; None if it meets nothing: it is not credible, or its time is not known."""
    if not (sample.credible and sample.dated):
        return None
    return Word.PATIENT if sample.reported else Word.DEVICE


@dataclass(frozen=True, slots=True)
class Plan:
    """A slot that a patient was on from an instant, until another (None: still). ``key`` names it for ever."""

    key: str
    slot: Slot
    since: datetime
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Away:
    """The patient was not watched from ``since`` until ``until`` (None: still)."""

    excuse: Excuse
    since: datetime
    until: datetime | None = None

    def touches(self, since: datetime, until: datetime) -> bool:
        """Whether any of ``since <= t < until`` lies in it."""
        return self.since < until and (self.until is None or since < self.until)


def expected(plans: Iterable[Plan], zone: ZoneInfo, since: datetime, until: datetime) -> Iterator[Expected]:
    """The occurrences whose windows open in ``since <= opens_at < until``, of the plans in force when they are due."""
    for plan in plans:
        opens = plan.slot.opens
        found = occurrences(plan.slot, zone, since + opens, until + opens, assigned_at=plan.since)
        for one in found:
            if plan.until is None or one.due_at < plan.until:
                day = one.due_at.astimezone(zone).date()
                times = (one.opens_at, one.due_at, one.late_at, one.no_data_at)
                yield Expected(plan.key, plan.slot.metric, day, *times)


def settle(row: Expected, arrivals: Iterable[Arrival], away: Iterable[Away], now: datetime) -> Expected:
    """The row as it stands at ``now``, given what came of the metric and when the patient was not watched.

    That every gateway was away is known only while it is: once written it stands, until a reading comes.
    """
    within = [one for one in arrivals if row.opens_at <= one.at < row.no_data_at]
    if within:
        first_at = min(one.at for one in within)
        outcome = Outcome.MET if first_at < row.late_at else Outcome.LATE
        by = Word.PATIENT if all(one.by is Word.PATIENT for one in within) else Word.DEVICE
        return replace(row, outcome=outcome, received=len(within), first_at=first_at, by=by, excuse=None)
    empty = replace(row, received=0, first_at=None, by=None)
    if now < row.no_data_at:
        return replace(empty, outcome=Outcome.OPEN, excuse=None)
    excuse = next((one.excuse for one in away if one.touches(row.opens_at, row.no_data_at)), None)
    if excuse is None and row.excuse is Excuse.GATEWAY:
        excuse = Excuse.GATEWAY
    return replace(empty, outcome=Outcome.MISSED if excuse is None else Outcome.EXCUSED, excuse=excuse)


@dataclass(frozen=True, slots=True)
class Share:
    """Received of expected, in the last ``days`` local days. A percentage never stands without the two."""

    days: int
    received: int
    expected: int

    @property
    def percent(self) -> int | None:
        """Rounded down, so that 100 means all of them; None: nothing was due, so it is not yet known."""
        return 100 * self.received // self.expected if self.expected else None


@dataclass(frozen=True, slots=True)
class Streak:
    """How many of the newest occurrences in a row came, or did not; the first of them is ``since``."""

    came: bool
    length: int
    since: Expected


PERIODS = (7, 30, 90)
"""Days of which shares are told."""


def share(rows: Iterable[Expected], days: int, today: date) -> Share:
    """Of the occurrences of the last ``days`` local days, ``today`` included, that are settled and not excused."""
    oldest = today - timedelta(days=days - 1)
    counted = [row for row in rows if row.counts and oldest <= row.day <= today]
    return Share(days, sum(row.came for row in counted), len(counted))


def streak(rows: Sequence[Expected]) -> Streak | None:
    """The current one; None where nothing is settled yet. Excused occurrences neither break nor lengthen it."""
    newest_first = sorted((row for row in rows if row.counts), key=_order, reverse=True)
    if not newest_first:
        return None
    came, length = newest_first[0].came, 0
    for row in newest_first:
        if row.came is not came:
            break
        length += 1
    return Streak(came, length, newest_first[length - 1])


def _order(row: Expected) -> tuple[datetime, str]:
    return row.due_at, row.slot_id


@dataclass(frozen=True, slots=True)
class Watched:
    """The patient's state of being watched, from an instant on."""

    since: datetime
    state: str


def absences(states: Sequence[Watched]) -> list[Away]:
    """When the patient was paused or had ended, from the states in their order."""
    found: list[Away] = []
    for place, one in enumerate(states):
        if one.state in {Excuse.PAUSED.value, Excuse.ENDED.value}:
            until = states[place + 1].since if place + 1 < len(states) else None
            found.append(Away(Excuse(one.state), one.since, until))
    return found
