"""What ingest must know of its patients before it judges, by one question."""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import CompoundSelect, Connection, Integer, Text, cast, literal_column, null, select, union_all

from hub.adapters.sql.among import among, listed
from hub.adapters.sql.many import Many
from hub.adapters.sql.tables.alerting import OPEN, alert
from hub.adapters.sql.tables.measurements import METRIC_CODES, deadline
from hub.adapters.sql.tables.people import patient
from hub.domain.severity import Severity
from hub.services.ports.care import Situation

_METRIC_NAMES = {code: name for name, code in METRIC_CODES.items()}


def _question() -> CompoundSelect[Any]:
    """A row for each patient's version, each open alert, and each metric that is waited for."""
    no_number, no_word = cast(null(), Integer), cast(null(), Text)
    theirs = select(patient.c.id, patient.c.evaluation_version, no_word, no_number, no_number)
    alerts = select(alert.c.patient_id, no_number, alert.c.problem, alert.c.severity, no_number)
    waits = select(deadline.c.patient_id, no_number, no_word, no_number, deadline.c.metric)
    return union_all(
        theirs.where(among(patient.c.id)),
        alerts.where(among(alert.c.patient_id), OPEN),
        waits.where(among(deadline.c.patient_id), deadline.c.state == literal_column("'waiting'")),
    )


_QUESTION = Many(lambda _: _question(), ("ids",))


def situations(connection: Connection, patient_ids: Iterable[int]) -> dict[int, Situation]:
    """By patient; unknown ones are left out."""
    rows = _QUESTION.rows(connection, (listed(list(patient_ids), connection.dialect),))
    found = {row[0]: Situation(row[1], {}, set()) for row in rows if row[1] is not None}
    for patient_id, _, problem, severity, metric in rows:
        if problem is not None:
            theirs = found[patient_id].open
            theirs[problem] = min(Severity(severity), theirs.get(problem, Severity.RED))
        elif metric is not None:
            found[patient_id].waiting.add(_METRIC_NAMES[metric])
    return found
