"""A protocol as signed into force: rules, the slots readings are expected in, and whom it may be given to."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import time, timedelta
from decimal import Decimal
from typing import Protocol as Interface

from hub.domain.findings import Deadline, Verdict
from hub.domain.patients import Patient
from hub.domain.samples import History, Sample
from hub.domain.severity import Severity


@dataclass(frozen=True, slots=True)
class Band:
    """A limit to draw: ``metric`` is ``severity`` at or beyond ``limit`` on this side ("above" or "below")."""

    metric: str
    severity: Severity
    side: str
    limit: Decimal


class Rule(Interface):
    """One rule in force. Pure: the same sample and history always give the same verdict, in whatever order they came."""

    @property
    def id(self) -> str: ...
    @property
    def kind(self) -> str: ...
    @property
    def problem(self) -> str: ...
    @property
    def metrics(self) -> frozenset[str]:
        """Metrics whose samples this rule is asked about."""
        ...

    @property
    def lookback(self) -> timedelta:
        """How far back ``evaluate`` may read: a late sample makes later ones within this span be judged again."""
        ...

    def evaluate(self, sample: Sample, history: History, patient: Patient) -> Verdict:
        """What this rule says about ``sample``, given all that was measured before it."""
        ...

    def deadlines(self, sample: Sample, history: History, patient: Patient) -> Sequence[Deadline]:
        """Duties this sample sets for later."""
        ...

    def bands(self, patient: Patient) -> Sequence[Band]:
        """Limits to draw on the chart."""
        ...


@dataclass(frozen=True, slots=True)
class Slot:
    """A reading of ``metric`` is expected at local time ``at`` on these weekdays (0 Monday). SF8's one clock hangs on it."""

    id: str
    metric: str
    at: time
    days: frozenset[int]
    opens: timedelta
    """A reading this long before ``at`` already counts."""
    grace: timedelta
    """After ``at`` + grace it is late."""
    no_data: timedelta
    """After ``at`` + no_data it is "no data"."""


@dataclass(frozen=True, slots=True)
class Protocol:
    """A protocol. ``signed_by`` is None for a template: its alerts say "not signed off"."""

    id: str
    title: str
    version: int
    adult: bool
    requires: frozenset[str]
    rules: tuple[Rule, ...]
    slots: tuple[Slot, ...]
    signed_by: str | None = None
