"""What ingest must know of its patients before it judges, by one question."""

from collections.abc import Callable, Iterable
from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    CompoundSelect,
    Connection,
    Integer,
    Text,
    cast,
    null,
    select,
    union_all,
)

from hub.adapters.sql.many import OfThese
from hub.adapters.sql.tables.alerting import OPEN, alert
from hub.adapters.sql.tables.measurements import METRIC_CODES, WAITING, deadline
from hub.adapters.sql.tables.people import patient
from hub.domain.severity import Severity
from hub.services.ports.care import Situation

_METRIC_NAMES = {code: name for name, code in METRIC_CODES.items()}


def _question(these: Callable[[Column[Any]], ColumnElement[bool]]) -> CompoundSelect[Any]:
    """A row for each patient's version, each open alert, and each metric that is waited for."""
    no_number, no_word = cast(null(), Integer), cast(null(), Text)
    theirs = select(patient.c.id, patient.c.evaluation_version, no_word, no_number, no_number)
    alerts = select(alert.c.patient_id, no_number, alert.c.problem, alert.c.severity, no_number)
    waits = select(deadline.c.patient_id, no_number, no_word, no_number, deadline.c.metric)
    return union_all(
        theirs.where(these(patient.c.id)),
        alerts.where(these(alert.c.patient_id), OPEN),
        waits.where(these(deadline.c.patient_id), WAITING),
    )


_QUESTION = OfThese(_question)


def situations(connection: Connection, patient_ids: Iterable[int]) -> dict[int, Situation]:
    """By patient; unknown ones are left out."""
    rows = _QUESTION.rows(connection, list(patient_ids))
    found = {row[0]: Situation(row[1], {}, set()) for row in rows if row[1] is not None}
    for patient_id, _, problem, severity, metric in rows:
        if problem is not None:
            theirs = found[patient_id].open
            theirs[problem] = min(Severity(severity), theirs.get(problem, Severity.RED))
        elif metric is not None:
            found[patient_id].waiting.add(_METRIC_NAMES[metric])
    return found
