"""A database with a time series: patients by number, readings by minute."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from sqlalchemy import Engine

from hub.adapters.sql.engine import make_engine
from hub.domain.samples import Sample
from hub.services.ports.measuring import JournalEntry
from hub.services.ports.storage import UnitOfWork
from tests.fresh import fresh_database

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
PLACES = 16
"""Values of one reading at most: ``hub.services.ingest.samples.VALUES_PER_READING``."""


def sqlite(folder: Path) -> Engine:
    """A new embedded database at this version's schema."""
    file = folder / "hub.db"
    file.write_bytes(fresh_database())
    return make_engine(f"sqlite:///{file}", checkpoints=True)


def entry(seq: int, patient_id: int | None, at: datetime, **more: Any) -> JournalEntry:
    """A reading as acknowledged; without a patient it is held."""
    key = seq.to_bytes(16, "big")
    status, code = ("held", "unassigned") if patient_id is None else ("stored", None)
    plain = {
        "gateway_id": "g-1",
        "spool": "s-1",
        "seq": seq,
        "device": f"D{patient_id}",
        "record": None,
        "digest": key,
        "record_digest": key,
        "status": status,
        "code": code,
        "device_id": None,
        "patient_id": patient_id,
        "effective_at": at,
        "received_at": at,
        "age": timedelta(0),
        "flags": frozenset(),
        "body": b"{}",
    }
    return JournalEntry(**(plain | more))


def weight(journal_id: int, kg: str, at: datetime, **more: Any) -> Sample:
    """The first value of a reading of a scale."""
    return Sample(journal_id * PLACES, "body_weight", Decimal(kg), at, **({"profile": "weight-scale"} | more))


def stores(uow: UnitOfWork, *readings: tuple[int, datetime, Sequence[tuple[str, str]]], first: int = 1) -> list[Sample]:
    """(patient, time, (metric, value) ...) as ingest stores them, numbered from ``first``; all their samples."""
    ids = uow.journal.append([entry(first + n, patient_id, at) for n, (patient_id, at, _) in enumerate(readings)])
    by_patient: dict[int, list[Sample]] = {}
    for journal_id, (patient_id, at, values) in zip(ids, readings, strict=True):
        by_patient.setdefault(patient_id, []).extend(
            Sample(journal_id * PLACES + place, metric, Decimal(number), at)
            for place, (metric, number) in enumerate(values)
        )
    uow.series.append(by_patient)
    return [sample for theirs in by_patient.values() for sample in theirs]
