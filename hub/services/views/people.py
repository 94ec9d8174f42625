"""People, as a line on a page."""

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True)
class PatientTag:
    """Enough of a patient to tell two apart."""

    id: int
    mrn: str
    name: str
    born: date | None
    zone: str


@dataclass(frozen=True, slots=True)
class StaffTag:
    """Somebody who can own work."""

    id: int
    name: str
    role: str
