"""What rules look back at: each stretch of a series is fetched once a group, and only where a rule looks."""

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from hub.domain.samples import Sample
from hub.services.ports.series import TimeLine


@dataclass(frozen=True, slots=True)
class _Window:
    since: datetime
    samples: Sequence[Sample]
    times: Sequence[datetime]


class Past:
    """One patient's series up to ``until``, as ``hub.domain.samples.History`` wants it.

    Good for as long as nothing is written: ``forget`` what has changed. ``newest``: by metric when the newest sample
    was measured, where that is known of all: nothing is asked for that lies behind it.
    """

    def __init__(
        self, series: TimeLine, patient_id: int, until: datetime, newest: Mapping[str, datetime] | None = None
    ) -> None:
        self._series = series
        self._patient_id = patient_id
        self._until = until
        self._newest = newest
        self._windows: dict[str, _Window] = {}
        self.kept: dict[Sample, Any] = {}
        """What was worked out of it about a sample, for as long as nothing of it changes."""

    def __call__(self, metric: str, since: datetime, until: datetime) -> Sequence[Sample]:
        """``since <= at < until``, oldest first."""
        window = self._windows.get(metric)
        if window is None or since < window.since:
            if self._nothing_since(metric, since):
                return ()
            self.remember(metric, since, self._series.range(self._patient_id, metric, since, self._until))
            window = self._windows[metric]
        return window.samples[bisect_left(window.times, since) : bisect_left(window.times, until)]

    def newest(self, metric: str, since: datetime, until: datetime, count: int) -> Sequence[Sample]:
        """The last ``count`` of them, newest first, out of what was fetched before if that reaches far enough."""
        window = self._windows.get(metric)
        if window is None or since < window.since:
            if self._nothing_since(metric, since):
                return ()
            return self._series.newest(self._patient_id, metric, since, min(until, self._until), count)
        end = bisect_left(window.times, until)
        start = max(bisect_left(window.times, since), end - count)
        return window.samples[start:end][::-1]

    def _nothing_since(self, metric: str, since: datetime) -> bool:
        return self._newest is not None and (metric not in self._newest or self._newest[metric] < since)

    def remember(self, metric: str, since: datetime, samples: Sequence[Sample]) -> None:
        """All there is of this metric from ``since`` on, fetched together with that of others."""
        self.kept.clear()
        self._windows[metric] = _Window(since, samples, [sample.at for sample in samples])

    def remembered(self, metric: str) -> tuple[datetime, Sequence[Sample]] | None:
        """What was fetched of this metric, and from when on."""
        window = self._windows.get(metric)
        return None if window is None else (window.since, window.samples)

    def forget(self, metric: str) -> None:
        """Fetch this metric anew the next time."""
        self.kept.clear()
        self._windows.pop(metric, None)
