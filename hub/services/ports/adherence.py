"""What was expected of patients and what came: rows that projections of the series write."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from hub.domain.adherence import Arrival, Expected, Plan, Watched


class AdherenceSource(Protocol):
    """What rows are made from, and the rows; asked in one snapshot that waits for no writer."""

    def due(self, now: datetime, limit: int) -> list[int]:
        """Patients whose next occurrences are to be looked for; those never looked at come first."""
        ...

    def zone(self, patient_id: int) -> str: ...
    def plans(self, patient_id: int) -> list[Plan]:
        """Every slot the patient was ever on."""
        ...

    def states(self, patient_id: int) -> list[Watched]:
        """Every state of being watched, oldest first."""
        ...

    def opened_to(self, patient_id: int) -> datetime | None:
        """Up to which instant every window that opened has its row; None: never looked."""
        ...

    def rows(self, patient_id: int, since: datetime, until: datetime) -> list[Expected]:
        """Rows whose window holds any of ``since <= t <= until``."""
        ...

    def over(self, now: datetime, limit: int) -> list[tuple[int, Expected]]:
        """Open rows whose window has ended, with their patients, the longest over first."""
        ...

    def arrivals(self, patient_id: int, metric: str, since: datetime, until: datetime) -> Sequence[Arrival]:
        """``since <= at < until`` of what may meet an expectation, oldest first."""
        ...


class AdherenceRows(AdherenceSource, Protocol):
    """The same, and their writing."""

    def save(self, patient_id: int, rows: Sequence[Expected]) -> None:
        """Write rows whole, by (patient, slot, due time)."""
        ...

    def opened(self, patient_id: int, to: datetime, look_at: datetime) -> None: ...
