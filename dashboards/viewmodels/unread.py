"""Unread texts as rows: what fits is shown, the rest is folded, and what waits too long says so."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from dashboards.viewmodels import times
from hub.domain.answers import takes_back
from hub.services.views.worklist import UnreadText

OVERDUE = timedelta(hours=1)
FITS = 160
"""Letters of a text that are shown unfolded."""


@dataclass(frozen=True, slots=True)
class UnreadRow:
    """``head`` is the whole text unless ``folded``. ``overdue`` is words, empty in time."""

    text: UnreadText
    head: str
    folded: bool
    overdue: str
    callable: bool
    """Its sender is a number, not a short code or letters."""
    hint: str = ""
    """What a text means that says nothing by itself."""


def rows(texts: Iterable[UnreadText], now: datetime) -> list[UnreadRow]:
    """In the order they came in."""
    return [_row(text, now) for text in texts]


def _row(text: UnreadText, now: datetime) -> UnreadRow:
    folded = len(text.body) > FITS
    head = text.body[:FITS].rsplit(" ", 1)[0] + "…" if folded else text.body
    waited = now - text.received_at
    overdue = f"overdue: unread for {times.span(waited)}" if waited > OVERDUE else ""
    return UnreadRow(text, head or "(no words)", folded, overdue, text.sender.startswith("+"), _hint(text))


def _hint(text: UnreadText) -> str:
    takes = text.patient is not None and takes_back(text.body)
    return "may take an answer back: ask the patient" if takes else ""
