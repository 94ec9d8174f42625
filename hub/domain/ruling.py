"""What every rule kind offers, and what it may say. Below the rule kinds, so that they need not know each other."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Protocol as Interface
from typing import runtime_checkable

from hub.domain.findings import Deadline, Verdict
from hub.domain.patients import Patient
from hub.domain.samples import Attempt, Attempts, History, Sample
from hub.domain.severity import Severity


@dataclass(frozen=True, slots=True)
class Band:
    """A limit to draw: ``metric`` is ``severity`` at or beyond ``limit`` on this side ("above" or "below")."""

    metric: str
    severity: Severity
    side: str
    limit: Decimal


class Rule(Interface):
    """One rule in force. Pure: the same sample and history give the same verdict, in whatever order they came."""

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


@runtime_checkable
class WatchesAttempts(Interface):
    """A rule that also looks at tries which gave no value. Optional: ask with ``isinstance``."""

    def after_attempt(self, attempt: Attempt, earlier: Attempts, patient: Patient) -> Sequence[Deadline]:
        """Duties this attempt sets for later."""
        ...
