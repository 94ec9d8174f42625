"""The time series: what was measured, by patient, metric and time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol

from hub.domain.buckets import Bucket, Unit
from hub.domain.columns import Columns
from hub.domain.samples import Sample


@dataclass(frozen=True, slots=True)
class Amendment:
    """Why a sample holds no more. ``made_by``: a person's name."""

    reason: str
    made_by: str
    made_at: datetime


@dataclass(frozen=True, slots=True)
class Amended:
    """A sample that is left out of everything, with the reason."""

    sample: Sample
    kind: Literal["void", "correct"]
    why: Amendment


@dataclass(frozen=True, slots=True)
class Latest:
    """The newest sample of each metric of many patients, as parallel lists."""

    patient_id: Sequence[int]
    metric: Sequence[str]
    at_ms: Sequence[int]
    value: Sequence[float]
    comparator: Sequence[str | None]
    reading_id: Sequence[int]

    def __len__(self) -> int:
        return len(self.patient_id)


class SeriesStore(Protocol):
    """What every engine can do. A sample that is void or replaced is in no answer.

    Whoever cannot be reached raises ``Transient``.
    """

    def append(self, samples: Mapping[int, Sequence[Sample]]) -> None:
        """Samples by patient. Idempotent by (patient, metric, time, reading id)."""
        ...

    def range(self, patient_id: int, metric: str, since: datetime, until: datetime) -> list[Sample]:
        """``since <= at < until``, by time and then by reading id."""
        ...

    def columns(self, patient_id: int, metric: str, since: datetime, until: datetime) -> Columns:
        """``range`` as parallel lists: the fast way, for charts and exports."""
        ...

    def buckets(
        self, patient_id: int, metric: str, since: datetime, until: datetime, zone: str, unit: Unit
    ) -> list[Bucket]:
        """``range`` by the hour or the day of ``zone``'s clock."""
        ...

    def latest(self, patient_ids: Sequence[int]) -> Mapping[int, Mapping[str, Sample]]:
        """The newest sample of each metric of each patient; who has none is absent."""
        ...

    def latest_columns(self, patient_ids: Sequence[int]) -> Latest:
        """``latest`` as parallel lists, by patient: the fast way for thousands."""
        ...

    def void(self, patient_id: int, sample: Sample, why: Amendment) -> bool:
        """Leave this sample out from now on; it stays where it is. False if it was left out before."""
        ...

    def correct(self, patient_id: int, sample: Sample, by: Sample, why: Amendment) -> bool:
        """Have ``by``, with a reading id of its own, take this sample's place. False if it was left out before."""
        ...

    def erase(self, patient_id: int, since: datetime, until: datetime) -> None:
        """Delete what was measured in ``since <= at < until``, of every metric, for ever."""
        ...

    def health(self) -> None:
        """Return if the store answers; raise ``Transient`` with the reason if it does not."""
        ...


class TimeLine(Protocol):
    """Samples by patient, metric and effective time, as rules look at them."""

    def append(self, samples: Mapping[int, Sequence[Sample]]) -> None:
        """Samples by patient. Idempotent by (patient, metric, time, reading id)."""
        ...

    def mark(self, patient_id: int, sample: Sample) -> None:
        """Write this sample's flags: what the hub thinks of a value may change, the value never does."""
        ...

    def range(self, patient_id: int, metric: str, since: datetime, until: datetime) -> list[Sample]:
        """``since <= at < until``, oldest first, without void and replaced ones."""
        ...

    def ranges(self, metric: str, since: Mapping[int, datetime], until: datetime) -> Mapping[int, list[Sample]]:
        """The same of many patients by one question, each from its own ``since`` on; who has none has an empty list."""
        ...

    def newest(self, patient_id: int, metric: str, since: datetime, until: datetime, count: int) -> list[Sample]:
        """The last ``count`` of ``range``, newest first."""
        ...


class HubSeries(TimeLine, SeriesStore, Protocol):
    """The series in the hub's own database: written with the journal, and what copies are made from."""

    def newest_at(self, patient_id: int, metric: str) -> datetime | None: ...
    def newest_times(self, patient_ids: Sequence[int]) -> Mapping[int, Mapping[str, datetime]]:
        """By patient and metric when the newest sample was measured: what is known before more is appended."""
        ...

    def get(self, patient_id: int, reading_id: int) -> list[Sample]:
        """The sample with this id, also if it is void or replaced; an empty list if there is none."""
        ...

    def amended(self, patient_id: int, since: datetime, until: datetime) -> list[Amended]:
        """What is left out of ``since <= at < until``, oldest first."""
        ...
