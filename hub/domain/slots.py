"""One clock for missing data: due, late, no data (SF8). Times are the patient's own; every local day has its slot once.

What clock changes do: a local time that a change skips falls as much later as the clock was moved (02:30 becomes
03:30); of a local time that comes twice the first counts; a local day that a zone leaves out has no slot.

Counted from assignment, never from the first reading, so "never sent" alarms too. The first occurrence that counts is
the first whose window opens at or after the assignment: nobody is late for a window they did not have in full.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from hub.domain.documents import Fields, broken
from hub.domain.findings import Finding
from hub.domain.metrics import METRICS
from hub.domain.severity import Severity
from hub.domain.wording import instant

_DAY = timedelta(days=1)
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
RECENT = timedelta(hours=48)
"""Silence this soon after an amber or red is worse than silence alone (SF8)."""


@dataclass(frozen=True, slots=True)
class Slot:
    """A reading of ``metric`` is expected at local time ``at`` on these weekdays (0 Monday)."""

    id: str
    metric: str
    at: time
    days: frozenset[int]
    opens: timedelta
    """A reading this long before ``at`` already counts."""
    grace: timedelta
    """After ``at`` + grace it is late."""
    no_data: timedelta
    """After ``at`` + no_data it is "no data"."""


@dataclass(frozen=True, slots=True)
class Occurrence:
    """One day's slot, in aware UTC."""

    slot_id: str
    opens_at: datetime
    due_at: datetime
    late_at: datetime
    no_data_at: datetime


class SlotState(StrEnum):
    """Where one occurrence stands. Before it is due it is ``due`` as well: there is nothing to say yet."""

    DUE = "due"
    LATE = "late"
    NO_DATA = "no_data"
    MET = "met"


def occurrences(
    slot: Slot, zone: ZoneInfo, since: datetime, until: datetime, *, assigned_at: datetime
) -> Iterator[Occurrence]:
    """The slot's occurrences with ``since <= due_at < until`` that count from ``assigned_at``, in order."""
    # A local day may begin up to 26 h from its UTC day; two days either way is enough for every zone.
    day, last = (since - 2 * _DAY).date(), (until + 2 * _DAY).date()
    while day <= last:
        due_at = local_instant(slot.at, day, zone) if day.weekday() in slot.days else None
        if due_at is not None and since <= due_at < until and due_at - slot.opens >= assigned_at:
            yield Occurrence(slot.id, due_at - slot.opens, due_at, due_at + slot.grace, due_at + slot.no_data)
        day += _DAY


def local_instant(at: time, day: date, zone: ZoneInfo) -> datetime | None:
    """This time of a local day in UTC; None on a day that the zone leaves out."""
    local = datetime.combine(day, at, tzinfo=zone)  # fold 0: the first of two, and past a gap (PEP 495)
    due_at = local.astimezone(UTC)
    moved = due_at.astimezone(zone).replace(tzinfo=None) - local.replace(tzinfo=None)
    return None if moved >= _DAY else due_at


def judge(slot: Slot, occurrence: Occurrence, now: datetime, reading_times: Iterable[datetime]) -> SlotState:
    """Where ``occurrence`` stands at ``now``, given the effective times of the metric's trusted readings.

    A late reading meets it too, up to "no data"; one after that belongs to the next slot or to none.
    """
    end = occurrence.due_at + slot.no_data
    if any(occurrence.opens_at <= at < end and at <= now for at in reading_times):
        return SlotState.MET
    if now >= occurrence.no_data_at:
        return SlotState.NO_DATA
    return SlotState.LATE if now >= occurrence.late_at else SlotState.DUE


def silence_severity(now: datetime, spoken: Iterable[tuple[Severity, datetime]]) -> Severity:
    """How severe silence is: low (grey), and one step worse within 48 h of an amber or red among ``spoken``."""
    recent = any(severity >= Severity.AMBER and timedelta(0) <= now - at <= RECENT for severity, at in spoken)
    return Severity.LOW.raised() if recent else Severity.LOW


def rule_for_missing(slot: Slot) -> str:
    """The rule id that speaks for a silent slot."""
    return f"missing-{slot.id}"


def missing_problem(metric: str) -> str:
    """The problem of silence about a metric: its slots share one open alert, which closes when data come again."""
    return f"missing-{metric}"


def missing_finding(slot: Slot, occurrence: Occurrence, severity: Severity, zone: ZoneInfo) -> Finding:
    """What is said when ``occurrence`` is "no data"."""
    due = occurrence.due_at.astimezone(zone)
    sentence = f"No data: {METRICS[slot.metric].within} was due {due:%a %d %b %H:%M} and none came"
    inputs = {
        "slot": f"{slot.id} at {slot.at:%H:%M} {zone.key}",
        "window": f"{instant(occurrence.opens_at)} to {instant(occurrence.no_data_at)}",
    }
    return Finding(
        rule_for_missing(slot), missing_problem(slot.metric), severity, occurrence.no_data_at, sentence, inputs=inputs
    )


def parse_slots(items: Sequence[tuple[str, object]]) -> tuple[Slot, ...]:
    """The slots a document describes. Windows of one metric may not overlap: a reading meets one slot."""
    slots = tuple(_parse(Fields(item, path)) for path, item in items)
    for index, slot in enumerate(slots):
        path = items[index][0]
        for other in slots[:index]:
            if other.id == slot.id:
                broken(f"{path}.id", f"{slot.id} stands there twice")
            if other.metric == slot.metric and _overlap(slot, other):
                broken(path, f"its window overlaps that of {other.id}: one reading would meet both")
    return slots


def _parse(fields: Fields) -> Slot:
    days = fields.names("days", WEEKDAYS) if fields.has("days") else WEEKDAYS
    slot = Slot(
        fields.name("id"),
        fields.one_of("metric", sorted(METRICS)),
        fields.clock("at"),
        frozenset(WEEKDAYS.index(day) for day in days),
        fields.duration("opens"),
        fields.duration("grace"),
        fields.duration("no_data"),
    )
    fields.close()
    if slot.no_data <= slot.grace:
        broken(fields.where("no_data"), "must come after grace: late is said before no data")
    if _overlap(slot, slot):
        broken(fields.path, "its window overlaps that of its own next day")
    return slot


def _overlap(one: Slot, other: Slot) -> bool:
    """Whether two windows of any week share an instant. A slot is not compared with its own same day."""
    for day in one.days:
        for other_day in other.days:
            for week in (-7, 0, 7):
                apart = timedelta(days=other_day + week - day) + _of_day(other.at) - _of_day(one.at)
                if one is other and apart == timedelta(0):
                    continue
                if -one.opens < apart + other.no_data and apart - other.opens < one.no_data:
                    return True
    return False


def _of_day(at: time) -> timedelta:
    return timedelta(hours=at.hour, minutes=at.minute)
