"""A ward whose patients have time series, and the worker's summaries behind them."""

import itertools
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from sqlalchemy import Engine, update

from hub.adapters.sql.engine import read_only
from hub.adapters.sql.reads import SqlReads
from hub.adapters.sql.tables.people import patient
from hub.adapters.sql.unit_of_work import SqlUnitOfWork
from hub.domain.rollups import Grain, Rollup, days, hours
from hub.domain.samples import Sample
from hub.services.engine.rollups import Rollups
from hub.services.hub import Hub
from hub.services.ports.care import NewPatient
from hub.services.ports.series import Amendment
from tests.contract.series_rows import DAY, NOON, PLACES, entry, stores
from tests.unit.alerting.clinic import SITE, CountedIds, MovedClock, NoPasswords, Phones

METRICS = ["body_weight", "blood_glucose"]
ROLLBACK_JOURNAL = "sqlite with a rollback journal"
"""As where the SQLite at hand must not be trusted with a WAL: nobody commits there while somebody reads."""
MISTAKEN = Amendment("mistaken", "Ana Example", NOON)


@dataclass
class Ward:
    """Patients by number from 1, and the worker's module behind their readings."""

    engine: Engine
    seq: int = 0
    mrns: Iterator[int] = field(default_factory=itertools.count)

    def __post_init__(self) -> None:
        self.clock = MovedClock(NOON)
        self.hub = Hub(
            site=SITE,
            clock=self.clock,
            ids=CountedIds(),
            passwords=NoPasswords(),
            unit_of_work=lambda: SqlUnitOfWork(self.engine),
            reads=self._reads,
            channel=Phones(),
            templates=dict,
        )

    @contextmanager
    def _reads(self) -> Iterator[SqlReads]:
        with read_only(self.engine).connect() as connection:
            yield SqlReads(connection)

    def enrol(self, zone: str) -> int:
        with self.hub.unit_of_work() as uow:
            added = uow.patients.add(NewPatient(f"M{next(self.mrns)}", "Pat Invented", None, zone), NOON)
            uow.commit()
        return added

    def moves(self, patient_id: int, zone: str) -> None:
        with self.engine.begin() as connection:
            connection.execute(update(patient).where(patient.c.id == patient_id).values(zone=zone))

    def measures(self, patient_id: int, at: datetime, number: str, metric: str = "body_weight") -> Sample:
        self.seq += 1
        with self.hub.unit_of_work() as uow:
            (sample,) = stores(uow, (patient_id, at, [(metric, number)]), first=self.seq)
            uow.commit()
        return sample

    def many(self, patient_id: int, readings: Sequence[tuple[datetime, str]], metric: str) -> list[Sample]:
        """The same of many at once."""
        first, self.seq = self.seq + 1, self.seq + len(readings)
        with self.hub.unit_of_work() as uow:
            found = stores(uow, *((patient_id, at, [(metric, number)]) for at, number in readings), first=first)
            uow.commit()
        return found

    def void(self, patient_id: int, sample: Sample) -> None:
        with self.hub.unit_of_work() as uow:
            assert uow.series.void(patient_id, sample, MISTAKEN)
            uow.commit()

    def correct(self, patient_id: int, sample: Sample, number: str) -> Sample:
        """A reading of its own takes the sample's place."""
        self.seq += 1
        with self.hub.unit_of_work() as uow:
            (journal_id,) = uow.journal.append([entry(self.seq, patient_id, sample.at)])
            by = sample._replace(reading_id=journal_id * PLACES, value=Decimal(number))
            assert uow.series.correct(patient_id, sample, by, MISTAKEN)
            uow.commit()
        return by

    def mark(self, patient_id: int, sample: Sample, *flags: str) -> None:
        with self.hub.unit_of_work() as uow:
            uow.series.mark(patient_id, sample.flagged(frozenset(flags)))
            uow.commit()

    def erase(self, patient_id: int, since: datetime, until: datetime) -> None:
        with self.hub.unit_of_work() as uow:
            uow.series.erase(patient_id, since, until)
            uow.commit()

    def follow(self) -> None:
        while Rollups().run(self.hub, NOON):
            pass

    def rows(self, patient_id: int, grain: Grain, metric: str = "body_weight") -> list[Rollup]:
        with self.hub.reads() as reads:
            found = reads.rollups(patient_id, metric, grain, NOON - 999 * DAY, NOON + 999 * DAY)
        return list(found.rows)

    def fresh(self, patient_id: int, grain: Grain, metric: str = "body_weight") -> list[Rollup]:
        """Computed anew from the samples of now."""
        with self.hub.reads() as reads:
            source = reads.rollup_source
            zone = source.zone(patient_id) or ""
            points = source.points(patient_id, NOON - 999 * DAY, NOON + 999 * DAY).get(metric, ())
            bases = source.bases(patient_id, NOON - 999 * DAY, NOON + 999 * DAY).get(metric, ())
        of_hours = hours(points, zone, bases)
        return of_hours if grain is Grain.HOUR else days(of_hours, zone)

    def agrees(self, *patient_ids: int) -> None:
        for patient_id in patient_ids:
            for metric in METRICS:
                for grain in Grain:
                    assert self.rows(patient_id, grain, metric) == self.fresh(patient_id, grain, metric)
