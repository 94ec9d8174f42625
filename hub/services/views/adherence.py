"""Readings expected and received, of one patient."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from hub.domain.adherence import PERIODS, Expected, Share, Streak, share, streak


@dataclass(frozen=True, slots=True)
class SlotAdherence:
    """One slot: when it is due in the patient's zone, its shares over ``PERIODS``, and where it stands."""

    slot: str
    metric: str
    at: str
    shares: tuple[Share, ...]
    streak: Streak | None


@dataclass(frozen=True, slots=True)
class PatientAdherence:
    """All slots together, and each. ``known_to``: up to when rows are written; None: nothing is known yet."""

    shares: tuple[Share, ...]
    slots: tuple[SlotAdherence, ...]
    known_to: datetime | None


def of_patient(rows: Sequence[Expected], zone: ZoneInfo, now: datetime, known_to: datetime | None) -> PatientAdherence:
    """What ``rows`` say on the patient's day of ``now``."""
    today = now.astimezone(zone).date()
    by_slot: dict[tuple[str, str], list[Expected]] = {}
    for row in rows:
        by_slot.setdefault((row.metric, _slot(row)), []).append(row)
    slots = [_of_slot(theirs, zone, today) for theirs in by_slot.values()]
    ordered = tuple(sorted(slots, key=lambda one: (one.metric, one.at)))
    return PatientAdherence(_shares(rows, today), ordered, known_to)


def _of_slot(rows: Sequence[Expected], zone: ZoneInfo, today: date) -> SlotAdherence:
    newest = max(rows, key=lambda row: row.due_at)
    at = f"{newest.due_at.astimezone(zone):%H:%M}"
    return SlotAdherence(_slot(newest), newest.metric, at, _shares(rows, today), streak(rows))


def _shares(rows: Iterable[Expected], today: date) -> tuple[Share, ...]:
    listed = list(rows)
    return tuple(share(listed, days, today) for days in PERIODS)


def _slot(row: Expected) -> str:
    """Without the number of the protocol's copy: a newer one goes on where the one before ended."""
    return row.slot_id.partition(":")[2]
