"""Deadlines that readings set, and readings that are waited for."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, bindparam, delete, select, update

from hub.adapters.sql.findings import dump_finding, load_finding
from hub.adapters.sql.many import Many
from hub.adapters.sql.tables.measurements import METRIC_CODES, WAITING, deadline, expectation, failed_attempt
from hub.adapters.sql.types import to_ms
from hub.adapters.sql.upsert import insert_or_ignore, upsert
from hub.domain.findings import Deadline
from hub.domain.samples import Attempt, Sample
from hub.services.ports.measuring import DueDeadline, Expectation

_METRIC_NAMES = {code: name for name, code in METRIC_CODES.items()}

_SOONER = update(deadline).where(
    deadline.c.patient_id == bindparam("patient"),
    deadline.c.kind == bindparam("sort"),
    deadline.c.key == bindparam("this"),
    WAITING,
    deadline.c.due_at > bindparam("due"),
)
_ANSWERED = (
    update(deadline)
    .where(
        deadline.c.patient_id == bindparam("patient"),
        WAITING,
        deadline.c.metric == bindparam("code"),
        deadline.c.from_at < bindparam("before"),
    )
    .values(state="cancelled")
)
_END = update(deadline).where(deadline.c.id == bindparam("this"), WAITING)
_FAILED = (
    select(failed_attempt)
    .where(
        failed_attempt.c.patient_id == bindparam("patient"),
        failed_attempt.c.metric == bindparam("code"),
        failed_attempt.c.at >= bindparam("since"),
        failed_attempt.c.at < bindparam("until"),
    )
    .order_by(failed_attempt.c.at)
)
_MET = Many(
    lambda _: (
        update(expectation)
        .where(
            expectation.c.patient_id == bindparam("this"),
            expectation.c.metric == bindparam("code"),
            expectation.c.check_at > bindparam("now"),
        )
        .values(check_at=bindparam("now"))
    ),
    ("this", "code", "now"),
)


class SqlDuties:
    """See ``hub.services.ports.measuring.Duties``."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def set_deadline(self, patient_id: int, duty: Deadline) -> bool:
        """Idempotent by (patient, kind, key); of two that wait by one key the earlier stands, whichever came first."""
        row = {
            "patient_id": patient_id,
            "kind": duty.kind,
            "key": duty.key,
            "metric": METRIC_CODES[duty.metric],
            "from_at": duty.finding.at,
            "due_at": duty.due_at,
            "finding": dump_finding(duty.finding),
            "state": "waiting",
        }
        if insert_or_ignore(self._connection, deadline, [row]) == 1:
            return True
        same = {"patient": patient_id, "sort": duty.kind, "this": duty.key, "due": duty.due_at}
        moved = {name: row[name] for name in ("from_at", "due_at", "finding")}
        return self._connection.execute(_SOONER, {**same, **moved}).rowcount == 1

    def cancel_deadlines(self, patient_id: int, sample: Sample) -> int:
        """Cancel what still waits for a repeat of this metric and was set before ``sample``; how many."""
        these = {"patient": patient_id, "code": METRIC_CODES[sample.metric], "before": sample.at}
        return self._connection.execute(_ANSWERED, these).rowcount

    def withdraw(self, patient_id: int, metric: str, at: datetime, keep: Sequence[str]) -> int:
        """Take back what was set at ``at``, but for the keys to ``keep``; how many. Their keys are free again."""
        mistaken = delete(deadline).where(
            deadline.c.patient_id == patient_id,
            WAITING,
            deadline.c.metric == METRIC_CODES[metric],
            deadline.c.from_at == at,
            deadline.c.key.not_in(list(keep)),
        )
        return self._connection.execute(mistaken).rowcount

    def cancel(self, deadline_id: int) -> bool:
        """Compare-and-set from waiting."""
        return self._end(deadline_id, "cancelled")

    def cancel_all_deadlines(self, patient_id: int) -> int:
        """Nothing is due for this patient any more."""
        waiting = update(deadline).where(deadline.c.patient_id == patient_id, WAITING)
        return self._connection.execute(waiting.values(state="cancelled")).rowcount

    def note_failed(self, attempts: Mapping[int, Sequence[Attempt]]) -> None:
        """Keep attempts that gave no value, by patient."""
        rows = [
            {
                "patient_id": patient_id,
                "metric": METRIC_CODES[attempt.metric],
                "at": attempt.at,
                "reading_id": attempt.reading_id,
                "flags": " ".join(sorted(attempt.flags)),
            }
            for patient_id, theirs in attempts.items()
            for attempt in theirs
        ]
        insert_or_ignore(self._connection, failed_attempt, rows)

    def failed(self, patient_id: int, metric: str, since: datetime, until: datetime) -> list[Attempt]:
        """Attempts without a value, oldest first."""
        these = {"patient": patient_id, "code": METRIC_CODES[metric], "since": since, "until": until}
        return [
            Attempt(r.reading_id, metric, r.at, failed=True, obtained=False, flags=frozenset(r.flags.split()))
            for r in self._connection.execute(_FAILED, these)
        ]

    def due_deadlines(self, now: datetime, limit: int) -> list[DueDeadline]:
        """Waiting ones whose time has come, the longest due first."""
        found = select(deadline).where(WAITING, deadline.c.due_at <= now)
        rows = self._connection.execute(found.order_by(deadline.c.due_at).limit(limit))
        return [
            DueDeadline(row.id, row.patient_id, row.due_at, _METRIC_NAMES[row.metric], load_finding(row.finding))
            for row in rows
        ]

    def raised(self, deadline_id: int) -> bool:
        """Compare-and-set from waiting."""
        return self._end(deadline_id, "raised")

    def _end(self, deadline_id: int, state: str) -> bool:
        return self._connection.execute(_END, {"this": deadline_id, "state": state}).rowcount == 1

    def expect(self, waited: Expectation) -> None:
        """Write or replace the occurrence that is waited for."""
        row = {
            "patient_id": waited.patient_id,
            "slot_id": waited.slot_id,
            "metric": METRIC_CODES[waited.metric],
            "counted_from": waited.counted_from,
            "due_at": waited.due_at,
            "state": waited.state,
            "check_at": waited.check_at,
        }
        upsert(self._connection, expectation, row, ("metric", "counted_from", "due_at", "state", "check_at"))

    def forget(self, patient_id: int, slot_id: str) -> None:
        """Wait no longer for this slot."""
        this = (expectation.c.patient_id == patient_id) & (expectation.c.slot_id == slot_id)
        self._connection.execute(delete(expectation).where(this))

    def forget_expectations(self, patient_id: int) -> None:
        """Nothing is waited for any more."""
        self._connection.execute(delete(expectation).where(expectation.c.patient_id == patient_id))

    def expectations(self, patient_id: int) -> list[Expectation]:
        """What is waited for."""
        found = select(expectation).where(expectation.c.patient_id == patient_id)
        return [_expectation(row) for row in self._connection.execute(found)]

    def due_expectations(self, now: datetime, limit: int) -> list[Expectation]:
        """What must be looked at, the longest due first."""
        found = select(expectation).where(expectation.c.check_at <= now).order_by(expectation.c.check_at).limit(limit)
        return [_expectation(row) for row in self._connection.execute(found)]

    def met(self, metrics: Mapping[int, Collection[str]], now: datetime) -> None:
        """Readings came: have the expectations of these patients' metrics looked at on the next tick."""
        at = to_ms(now)
        codes = ((one, METRIC_CODES[metric]) for one, theirs in metrics.items() for metric in sorted(theirs))
        _MET.execute(self._connection, [(one, code, at) for one, code in codes])


def _expectation(r: Row[Any]) -> Expectation:
    return Expectation(r.patient_id, r.slot_id, _METRIC_NAMES[r.metric], r.counted_from, r.due_at, r.state, r.check_at)
