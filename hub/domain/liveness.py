"""Is a red finding still live? The hub's own clock decides, never the topic it came by (SF2)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from hub.domain.findings import InRange
from hub.domain.patients import Patient
from hub.domain.ruling import Rule
from hub.domain.samples import History, Sample
from hub.domain.wording import span_words

LIVE = timedelta(hours=4)
"""A red value up to this old pages."""
FRESH = timedelta(minutes=5)
"""Up to this old the text need not say how old."""


class Route(StrEnum):
    """What becomes of a red finding: somebody is paged, or it is put on the list for review."""

    PAGE = "page"
    REVIEW = "review"


@dataclass(frozen=True, slots=True)
class Liveness:
    """The route, and the words that belong behind the finding's sentence; empty if it is fresh."""

    route: Route
    words: str


def verdict(at: datetime, now: datetime, *, metric: str, time_suspect: bool, newer_in_range: int) -> Liveness:
    """Page or review for a red finding about ``metric`` at effective time ``at``.

    ``newer_in_range`` is how many newer trusted values were in range (``count_in_range``): one makes it a review item,
    for SpO2 two, since an oximeter over-reads more easily than a cuff. With a suspect clock it counts as live, and
    nothing can be newer than a time that is not known.
    """
    if time_suspect:
        return Liveness(Route.PAGE, "device clock wrong, time of measurement unknown")
    age = now - at
    words = f"measured {span_words(age)} ago" if age > FRESH else ""
    if age > LIVE:
        return Liveness(Route.REVIEW, words)
    if newer_in_range >= (2 if metric == "oxygen_saturation" else 1):
        return Liveness(Route.REVIEW, f"{words or 'just measured'}, in range since")
    return Liveness(Route.PAGE, words)


def count_in_range(rule: Rule, newer: Sequence[Sample], history: History, patient: Patient) -> int:
    """How many of the ``newer`` samples the rule that found red calls in range."""
    return sum(isinstance(rule.evaluate(sample, history, patient), InRange) for sample in newer)
