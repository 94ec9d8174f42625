"""What a rule says about one reading, in words a nurse can check."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from hub.domain.samples import Sample
from hub.domain.severity import Severity


@dataclass(frozen=True, slots=True)
class Finding:
    """A rule spoke: severity, the sentence, and all it rests on (SF15)."""

    rule: str
    """Id of the rule within its protocol, ``systolic-high``."""
    problem: str
    """The problem the rule speaks to, ``blood-pressure-high``: findings of one problem share one alert."""
    severity: Severity
    at: datetime
    """Effective time of what it speaks about (aware, UTC)."""
    sentence: str
    reading_id: int | None = None
    inputs: Mapping[str, str] = field(default_factory=dict)
    """What the sentence rests on: each input with value, unit and time."""
    confirmed: bool = True
    """False for an extreme value without a declared fault: it pages at once and says "may be artefact" (SF1)."""


@dataclass(frozen=True, slots=True)
class Deadline:
    """A duty a rule sets for later: unless cancelled, ``finding`` is raised at ``due_at`` (SF1, SF6).

    Order of arrival does not matter if the caller does three things: store it under (patient, ``key``) and ignore a key
    that is there, whatever its state; mark it cancelled when a sample comes that it is ``cancelled_by``; and, when it
    is stored and again when it falls due, look for such a sample among those already stored after ``finding.at``.
    """

    kind: str
    key: str
    """Rule, metric and time: the same episode judged again gives the same key."""
    due_at: datetime
    finding: Finding
    metric: str

    def cancelled_by(self, sample: Sample) -> bool:
        """Whether ``sample`` is the repeat that was waited for. A bound ("LO") is one, a typed value none."""
        return sample.metric == self.metric and sample.answers and sample.at > self.finding.at


@dataclass(frozen=True, slots=True)
class InRange:
    """A rule looked at a trusted sample and has nothing to say: it may help close the problem's amber alert (SF11)."""

    rule: str
    problem: str
    at: datetime
    reading_id: int


Verdict = Finding | InRange | None
"""None: the sample says nothing either way (an artefact, a held value, one between clear and set with no memory)."""
