"""What came of a recording that was replayed."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from hub.domain.severity import Severity

APART = timedelta(minutes=30)
"""Findings of one rule closer than this are one episode, as two values in range so far apart end an alert (SF11)."""


@dataclass(frozen=True, slots=True)
class Marks:
    """How far the tables were before it began. ``answered``: by status and code, of the gateway that replays."""

    answered: Mapping[tuple[str, str | None], int]
    findings: int
    alerts: int
    tasks: int
    messages: int


@dataclass(frozen=True, slots=True)
class Found:
    """What one rule said at one severity."""

    rule: str
    severity: Severity
    count: int
    episodes: int
    first: datetime
    last: datetime


@dataclass(frozen=True, slots=True)
class Outcome:
    """``answered``: how many readings by what the hub answered. The rest was made for this patient meanwhile."""

    answered: Mapping[str, int]
    found: tuple[Found, ...]
    alerts: int
    tasks: int
    messages: int
