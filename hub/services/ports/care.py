"""Patients, the protocols in force, and what hangs on a patient."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Protocol as Interface

from hub.domain.patients import Monitoring, Patient
from hub.domain.protocols import Protocol
from hub.domain.severity import Severity


@dataclass(frozen=True, slots=True)
class NewPatient:
    """What ``patient add`` and the enrolment page give."""

    mrn: str
    name: str
    born: date | None
    zone: str
    phone: str | None = None
    dry_weight_kg: Decimal | None = None
    dry_weight_by: str | None = None
    oxygen_state: str = "unknown"
    oxygen_target: str | None = None
    oxygen_floor: int | None = None
    insulin_or_su: bool = False
    pregnant: bool | None = None
    care_manager_id: int | None = None
    is_test: bool = False


@dataclass(frozen=True, slots=True)
class InForce:
    """A protocol version as signed. ``protocol.signed_by`` is None where nobody signed (demo only)."""

    version_id: int
    protocol: Protocol
    sha256: str
    signed_at: datetime


@dataclass(frozen=True, slots=True)
class Enrolment:
    """A patient's protocol and since when."""

    in_force: InForce
    since: datetime


@dataclass(frozen=True, slots=True)
class Situation:
    """What ingest must know of a patient before it judges.

    ``version``: to pass to ``judged``. ``open``: problems with an open or acknowledged alert, and how severe it is.
    ``waiting``: metrics of which a valid sample is waited for.
    """

    version: int
    open: dict[str, Severity]
    waiting: set[str]


class Patients(Interface):
    """Patients."""

    def add(self, patient: NewPatient, now: datetime) -> int: ...
    def get(self, patient_id: int) -> Patient:
        """Raises ``NotFound``."""
        ...

    def many(self, patient_ids: Iterable[int]) -> dict[int, Patient]:
        """By id; unknown ones are left out."""
        ...

    def by_mrn(self, mrn: str) -> Patient | None: ...
    def in_state(self, *states: Monitoring) -> list[Patient]: ...
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
        ...

    def set_care_manager(self, patient_id: int, staff_id: int | None) -> None: ...
    def set_dry_weight(self, patient_id: int, kg: Decimal, by: str, now: datetime) -> None: ...
    def evaluation_versions(self, patient_ids: Iterable[int]) -> dict[int, int]:
        """The versions to pass to ``judged``."""
        ...

    def situations(self, patient_ids: Iterable[int]) -> dict[int, Situation]:
        """By id; unknown ones are left out."""
        ...

    def judged(self, seen: Mapping[int, int], registry: int | None = None) -> bool:
        """Compare-and-set of evaluation versions; False if another process judged one of these patients meanwhile.

        Pausing or ending monitoring moves a version too, so who is judged must have been read after it. ``registry``:
        the version that they were judged by; False too if that has moved.
        """
        ...

    def pauses_over(self, now: datetime) -> list[Patient]: ...
    def set_phone(self, patient_id: int, phone: str | None) -> None: ...
    def add_goal(self, patient_id: int, words: str, staff_id: int | None, now: datetime) -> int: ...


class Protocols(Interface):
    """Signed copies, and who is on which."""

    def sign(
        self, protocol_id: str, version: int, title: str, body: str, sha256: str, signed_by: str | None, now: datetime
    ) -> int:
        """Keep a copy in force; the version before it of the same protocol is retired for new patients."""
        ...

    def current(self, protocol_id: str) -> InForce | None: ...
    def all_current(self) -> list[InForce]: ...
    def assign(self, patient_id: int, version_id: int, by: str, now: datetime) -> None: ...
    def end_protocol(self, patient_id: int, protocol_id: str, now: datetime) -> None:
        """Take a patient off every copy of one protocol."""
        ...

    def end_all(self, patient_id: int, now: datetime) -> None: ...
    def of_patient(self, patient_id: int, at: datetime) -> list[Enrolment]: ...
    def of_patients(self, patient_ids: Sequence[int], at: datetime) -> Mapping[int, list[Enrolment]]:
        """By patient; one without any is absent."""
        ...

    def enrolled(self, now: datetime) -> Mapping[int, list[Enrolment]]:
        """Every active patient's protocols, by patient id."""
        ...
