"""Hours or days of one metric of one patient."""

from dataclasses import dataclass
from datetime import datetime

from hub.domain.rollups import Rollup


@dataclass(frozen=True, slots=True)
class Rollups:
    """Windows in order, in this zone; None: none were made yet."""

    rows: tuple[Rollup, ...]
    zone: str | None
    complete_to: datetime | None
    """All that the hub received before is in them. None: all that it has."""
    made_to: datetime | None = None
    """They are made anew, and windows from here on are not yet; None: all are."""
