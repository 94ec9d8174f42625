"""How the hub itself is doing."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True)
class Beat:
    """A role's last word."""

    role: str
    instance: str
    at: datetime
    detail: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Lag:
    """How far a copy of the series is behind: at most so many readings and changes, the first of which came then."""

    readings: int
    since: datetime | None

    def age(self, now: datetime) -> timedelta:
        """How long the first of them has waited; nothing if there is none."""
        return timedelta(0) if self.since is None else max(now - self.since, timedelta(0))


@dataclass(frozen=True, slots=True)
class Running:
    """What ``/readyz`` and ``/metrics`` are made of."""

    beats: tuple[Beat, ...]
    counters: Mapping[tuple[str, str], int]
    histograms: Mapping[str, list[tuple[float, int, float]]]
    """By name: (upper bound, count, sum) per bucket, not cumulative."""
    open_alerts: Mapping[tuple[str, str], int]
    """(kind, severity word)"""
    messages: Mapping[tuple[str, str], int]
    """(channel, state)"""
    held: int
    quarantined: int
    copy: Lag | None = None
    """None: there is no copy of the series."""
