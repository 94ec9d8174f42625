"""A patient, the states of being watched (SF17), and who may be assigned what (SF6, SF7, SF9)."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum

from hub.errors import Unsafe


class Monitoring(StrEnum):
    """Whether readings of this patient are watched."""

    INVITED = "invited"
    ACTIVE = "active"
    PAUSED = "paused"
    ENDED = "ended"


class EndReason(StrEnum):
    """Why monitoring ended. Data measured after a withdrawal is quarantined."""

    GRADUATED = "graduated"
    WITHDREW = "withdrew"
    MOVED = "moved"
    DIED = "died"


class OxygenState(StrEnum):
    """Unknown is shown as unknown and never taken for air (SF7)."""

    UNKNOWN = "unknown"
    AIR = "air"
    OXYGEN = "oxygen"


class OxygenTarget(StrEnum):
    """Chosen by a clinician, never guessed from a diagnosis (SF7)."""

    GENERAL = "94-98"
    HYPERCAPNIC = "88-92"
    PERSONAL = "personal"


@dataclass(frozen=True, slots=True)
class DryWeight:
    """The weight without excess fluid, as a named clinician set it; reviewed every 90 days."""

    kg: Decimal
    set_by: str
    set_at: datetime


@dataclass(frozen=True, slots=True)
class Patient:
    """A patient as the rules and the pages need them. Instants are aware UTC; ``zone`` is an IANA name."""

    id: int
    mrn: str
    name: str
    born: date | None
    zone: str
    state: Monitoring = Monitoring.ACTIVE
    state_reason: str | None = None
    state_since: datetime | None = None
    paused_until: datetime | None = None
    phone: str | None = None
    dry_weight: DryWeight | None = None
    oxygen_state: OxygenState = OxygenState.UNKNOWN
    oxygen_target: OxygenTarget | None = None
    oxygen_floor: int | None = None
    """Absolute SpO2 floor in %, required beside a personal target."""
    insulin_or_su: bool = False
    """On insulin or a sulfonylurea: a low glucose is never waited for (SF5)."""
    pregnant: bool | None = None
    """None is "not recorded"."""
    recently_discharged_at: datetime | None = None
    care_manager_id: int | None = None
    is_test: bool = False

    def age(self, today: date) -> int | None:
        """Whole years, or None without a birth date."""
        if self.born is None:
            return None
        return today.year - self.born.year - ((today.month, today.day) < (self.born.month, self.born.day))


def check_assignable(patient: Patient, protocol_id: str, *, adult: bool, requires: frozenset[str], today: date) -> None:
    """Raise ``Unsafe`` with the sentence and the rule's id if ``patient`` may not be put on this protocol."""
    if patient.state is Monitoring.ENDED:
        raise Unsafe("SF17", "monitoring of this patient has ended")
    if adult:
        _check_adult(patient, protocol_id, today)
    if "dry_weight" in requires and patient.dry_weight is None:
        raise Unsafe("SF6", f"{protocol_id} needs a dry weight with its author first")
    if "oxygen_target" in requires:
        _check_oxygen(patient, protocol_id)


def _check_adult(patient: Patient, protocol_id: str, today: date) -> None:
    age = patient.age(today)
    if age is None:
        raise Unsafe("SF9", f"{protocol_id} is for adults and the birth date is unknown")
    if age < 18:
        raise Unsafe("SF9", f"{protocol_id} is for adults and this patient is under 18")
    if patient.pregnant:
        raise Unsafe("SF9", f"{protocol_id} is not for pregnancy; pregnancy has a protocol of its own")


def _check_oxygen(patient: Patient, protocol_id: str) -> None:
    if patient.oxygen_target is None:
        raise Unsafe("SF7", f"{protocol_id} needs an SpO2 target first: 94-98, 88-92 or personal")
    if patient.oxygen_target is OxygenTarget.PERSONAL and patient.oxygen_floor is None:
        raise Unsafe("SF7", "a personal SpO2 target needs an absolute floor")
