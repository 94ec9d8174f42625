"""How the hub itself is doing."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Beat:
    """A role's last word."""

    role: str
    instance: str
    at: datetime
    detail: Mapping[str, object]


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
