"""Samples, histories and patients for tests of the pure zone."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Literal

from hub.adapters.protocol_files import Template, load_templates
from hub.domain.findings import Finding, Verdict
from hub.domain.patients import DryWeight, OxygenState, OxygenTarget, Patient
from hub.domain.protocols import Protocol, Rule
from hub.domain.samples import History, Sample, Shown
from hub.domain.screening import Value, screen
from hub.domain.severity import Severity

NOW = datetime(2026, 11, 22, 7, 0, tzinfo=UTC)
MIN, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
SHIPPED = Path(__file__).parents[3] / "config" / "protocols"
TEMPLATES: dict[str, Template] = load_templates([SHIPPED])
PROTOCOLS: dict[str, Protocol] = {name: template.protocol for name, template in TEMPLATES.items()}

PATIENT = Patient(1, "M1", "Ada Example", date(1950, 1, 1), "America/New_York")
DRY_78 = replace(PATIENT, dry_weight=DryWeight(Decimal("78.0"), "Dr Example", NOW - 10 * DAY))


def on_oxygen_target(
    target: OxygenTarget | None, state: OxygenState = OxygenState.AIR, floor: int | None = None
) -> Patient:
    return replace(PATIENT, oxygen_target=target, oxygen_state=state, oxygen_floor=floor)


def sample(
    metric: str,
    value: str | Decimal,
    at: datetime = NOW,
    *,
    reading_id: int = 1,
    flags: frozenset[str] = frozenset(),
    comparator: Literal["<", ">"] | None = None,
    shown: tuple[str, str] | None = None,
    profile: str = "manual",
) -> Sample:
    """One stored value with the flags that screening gives it."""
    number = Decimal(value)
    screened = screen([Value(metric, number, comparator)], flags)[0]
    own = Shown(Decimal(shown[0]), shown[1]) if shown else None
    return Sample(reading_id, metric, number, at, None, profile, comparator, screened, own)


def weight(kg: str | Decimal, at: datetime = NOW, *, profile: str = "weight-scale", lb: str | None = None) -> Sample:
    return sample("body_weight", kg, at, profile=profile, shown=(lb, "[lb_av]") if lb else None)


@dataclass
class Stored:
    """A history of what a test gives. ``read`` counts the samples that were handed out."""

    samples: Sequence[Sample]
    read: int = 0

    def __call__(self, metric: str, since: datetime, until: datetime) -> list[Sample]:
        found = [one for one in self.samples if one.metric == metric and since <= one.at < until]
        found.sort(key=lambda one: (one.at, one.reading_id))
        self.read += len(found)
        return found

    def newest(self, metric: str, since: datetime, until: datetime, count: int) -> list[Sample]:
        before = self.read
        found = self(metric, since, until)[::-1][:count]
        self.read = before + len(found)
        return found


class Unread:
    """A history that must not be asked."""

    def __call__(self, metric: str, since: datetime, until: datetime) -> Sequence[Sample]:
        raise AssertionError(f"history of {metric} was read from {since} to {until}")

    def newest(self, metric: str, since: datetime, until: datetime, count: int) -> Sequence[Sample]:
        raise AssertionError(f"{count} of {metric} were read from {since} to {until}")


unread = Unread()


def history_of(samples: Sequence[Sample]) -> History:
    return Stored(samples)


def rule(protocol: str, rule_id: str) -> Rule:
    return next(one for one in PROTOCOLS[protocol].rules if one.id == rule_id)


def found(verdict: Verdict) -> Finding:
    assert isinstance(verdict, Finding), verdict
    return verdict


def worst(protocol: str, one: Sample, patient: Patient = PATIENT, past: Sequence[Sample] = ()) -> Severity | None:
    """The worst severity that any rule of the protocol finds in a sample."""
    verdicts = [rule.evaluate(one, history_of(past), patient) for rule in PROTOCOLS[protocol].rules]
    return max((verdict.severity for verdict in verdicts if isinstance(verdict, Finding)), default=None)
