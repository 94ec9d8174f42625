"""Alerts as rows of the worklist, a handful of questions for any number of them."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, literal_column, select

from hub.adapters.sql.patients import to_patient
from hub.adapters.sql.reads.care import Enrolled, bands, enrolled, rules
from hub.adapters.sql.reads.people import PATIENT_COLUMNS, joined_tag
from hub.adapters.sql.reads.readings import latest, trends
from hub.adapters.sql.tables.alerting import alert
from hub.adapters.sql.tables.measurements import METRIC_CODES
from hub.adapters.sql.tables.people import patient
from hub.domain.escalation import Chain
from hub.domain.patients import Patient
from hub.domain.ruling import Band
from hub.domain.samples import Sample
from hub.domain.severity import Severity
from hub.services.views.alerts import AlertRow, Extremes, NextPage

OPEN = alert.c.state.in_([literal_column("'open'"), literal_column("'acknowledged'")])
"""Word for word what the indexes say that hold no other alerts."""


@dataclass(frozen=True, slots=True)
class Measured:
    """What was measured about the patients of some alerts."""

    metrics: Mapping[int, tuple[str, ...]]
    """By alert: what it speaks about, the leading metric first."""
    latest: Mapping[int, Mapping[str, Sample]]
    trends: Mapping[tuple[int, str], Sequence[Extremes]]
    enrolled: Enrolled
    patients: Mapping[int, Patient]


def alert_rows(
    connection: Connection, which: Sequence[ColumnElement[bool]], now: datetime, *, limit: int = 1000
) -> list[AlertRow]:
    """The alerts that fit, newest first, each with its latest values and trend."""
    found = (
        select(alert, *PATIENT_COLUMNS)
        .outerjoin(patient, patient.c.id == alert.c.patient_id)
        .where(*which)
        .order_by(alert.c.id.desc())
        .limit(limit)
    )
    rows = connection.execute(found).all()
    measured = _measured(connection, rows, now)
    return [_row(row, measured) for row in rows]


def _measured(connection: Connection, rows: Sequence[Row[Any]], now: datetime) -> Measured:
    ids = {row.patient_id for row in rows if row.patient_id is not None}
    if not ids:
        return Measured({}, {}, {}, {}, {})
    on = enrolled(connection, ids, now)
    metrics = _metrics(rows, on)
    leading = {(row.patient_id, metrics[row.id][0]) for row in rows if metrics.get(row.id)}
    people = {row.id: to_patient(row) for row in connection.execute(select(patient).where(patient.c.id.in_(ids)))}
    return Measured(metrics, latest(connection, ids), trends(connection, leading, now), on, people)


def _metrics(rows: Sequence[Row[Any]], on: Enrolled) -> dict[int, tuple[str, ...]]:
    """What each alert speaks about: the metrics of the rules that spoke, or the one that is missing."""
    found: dict[int, tuple[str, ...]] = {}
    for row in rows:
        in_force = rules(on.get(row.patient_id, ()))
        spoke = set(json.loads(row.rules))
        speaking = [rule for rule in in_force if rule.id in spoke and rule.problem == row.problem]
        metrics = {metric for rule in speaking for metric in rule.metrics} or _missing(row.problem)
        found[row.id] = tuple(sorted(metrics, key=METRIC_CODES.__getitem__))
    return found


def _missing(problem: str) -> set[str]:
    """The metric of ``hub.domain.slots.missing_finding``."""
    metric = problem.removeprefix("missing-")
    return {metric} if metric in METRIC_CODES else set()


def _row(row: Row[Any], measured: Measured) -> AlertRow:
    metrics = measured.metrics.get(row.id, ())
    newest = measured.latest.get(row.patient_id, {})
    return AlertRow(
        id=row.id,
        ref=row.ref,
        version=row.version,
        kind=row.kind,
        severity=Severity(row.severity),
        state=row.state,
        problem=row.problem,
        subject=row.subject,
        sentence=row.sentence,
        confirmed=row.confirmed,
        signed_off=row.signed_off,
        findings=row.findings,
        opened_at=row.opened_at,
        triggered_at=row.triggered_at,
        last_finding_at=row.last_finding_at,
        patient=joined_tag(row),
        programmes=tuple(version.title for version, _ in measured.enrolled.get(row.patient_id, ())),
        owner_id=row.acknowledged_by,
        owner=row.acknowledged_name,
        acknowledged_at=row.acknowledged_at,
        lapses_at=row.lapses_at,
        chart_opened_at=row.chart_opened_at,
        contacted_at=row.contacted_at,
        nobody_reached_at=row.nobody_reached_at,
        next_page=_next_page(row),
        worse_at=row.worse_at,
        closed_at=row.closed_at,
        closed_by=row.closed_name,
        outcome=row.outcome,
        outcome_note=row.outcome_note,
        closing_seen_at=row.closing_seen_at,
        latest=tuple(newest[metric] for metric in metrics if metric in newest),
        trend=measured.trends.get((row.patient_id, metrics[0]), ()) if metrics else (),
        bands=_bands(row.patient_id, metrics, measured),
        pages=bool(Chain.from_json(row.chain).steps),
    )


def _bands(patient_id: int | None, metrics: tuple[str, ...], measured: Measured) -> tuple[Band, ...]:
    if patient_id is None or not metrics or patient_id not in measured.patients:
        return ()
    return bands(measured.enrolled.get(patient_id, ()), measured.patients[patient_id], metrics)


def _next_page(row: Row[Any]) -> NextPage | None:
    if row.next_page_at is None:
        return None
    chain = Chain.from_json(row.chain)
    return NextPage(row.next_page_at, (chain.at(row.step).name,) if chain.steps else ())
