"""Old readings that are kept as sums: which of them, and taking them away."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from hub.domain.rollups import Rollup


@dataclass(frozen=True, slots=True)
class Line:
    """What is kept one by one of a stretch of time, in order. ``critical``: the places that must stay."""

    at: Sequence[datetime]
    value: Sequence[float]
    reading_id: Sequence[int]
    critical: Collection[int]


class ThinningSource(Protocol):
    """Asked in one snapshot that waits for no writer."""

    def line(self, patient_id: int, metric: str, since: datetime, until: datetime) -> Line:
        """``since <= at < until``. Critical is every bound and every doubted or amended sample, whatever a finding
        speaks of, and what first met an expectation."""
        ...


class Thinning(ThinningSource, Protocol):
    """The same, and their removal."""

    def remove(self, patient_id: int, metric: str, line: Line, places: Sequence[int]) -> None:
        """Delete these samples. The journal keeps them as they came."""
        ...

    def add(self, patient_id: int, metric: str, sums: Sequence[Rollup]) -> None:
        """Add to the sums of what was thinned away, by the hour."""
        ...
