"""Hours and days of each metric: what they are made from, and the rows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from hub.domain.rollups import Grain, Point, Rollup

ByMetric = Mapping[str, Sequence[Rollup]]


@dataclass(frozen=True, slots=True)
class Made:
    """In which zone a patient's windows are made. ``made_to``: they are made anew up to there; None: all are made."""

    zone: str
    made_to: datetime | None = None


class RollupSource(Protocol):
    """What rows are made from, and the rows; asked in one snapshot that waits for no writer."""

    def zone(self, patient_id: int) -> str | None:
        """The patient's zone now; None: there is no such patient."""
        ...

    def made(self, patient_id: int) -> Made | None: ...
    def unmade(self, limit: int) -> list[int]:
        """Patients whose windows are to be made anew: their zone changed, or that was begun before."""
        ...

    def patients(self) -> list[int]:
        """Everybody of whom anything was measured."""
        ...

    def span(self, patient_id: int) -> tuple[datetime, datetime] | None:
        """When the oldest and the newest of what was measured or summed up was; None: nothing was."""
        ...

    def points(self, patient_id: int, since: datetime, until: datetime) -> Mapping[str, Sequence[Point]]:
        """By metric the samples that hold, ``since <= at < until``, in order."""
        ...

    def bases(self, patient_id: int, since: datetime, until: datetime) -> ByMetric:
        """By metric the sums of what was thinned away, of hours that begin in ``since <= start < until``."""
        ...

    def windows(self, patient_id: int, grain: Grain, since: datetime, until: datetime) -> ByMetric:
        """By metric the rows that begin in ``since <= start < until``, in order."""
        ...


class RollupRows(RollupSource, Protocol):
    """The same, and their writing."""

    def lock(self, patient_id: int) -> None:
        """Until the commit nobody else who asks for it writes, or thins, what is made of this patient."""
        ...

    def replace(self, patient_id: int, grain: Grain, since: datetime, until: datetime, rows: ByMetric) -> None:
        """Let ``rows`` be all that begin in ``since <= start < until``."""
        ...

    def set_made(self, patient_id: int, made: Made) -> None: ...
