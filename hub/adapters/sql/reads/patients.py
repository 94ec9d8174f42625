"""Watched patients as lines, and one patient whole."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial

from sqlalchemy import Connection, select

from hub.adapters.sql.consents import SqlConsents
from hub.adapters.sql.patients import to_patient
from hub.adapters.sql.reads.alerts import OPEN, alert_rows
from hub.adapters.sql.reads.care import Enrolled, bands, enrolled, intervals
from hub.adapters.sql.reads.people import staff_tags
from hub.adapters.sql.reads.readings import first, latest, since
from hub.adapters.sql.reads.replays import found as recorded
from hub.adapters.sql.reads.tasks import open_tasks
from hub.adapters.sql.tables.alerting import alert
from hub.adapters.sql.tables.care import goal, task
from hub.adapters.sql.tables.measurements import METRIC_CODES, expectation, replayed
from hub.adapters.sql.tables.people import patient, staff
from hub.domain.patients import Monitoring, Patient
from hub.domain.samples import Sample
from hub.domain.severity import Severity
from hub.services.views.charts import Goal, PatientPage, Programme, Series
from hub.services.views.people import PatientTag, StaffTag
from hub.services.views.worklist import PatientRow, Watch

_METRIC_NAMES = {code: name for name, code in METRIC_CODES.items()}
PAST_ALERTS = 20
_UNPLANNED = timedelta(days=1)
"""Expected though no slot of a protocol in force says so: judged as daily, so that silence still shows."""


def watched(connection: Connection, now: datetime) -> tuple[PatientRow, ...]:
    """Everybody invited, active or paused, by name. The canary of a test is left out (SF20)."""
    states = [Monitoring.INVITED.value, Monitoring.ACTIVE.value, Monitoring.PAUSED.value]
    found = select(patient).where(patient.c.state.in_(states), patient.c.is_test.is_(False))
    people = [to_patient(row) for row in connection.execute(found.order_by(patient.c.name, patient.c.id))]
    return _rows(connection, people, now)


def _rows(connection: Connection, people: list[Patient], now: datetime) -> tuple[PatientRow, ...]:
    ids = [one.id for one in people]
    on = enrolled(connection, ids, now)
    newest = latest(connection, ids)
    watches = _watches(connection, ids, on, newest)
    alerts = _open_alerts(connection, ids)
    names = {tag.id: tag.name for tag in staff_tags(connection)}
    return tuple(
        PatientRow(
            patient=PatientTag(one.id, one.mrn, one.name, one.born, one.zone),
            monitoring=one.state,
            state_reason=one.state_reason,
            paused_until=one.paused_until,
            programmes=tuple(version.title for version, _ in on.get(one.id, ())),
            care_manager=names.get(one.care_manager_id) if one.care_manager_id is not None else None,
            watches=tuple(watches.get(one.id, ())),
            open_alerts=tuple(alerts.get(one.id, ())),
            latest=tuple(sorted(newest.get(one.id, {}).values(), key=lambda s: METRIC_CODES[s.metric])),
        )
        for one in people
    )


def _watches(
    connection: Connection, ids: Iterable[int], on: Enrolled, newest: Mapping[int, Mapping[str, object]]
) -> dict[int, list[Watch]]:
    planned = {patient_id: intervals(versions) for patient_id, versions in on.items()}
    found = select(expectation).where(expectation.c.patient_id.in_(set(ids))).order_by(expectation.c.due_at)
    by_patient: dict[int, list[Watch]] = {}
    for row in connection.execute(found):
        metric = _METRIC_NAMES[row.metric]
        sample = newest.get(row.patient_id, {}).get(metric)
        interval = planned.get(row.patient_id, {}).get(metric, _UNPLANNED)
        at = getattr(sample, "at", None)
        watch = Watch(metric, row.due_at, row.state, interval, row.counted_from, at)
        by_patient.setdefault(row.patient_id, []).append(watch)
    return by_patient


def _open_alerts(connection: Connection, ids: Iterable[int]) -> dict[int, list[tuple[str, str, Severity]]]:
    found = select(alert.c.patient_id, alert.c.ref, alert.c.kind, alert.c.severity).where(
        OPEN, alert.c.patient_id.in_(set(ids))
    )
    by_patient: dict[int, list[tuple[str, str, Severity]]] = {}
    for row in connection.execute(found.order_by(alert.c.severity.desc(), alert.c.id)):
        by_patient.setdefault(row.patient_id, []).append((row.ref, row.kind, Severity(row.severity)))
    return by_patient


def page(connection: Connection, patient_id: int, now: datetime) -> PatientPage | None:
    """One patient, whole; None if there is none."""
    found = connection.execute(select(patient).where(patient.c.id == patient_id)).first()
    if found is None:
        return None
    one = to_patient(found)
    of_patient = alert.c.patient_id == patient_id
    everybody = staff_tags(connection)
    return PatientPage(
        patient=one,
        row=_rows(connection, [one], now)[0],
        programmes=_programmes(connection, patient_id, now),
        care_manager=_care_manager(connection, one, everybody),
        goals=_goals(connection, patient_id),
        consents=tuple(SqlConsents(connection).of_patient(patient_id)),
        open_alerts=tuple(alert_rows(connection, [of_patient, OPEN], now)),
        past_alerts=tuple(alert_rows(connection, [of_patient, ~OPEN], now, limit=PAST_ALERTS)),
        tasks=open_tasks(connection, task.c.patient_id == patient_id),
        staff=everybody,
        first_reading_at=first(connection, patient_id),
        recorded=recorded(connection, patient_id),
    )


def _programmes(connection: Connection, patient_id: int, now: datetime) -> tuple[Programme, ...]:
    return tuple(
        Programme(version.name, version.title, version.number, version.signed_by, version.signed_at, start)
        for version, start in enrolled(connection, [patient_id], now).get(patient_id, ())
    )


def _care_manager(connection: Connection, one: Patient, everybody: tuple[StaffTag, ...]) -> StaffTag | None:
    """Also one who has left: the chart must say whose patient this was."""
    for tag in everybody:
        if tag.id == one.care_manager_id:
            return tag
    found = select(staff.c.id, staff.c.name, staff.c.role).where(staff.c.id == one.care_manager_id)
    row = connection.execute(found).first()
    return None if row is None else StaffTag(row.id, f"{row.name} (has left)", row.role)


def _goals(connection: Connection, patient_id: int) -> tuple[Goal, ...]:
    found = (
        select(goal.c.words, goal.c.added_at, staff.c.name)
        .outerjoin(staff, staff.c.id == goal.c.added_by)
        .where(goal.c.patient_id == patient_id, goal.c.ended_at.is_(None))
        .order_by(goal.c.id.desc())
    )
    return tuple(Goal(*row) for row in connection.execute(found))


def series(
    connection: Connection,
    patient_id: int,
    start: datetime,
    now: datetime,
    copied: Mapping[str, Sequence[Sample]] | None = None,
) -> tuple[Series, ...]:
    """Every metric that was ever measured or is waited for, with its samples from ``start`` on; then recordings.

    ``copied``: those samples, from a copy that has them all.
    """
    found = connection.execute(select(patient).where(patient.c.id == patient_id)).first()
    if found is None:
        return ()
    on = enrolled(connection, [patient_id], now).get(patient_id, ())
    planned = intervals(on)
    newest = latest(connection, [patient_id]).get(patient_id, {})
    samples = since(connection, patient_id, start) if copied is None else copied
    limits = partial(bands, on, to_patient(found))
    measured = [
        Series(
            metric=metric,
            samples=tuple(samples.get(metric, ())),
            bands=limits([metric]),
            interval=planned.get(metric),
            last_at=newest[metric].at if metric in newest else None,
        )
        for metric in sorted({*newest, *planned}, key=METRIC_CODES.__getitem__)
    ]
    tapes = [
        Series(metric, tuple(theirs), limits([metric]), planned.get(metric), theirs[-1].at, replayed=True)
        for metric, theirs in since(connection, patient_id, start, replayed).items()
    ]
    return (*measured, *tapes)
