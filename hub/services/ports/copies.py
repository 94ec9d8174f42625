"""A copy of the series in another engine: what it is made from, what it can do, and how far it says it has come."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple, Protocol

from hub.domain.columns import Columns
from hub.domain.samples import Sample
from hub.services.ports.feed import Feed, Position, Touched
from hub.services.ports.series import SeriesStore


class Point(NamedTuple):
    """A sample as it is stored, void ones too."""

    patient_id: int
    metric: str
    at_ms: int
    reading_id: int
    value: float
    comparator: str | None
    device_id: int | None
    profile: str
    flags: str
    shown_value: float | None
    shown_unit: str | None
    holds: bool
    """False: void, or replaced by another."""


class SeriesCopy(SeriesStore, Protocol):
    """An engine that follows the hub's own series."""

    def write(self, points: Sequence[Point]) -> None:
        """Write these, over what was there of them. Of a millisecond of a patient's metric all are given, by id."""
        ...

    def whole(self, patient_id: int, since: datetime, until: datetime) -> Mapping[str, list[Sample]]:
        """``range`` of every metric."""
        ...

    def mark(self) -> Position | None:
        """How far the copy is whole, as was written into it; None: nowhere, it is a new one."""
        ...

    def set_mark(self, to: Position) -> None:
        """Durable when it returns, and not before what was written before it."""
        ...

    def wipe(self) -> None:
        """Delete everything of it, its mark last."""
        ...

    def counts(self) -> Mapping[tuple[int, str], int]:
        """How many samples hold, by patient and metric."""
        ...

    def close(self) -> None: ...


class CopySource(Protocol):
    """The hub's own series and its feed, from one snapshot."""

    @property
    def feed(self) -> Feed: ...

    def points(self, touched: Sequence[Touched]) -> list[Point]:
        """Every sample of these spans, each once, by patient, metric, time and id."""
        ...

    def counts(self) -> Mapping[tuple[int, str], int]:
        """How many samples hold, by patient and metric."""
        ...

    def thinned(self) -> Mapping[tuple[int, str], int]:
        """How many samples were thinned away, and may still be in a copy."""
        ...

    def columns(self, patient_id: int, metric: str, since: datetime, until: datetime) -> Columns:
        """As ``SeriesStore``."""
        ...
