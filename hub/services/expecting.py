"""What was expected of a patient, as rows: opened by the clock, settled by what comes, mended by what comes late.

It is told from the series and pages nobody. Reading is done from a snapshot, so that ingest waits for a write alone:
what comes in between is told by the feed afterwards, and mends the row again.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from hub.domain.adherence import Away, Excuse, Expected, Outcome, Plan, absences, expected, settle
from hub.services.ports.adherence import AdherenceSource
from hub.services.ports.feed import Touched
from hub.services.ports.storage import UnitOfWork
from hub.services.waiting import gateways_down_since

STRETCH = timedelta(days=60)
"""Of one patient's history that is opened at once: the rest is a later tick's."""

LOOKS_AGAIN = timedelta(hours=1)
"""A protocol may have been assigned meanwhile."""

_WEEK = timedelta(days=8)
"""Every slot comes at least once a week."""


@dataclass(frozen=True, slots=True)
class Opened:
    """A patient's rows up to an instant."""

    patient_id: int
    rows: Sequence[Expected]
    to: datetime
    look_at: datetime


def open_windows(source: AdherenceSource, patient_id: int, now: datetime) -> Opened:
    """Rows of the windows that have opened since the last look, judged by what is there."""
    plans = source.plans(patient_id)
    since = source.opened_to(patient_id) or min((plan.since for plan in plans), default=now)
    to = max(since, min(now, since + STRETCH))
    zone = ZoneInfo(source.zone(patient_id))
    rows = _settled(source, patient_id, plans, expected(plans, zone, since, to), now)
    following = expected(plans, zone, to, to + _WEEK)
    look_at = min([now + LOOKS_AGAIN, *(row.opens_at + timedelta(milliseconds=1) for row in following)])
    return Opened(patient_id, rows, to, look_at if to == now else now)


def mend(source: AdherenceSource, touched: Iterable[Touched], now: datetime) -> dict[int, list[Expected]]:
    """By patient the rows that samples in these spans have changed."""
    before: dict[int, dict[tuple[str, datetime], Expected]] = {}
    for span in touched:
        for row in source.rows(span.patient_id, span.since, span.until):
            before.setdefault(span.patient_id, {})[row.slot_id, row.due_at] = row
    changed: dict[int, list[Expected]] = {}
    for patient_id, rows in before.items():
        after = _settled(source, patient_id, source.plans(patient_id), rows.values(), now)
        different = [new for old, new in zip(rows.values(), after, strict=True) if new != old]
        if different:
            changed[patient_id] = different
    return changed


def close_windows(source: AdherenceSource, now: datetime, limit: int) -> dict[int, list[Expected]]:
    """By patient the rows whose windows have ended, settled for now."""
    ended: dict[int, list[Expected]] = {}
    for patient_id, row in source.over(now, limit):
        ended.setdefault(patient_id, []).append(row)
    return {
        patient_id: _settled(source, patient_id, source.plans(patient_id), rows, now)
        for patient_id, rows in ended.items()
    }


def excused(uow: UnitOfWork, patient_id: int, rows: Sequence[Expected], now: datetime) -> list[Expected]:
    """The same rows: a missed one is not the patient's while every gateway is away since before its window ended."""
    if not any(row.outcome is Outcome.MISSED for row in rows):
        return list(rows)
    down_since = gateways_down_since(uow, uow.patients.get(patient_id), now)
    away = [] if down_since is None else [Away(Excuse.GATEWAY, down_since)]
    return [settle(row, (), away, now) if row.outcome is Outcome.MISSED else row for row in rows]


def _settled(
    source: AdherenceSource, patient_id: int, plans: Sequence[Plan], rows: Iterable[Expected], now: datetime
) -> list[Expected]:
    listed = list(rows)
    away = absences(source.states(patient_id)) if listed else []
    return [
        settle(
            row,
            source.arrivals(patient_id, row.metric, row.opens_at, row.no_data_at),
            [*away, *_ends(plans, row)],
            now,
        )
        for row in listed
    ]


def _ends(plans: Sequence[Plan], row: Expected) -> list[Away]:
    """A plan that ends within the window waits for nothing any more."""
    mine = [plan for plan in plans if plan.key == row.slot_id and plan.since <= row.opens_at]
    return [Away(Excuse.ENDED, plan.until) for plan in mine[-1:] if plan.until is not None]
