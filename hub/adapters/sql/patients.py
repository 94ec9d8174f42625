"""Patients and their goals."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from sys import intern

from sqlalchemy import Connection, Row, bindparam, insert, select, text, update

from hub.adapters.sql.among import among
from hub.adapters.sql.many import Many, OfThese
from hub.adapters.sql.registry import changed, version, version_is
from hub.adapters.sql.situations import situations
from hub.adapters.sql.tables.care import goal
from hub.adapters.sql.tables.people import patient, patient_state
from hub.domain.patients import DryWeight, Monitoring, OxygenState, OxygenTarget, Patient
from hub.errors import NotFound
from hub.services.ports.care import NewPatient, Situation

_TO_JUDGE = (
    update(patient)
    .where(patient.c.id == bindparam("this"), patient.c.evaluation_version == bindparam("seen"))
    .values(evaluation_version=patient.c.evaluation_version + text("1"))
)
_JUDGED = Many(lambda _: _TO_JUDGE, ("this", "seen"))
_JUDGED_BY = Many(lambda _: _TO_JUDGE.where(version_is(bindparam("registry"))), ("this", "seen", "registry"))

_BY_ID = select(patient).where(patient.c.id == bindparam("this"))
_MANY = select(patient).where(among(patient.c.id))
_VERSIONS = OfThese(lambda these: select(patient.c.id, patient.c.evaluation_version).where(these(patient.c.id)))

_GRAM = Decimal("0.001")


class SqlPatients:
    """See ``hub.services.ports.care.Patients``."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, new: NewPatient, now: datetime) -> int:
        """The new patient's id."""
        changed(self._connection)
        values = {
            "mrn": new.mrn,
            "name": new.name,
            "born": new.born,
            "zone": new.zone,
            "state": Monitoring.ACTIVE.value,
            "state_since": now,
            "phone": new.phone,
            "oxygen_state": new.oxygen_state,
            "oxygen_target": new.oxygen_target,
            "oxygen_floor": new.oxygen_floor,
            "insulin_or_su": new.insulin_or_su,
            "pregnant": new.pregnant,
            "care_manager_id": new.care_manager_id,
            "is_test": new.is_test,
            "created_at": now,
        }
        if new.dry_weight_kg is not None:
            values |= {
                "dry_weight_g": _grams(new.dry_weight_kg),
                "dry_weight_by": new.dry_weight_by,
                "dry_weight_at": now,
            }
        added: int = self._connection.execute(insert(patient).values(values).returning(patient.c.id)).scalar_one()
        self._note_state(added, Monitoring.ACTIVE, now)
        return added

    def get(self, patient_id: int) -> Patient:
        """Raises ``NotFound``."""
        row = self._connection.execute(_BY_ID, {"this": patient_id}).first()
        if row is None:
            raise NotFound("no such patient")
        return to_patient(row)

    def many(self, patient_ids: Iterable[int]) -> dict[int, Patient]:
        """By id; unknown ones are left out."""
        found = self._connection.execute(_MANY, {"ids": list(patient_ids)})
        return {row.id: to_patient(row) for row in found}

    def by_mrn(self, mrn: str) -> Patient | None:
        """The patient with this record number, or None."""
        row = self._connection.execute(select(patient).where(patient.c.mrn == mrn)).first()
        return None if row is None else to_patient(row)

    def in_state(self, *states: Monitoring) -> list[Patient]:
        """Patients in one of ``states``, in id order."""
        found = select(patient).where(patient.c.state.in_([s.value for s in states])).order_by(patient.c.id)
        return [to_patient(row) for row in self._connection.execute(found)]

    def change_state(
        self,
        patient_id: int,
        seen: Monitoring,
        to: Monitoring,
        reason: str | None,
        until: datetime | None,
        now: datetime,
    ) -> bool:
        """Compare-and-set; False if the state was no longer ``seen``."""
        changed(self._connection)
        moved = self._connection.execute(
            update(patient)
            .where(patient.c.id == patient_id, patient.c.state == seen.value)
            .values(
                state=to.value,
                state_reason=reason,
                state_since=now,
                paused_until=until,
                version=patient.c.version + 1,
                # An ingest group that read the state before must be done again: it may be about to page for it.
                evaluation_version=patient.c.evaluation_version + 1,
            )
        )
        if moved.rowcount != 1:
            return False
        self._note_state(patient_id, to, now)
        return True

    def _note_state(self, patient_id: int, state: Monitoring, now: datetime) -> None:
        self._connection.execute(insert(patient_state).values(patient_id=patient_id, state=state.value, since=now))

    def set_care_manager(self, patient_id: int, staff_id: int | None) -> None:
        """The member of staff who leads this patient's team."""
        self._set(patient_id, care_manager_id=staff_id)

    def set_dry_weight(self, patient_id: int, kg: Decimal, by: str, now: datetime) -> None:
        """The dry weight with its author and time."""
        self._set(patient_id, dry_weight_g=_grams(kg), dry_weight_by=by, dry_weight_at=now)

    def evaluation_versions(self, patient_ids: Iterable[int]) -> dict[int, int]:
        """The versions to pass to ``judged``."""
        return {row[0]: row[1] for row in _VERSIONS.rows(self._connection, list(patient_ids))}

    def situations(self, patient_ids: Iterable[int]) -> dict[int, Situation]:
        """By id, by one question."""
        return situations(self._connection, patient_ids)

    def judged(self, seen: Mapping[int, int], registry: int | None = None) -> bool:
        """Compare-and-set of evaluation versions. On SQLite no registry moves while this transaction lasts."""
        if registry is None or self._connection.dialect.name == "sqlite":
            return _JUDGED.execute(self._connection, sorted(seen.items())) == len(seen)
        if not seen:
            return version(self._connection) == registry
        return _JUDGED_BY.execute(self._connection, [(*one, registry) for one in sorted(seen.items())]) == len(seen)

    def pauses_over(self, now: datetime) -> list[Patient]:
        """Paused patients whose pause has run out."""
        found = select(patient).where(patient.c.state == Monitoring.PAUSED.value, patient.c.paused_until <= now)
        return [to_patient(row) for row in self._connection.execute(found)]

    def set_phone(self, patient_id: int, phone: str | None) -> None:
        """The patient's own number."""
        self._set(patient_id, phone=phone)

    def add_goal(self, patient_id: int, words: str, staff_id: int | None, now: datetime) -> int:
        """A goal in the patient's own words."""
        values = {"patient_id": patient_id, "words": words, "added_by": staff_id, "added_at": now}
        added: int = self._connection.execute(insert(goal).values(values).returning(goal.c.id)).scalar_one()
        return added

    def _set(self, patient_id: int, **values: object) -> None:
        changed(self._connection)
        self._connection.execute(
            update(patient).where(patient.c.id == patient_id).values(version=patient.c.version + 1, **values)
        )


def _grams(kg: Decimal) -> int:
    return int((kg / _GRAM).to_integral_value())


@lru_cache(maxsize=4096)  # ingest keeps tens of thousands of patients, and the same weights are many people's
def _kilograms(grams: int) -> Decimal:
    return Decimal(grams) * _GRAM


def to_patient(row: Row[tuple[object, ...]]) -> Patient:
    """A row of the patient table as the rules know it."""
    dry = None
    if row.dry_weight_g is not None:
        dry = DryWeight(_kilograms(row.dry_weight_g), intern(row.dry_weight_by or ""), row.dry_weight_at)
    return Patient(
        id=row.id,
        mrn=row.mrn,
        name=row.name,
        born=row.born,
        zone=intern(row.zone),
        state=Monitoring(row.state),
        state_reason=row.state_reason,
        state_since=row.state_since,
        paused_until=row.paused_until,
        phone=row.phone,
        dry_weight=dry,
        oxygen_state=OxygenState(row.oxygen_state),
        oxygen_target=None if row.oxygen_target is None else OxygenTarget(row.oxygen_target),
        oxygen_floor=row.oxygen_floor,
        insulin_or_su=row.insulin_or_su,
        pregnant=row.pregnant,
        recently_discharged_at=row.recently_discharged_at,
        care_manager_id=row.care_manager_id,
        is_test=row.is_test,
    )
