"""What rules said, and the form in which a finding waits in a row."""

import json
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, bindparam, func, select, update

from hub.adapters.sql.among import among
from hub.adapters.sql.many import inserted
from hub.adapters.sql.tables.measurements import finding as table
from hub.adapters.sql.types import to_ms
from hub.domain.findings import Finding
from hub.domain.severity import Severity

_ADD = inserted(
    table,
    "patient_id",
    "rule",
    "problem",
    "severity",
    "at",
    "found_at",
    "reading_id",
    "sentence",
    "inputs",
    "confirmed",
    "retrospective",
    "replayed",
    "protocol_version_id",
    "alert_id",
)
_OF_READINGS = (
    select(table)
    .where(
        among(table.c.reading_id),
        table.c.patient_id == bindparam("patient"),
        table.c.protocol_version_id == bindparam("copy"),
        table.c.superseded_at.is_(None),
    )
    .order_by(table.c.id)
)
_SUPERSEDE = update(table).where(among(table.c.id))


class SqlFindings:
    """See ``hub.services.ports.measuring.Findings``."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(
        self,
        patient_id: int | None,
        finding: Finding,
        *,
        found_at: datetime,
        protocol_version_id: int | None,
        retrospective: bool,
        alert_id: int | None,
        replayed: bool = False,
    ) -> None:
        """A new row."""
        row = (
            patient_id,
            finding.rule,
            finding.problem,
            int(finding.severity),
            to_ms(finding.at),
            to_ms(found_at),
            finding.reading_id,
            finding.sentence,
            json.dumps(dict(finding.inputs)),
            int(finding.confirmed),
            int(retrospective),
            int(replayed),
            protocol_version_id,
            alert_id,
        )
        _ADD.execute(self._connection, [row])

    def of_readings(
        self, patient_id: int, reading_ids: Collection[int], protocol_version_id: int
    ) -> dict[int, list[tuple[int, Finding]]]:
        """What one protocol's copy says of these samples, with the rows' ids."""
        these = {"ids": reading_ids, "patient": patient_id, "copy": protocol_version_id}
        said: dict[int, list[tuple[int, Finding]]] = {}
        for row in self._connection.execute(_OF_READINGS, these):
            said.setdefault(row.reading_id, []).append((row.id, to_finding(row)))
        return said

    def supersede(self, finding_ids: Sequence[int], now: datetime) -> None:
        """A late reading changed what these said."""
        if finding_ids:
            self._connection.execute(_SUPERSEDE, {"ids": finding_ids, "superseded_at": now})

    def supersede_all(self, patient_id: int, reading_ids: Sequence[int], now: datetime) -> set[int]:
        """The samples are left out."""
        these = table.c.reading_id.in_(reading_ids), table.c.patient_id == patient_id, table.c.superseded_at.is_(None)
        changed = update(table).where(*these).values(superseded_at=now).returning(table.c.alert_id)
        return {row.alert_id for row in self._connection.execute(changed) if row.alert_id is not None}

    def said(self, patient_id: int, protocol_version_id: int, rule: str, at: datetime) -> bool:
        """Whether this rule of one protocol's copy says something of this instant."""
        found = select(table.c.id).where(
            table.c.patient_id == patient_id,
            table.c.at == at,
            table.c.rule == rule,
            table.c.protocol_version_id == protocol_version_id,
            table.c.superseded_at.is_(None),
        )
        return self._connection.execute(found.limit(1)).first() is not None

    def worst_since(self, patient_id: int, since: datetime) -> int | None:
        """The highest severity of readings' findings since, or None; recordings do not count."""
        found = select(func.max(table.c.severity)).where(
            table.c.patient_id == patient_id,
            table.c.at >= since,
            table.c.superseded_at.is_(None),
            table.c.reading_id.is_not(None),
            table.c.replayed == 0,
        )
        return self._connection.execute(found).scalar()


def to_finding(row: Row[Any]) -> Finding:
    """A row of the finding table."""
    return Finding(
        rule=row.rule,
        problem=row.problem,
        severity=Severity(row.severity),
        at=row.at,
        sentence=row.sentence,
        reading_id=row.reading_id,
        inputs=json.loads(row.inputs),
        confirmed=bool(row.confirmed),
    )


def dump_finding(finding: Finding) -> str:
    """A finding that waits for its deadline, as JSON."""
    return json.dumps(
        {
            "rule": finding.rule,
            "problem": finding.problem,
            "severity": finding.severity.word,
            "at": finding.at.isoformat(),
            "sentence": finding.sentence,
            "reading_id": finding.reading_id,
            "inputs": dict(finding.inputs),
            "confirmed": finding.confirmed,
        }
    )


def load_finding(text: str) -> Finding:
    """What ``dump_finding`` wrote."""
    body = json.loads(text)
    return Finding(**(body | {"severity": Severity.of(body["severity"]), "at": datetime.fromisoformat(body["at"])}))
