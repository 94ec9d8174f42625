"""What was expected of patients and what came."""

import json
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, Row, func, select

from hub.adapters.sql.amendments import holds
from hub.adapters.sql.sample_rows import said
from hub.adapters.sql.tables.care import patient_protocol, protocol_version
from hub.adapters.sql.tables.measurements import METRIC_CODES, reading
from hub.adapters.sql.tables.people import patient, patient_state
from hub.adapters.sql.tables.series import amendment
from hub.adapters.sql.tables.summaries import OPEN, expected_reading, expected_to
from hub.adapters.sql.types import EPOCH
from hub.adapters.sql.upsert import insert_into, upsert
from hub.domain.adherence import Arrival, Excuse, Expected, Outcome, Plan, Watched, Word, word_of
from hub.domain.protocols import parse_protocol
from hub.domain.samples import Sample
from hub.domain.slots import Slot
from hub.errors import BrokenProtocol, NotFound

_METRIC_NAMES = {code: name for name, code in METRIC_CODES.items()}
_KEY = ("patient_id", "slot_id", "due_at")


class SqlAdherence:
    """See ``hub.services.ports.adherence.AdherenceRows``."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def due(self, now: datetime, limit: int) -> list[int]:
        """Patients who ever had a plan and are to be looked at."""
        planned = select(patient_protocol.c.patient_id).distinct().subquery()
        looked = planned.outerjoin(expected_to, expected_to.c.patient_id == planned.c.patient_id)
        never = expected_to.c.look_at.is_(None)
        first = func.coalesce(expected_to.c.look_at, 0)
        found = select(planned.c.patient_id).select_from(looked).where(never | (expected_to.c.look_at <= now))
        return list(self._connection.execute(found.order_by(first, planned.c.patient_id).limit(limit)).scalars())

    def zone(self, patient_id: int) -> str:
        """The patient's IANA zone. Raises ``NotFound``."""
        found = self._connection.execute(select(patient.c.zone).where(patient.c.id == patient_id)).scalar()
        if found is None:
            raise NotFound("no such patient")
        return str(found)

    def plans(self, patient_id: int) -> list[Plan]:
        """Every slot the patient was ever on."""
        on = patient_protocol.c
        copy = protocol_version.c
        found = (
            select(copy.id, copy.sha256, copy.body, on.from_at, on.to_at)
            .join(protocol_version, copy.id == on.protocol_version_id)
            .where(on.patient_id == patient_id)
        )
        return [
            Plan(f"{row.id}:{slot.id}", slot, row.from_at, row.to_at)
            for row in self._connection.execute(found.order_by(on.id))
            for slot in _slots(row.sha256, row.body)
        ]

    def states(self, patient_id: int) -> list[Watched]:
        """Every state, oldest first."""
        c = patient_state.c
        found = select(c.since, c.state).where(c.patient_id == patient_id).order_by(c.since, c.id)
        return [Watched(row.since, row.state) for row in self._connection.execute(found)]

    def opened_to(self, patient_id: int) -> datetime | None:
        """Up to where rows are written."""
        found = select(expected_to.c.opened_to).where(expected_to.c.patient_id == patient_id)
        return self._connection.execute(found).scalar()

    def rows(self, patient_id: int, since: datetime, until: datetime) -> list[Expected]:
        """Rows whose window holds any of the span."""
        c = expected_reading.c
        these = (c.patient_id == patient_id) & (c.no_data_at > since) & (c.opens_at <= until)
        found = select(expected_reading).where(these).order_by(c.due_at, c.slot_id)
        return [_expected(row) for row in self._connection.execute(found)]

    def over(self, now: datetime, limit: int) -> list[tuple[int, Expected]]:
        """Open rows whose window has ended."""
        c = expected_reading.c
        found = select(expected_reading).where(OPEN, c.no_data_at <= now).order_by(c.no_data_at, c.patient_id)
        return [(row.patient_id, _expected(row)) for row in self._connection.execute(found.limit(limit))]

    def arrivals(self, patient_id: int, metric: str, since: datetime, until: datetime) -> Sequence[Arrival]:
        """Of the series: two columns, for a sensor may have sent every second."""
        c, code = reading.c, METRIC_CODES[metric]
        these = (c.patient_id == patient_id) & (c.metric == code) & (c.at >= since) & (c.at < until)
        amended = amendment.c.patient_id == patient_id, amendment.c.metric == code
        found = select(c.at, c.words).where(these, holds(reading, *amended)).order_by(c.at, c.reading_id)
        rows = ((at, _word(words)) for at, words in self._connection.execute(found))
        return [Arrival(at, word) for at, word in rows if word is not None]

    def save(self, patient_id: int, rows: Sequence[Expected]) -> None:
        """Write rows whole."""
        if not rows:
            return
        statement = insert_into(self._connection, expected_reading)
        others = [column.name for column in expected_reading.columns if column.name not in _KEY]
        changes = {name: statement.excluded[name] for name in others}
        statement = statement.on_conflict_do_update(index_elements=_KEY, set_=changes)
        self._connection.execute(statement, [_values(patient_id, row) for row in rows])

    def opened(self, patient_id: int, to: datetime, look_at: datetime) -> None:
        """Every window that opens before ``to`` has its row."""
        row = {"patient_id": patient_id, "opened_to": to, "look_at": look_at}
        upsert(self._connection, expected_to, row, ("opened_to", "look_at"))


@lru_cache(maxsize=4096)
def _word(words: str) -> Word | None:
    """Most samples share a handful of sets."""
    return word_of(Sample(0, "", Decimal(0), EPOCH, flags=frozenset(said(words).flags.split())))


@lru_cache(maxsize=256)
def _slots(_sha256: str, body: str) -> tuple[Slot, ...]:
    """Of a copy that can be read no more: none. Ingest raises the alarm; the other copies' rows are still told."""
    try:
        return parse_protocol(json.loads(body)).slots
    except (BrokenProtocol, ValueError):
        return ()


def _values(patient_id: int, row: Expected) -> dict[str, Any]:
    return {
        "patient_id": patient_id,
        "slot_id": row.slot_id,
        "due_at": row.due_at,
        "metric": METRIC_CODES[row.metric],
        "day": row.day,
        "opens_at": row.opens_at,
        "late_at": row.late_at,
        "no_data_at": row.no_data_at,
        "outcome": row.outcome.value,
        "received": row.received,
        "first_at": row.first_at,
        "by": None if row.by is None else row.by.value,
        "excuse": None if row.excuse is None else row.excuse.value,
    }


def _expected(row: Row[Any]) -> Expected:
    return Expected(
        slot_id=row.slot_id,
        metric=_METRIC_NAMES[row.metric],
        day=row.day,
        opens_at=row.opens_at,
        due_at=row.due_at,
        late_at=row.late_at,
        no_data_at=row.no_data_at,
        outcome=Outcome(row.outcome),
        received=row.received,
        first_at=row.first_at,
        by=None if row.by is None else Word(row.by),
        excuse=None if row.excuse is None else Excuse(row.excuse),
    )
