"""Readings expected and received, in words: never a percentage without what it is of."""

from dataclasses import dataclass
from datetime import datetime

from dashboards.viewmodels import times
from dashboards.viewmodels.values import label
from hub.domain.adherence import PERIODS, Share, Streak
from hub.services.views.adherence import PatientAdherence

MONTH = 30
NOT_YET = "not yet known"


@dataclass(frozen=True, slots=True)
class Row:
    """One slot: what is due and when, a cell for each of ``PERIODS``, and how the newest ones fared."""

    what: str
    cells: tuple[str, ...]
    lately: str


@dataclass(frozen=True, slots=True)
class Expected:
    """The line that says it, and the table behind it."""

    line: str
    heads: tuple[str, ...]
    rows: tuple[Row, ...]


def expected(found: PatientAdherence | None, zone: str, now: datetime) -> Expected | None:
    """None where nothing was ever expected of the patient."""
    if found is None or not found.slots:
        return None
    rows = tuple(
        Row(f"{label(slot.metric)}, {slot.at}", tuple(map(share, slot.shares)), lately(slot.streak, zone, now))
        for slot in found.slots
    )
    return Expected(_line(found, zone, now), tuple(f"{days} days" for days in PERIODS), rows)


def _line(found: PatientAdherence, zone: str, now: datetime) -> str:
    month = next(one for one in found.shares if one.days == MONTH)
    counted = f"counted up to {times.clock(found.known_to, zone, now)}" if found.known_to else "not counted yet"
    if month.percent is None:
        return f"Readings expected, {MONTH} days: {NOT_YET}, nothing was due; {counted}"
    silent = [slot for slot in found.slots if slot.streak is not None and not slot.streak.came]
    worst = max(silent, key=lambda slot: slot.streak.length if slot.streak else 0, default=None)
    missed = f"; {label(worst.metric)}, {worst.at} {lately(worst.streak, zone, now)}" if worst else ""
    return f"Readings expected, {MONTH} days: {share(month)} came{missed}; {counted}"


def share(one: Share) -> str:
    """``24 of 30 (80 %)``, the number and its sign on one line."""
    return NOT_YET if one.percent is None else f"{one.received} of {one.expected} ({one.percent}\u00a0%)"


def lately(streak: Streak | None, zone: str, now: datetime) -> str:
    """``missed 3 in a row since Mon 23 Nov 08:00``, ``came 12 times in a row``."""
    if streak is None:
        return NOT_YET
    since = times.clock(streak.since.due_at, zone, now)
    if streak.length == 1:
        return f"{'came' if streak.came else 'missed'} {since}"
    if streak.came:
        return f"came {streak.length} times in a row"
    return f"missed {streak.length} in a row since {since}"
