"""Samples of one metric as parallel lists: what charts, summaries and exports work on when there are thousands."""

from collections.abc import Sequence
from dataclasses import dataclass

Comparator = str | None


@dataclass(frozen=True, slots=True)
class Columns:
    """One patient's samples of one metric, by time and then by reading id.

    Values are in the metric's unit and as exact as they were stored: ``quantise`` gives back the sample's own value.
    """

    at_ms: Sequence[int] = ()
    """Effective times, milliseconds since 1970 UTC."""
    value: Sequence[float] = ()
    reading_id: Sequence[int] = ()
    comparator: Sequence[Comparator] = ()
    """None for a value; ``<`` or ``>`` for a bound ("LO", "HI")."""
    flags: Sequence[str] = ()
    """Words with a space between, sorted."""

    def __len__(self) -> int:
        return len(self.at_ms)
