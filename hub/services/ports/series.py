"""The time series: what was measured, by patient, metric and time."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from hub.domain.samples import Sample


class TimeLine(Protocol):
    """Samples by patient, metric and effective time."""

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


class SeriesStore(TimeLine, Protocol):
    """What patients' own devices measured. Appending moves the latest values along."""

    def latest(self, patient_ids: Sequence[int]) -> Mapping[int, Mapping[str, Sample]]: ...
    def newest_at(self, patient_id: int, metric: str) -> datetime | None: ...
    def newest_times(self, patient_ids: Sequence[int]) -> Mapping[int, Mapping[str, datetime]]:
        """By patient and metric when the newest sample was measured: what is known before more is appended."""
        ...

    def get(self, patient_id: int, reading_id: int) -> list[Sample]: ...
