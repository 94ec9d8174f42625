"""What happened to an alert, oldest first: acts, messages and contacts in one list."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from hub.services.views.alerts import AlertPage, ContactLine, Message

_KINDS = {
    "page": "Page",
    "taken": "Confirmation",
    "stand_down": "Stand-down",
    "reply": "Answer",
    "task": "Task",
}
_STATES = {
    "pending": "waiting to be sent",
    "sending": "being sent",
    "accepted": "with the provider",
    "sent": "sent",
    "delivered": "delivered",
    "undelivered": "NOT delivered",
    "failed": "FAILED",
    "cancelled": "cancelled before it was sent",
    "stale": "too old, not sent",
    "unknown": "unclear whether it left",
}
_TROUBLE = {"undelivered", "failed", "unknown"}
_FURTHER = "ADD-1"
"""A finding that changed nothing: no page, no worsening, nobody's act."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of the timeline. ``kind``: act | message | contact."""

    at: datetime
    kind: str
    who: str
    words: str
    code: str = ""
    trouble: bool = False


@dataclass(frozen=True, slots=True)
class Run:
    """Findings that changed nothing, one after another, as one line that can be opened."""

    count: int
    first_at: datetime
    last_at: datetime
    entries: tuple[Entry, ...]
    """Those that the history names; it names one a minute at most."""


def folded(entries: Sequence[Entry], found: Sequence[datetime]) -> list[Entry | Run]:
    """The timeline with every run of further findings as one line; all else stands alone, a single finding too.

    ``found``: when each finding was made. One of them belongs to each opening and worsening and is told by it.
    """
    waiting = _further(entries, found)
    lines: list[Entry | Run] = []
    named: list[Entry] = []
    for entry in entries:
        if entry.code == _FURTHER:
            named.append(entry)
            continue
        before = bisect_left(waiting, entry.at)
        before += min(waiting.count(entry.at), sum(one.at == entry.at for one in named))
        lines += [*_run(named, waiting[:before]), entry]
        named, waiting = [], waiting[before:]
    return lines + _run(named, waiting)


def _further(entries: Sequence[Entry], found: Sequence[datetime]) -> list[datetime]:
    told = Counter(entry.at for entry in entries if entry.code.startswith(("OPEN-", "WORSE-")))
    begun = entries[0].at if entries else None
    return sorted((Counter(at for at in found if begun is None or at >= begun) - told).elements())


def _run(named: Sequence[Entry], found: Sequence[datetime]) -> list[Entry | Run]:
    count = max(len(named), len(found))
    if count <= len(named) == 1:
        return list(named)
    instants = [*(entry.at for entry in named), *found]
    return [Run(count, min(instants), max(instants), tuple(named))] if count else []


def timeline(page: AlertPage) -> list[Entry]:
    """All of it, oldest first; what happened in the same instant stays in the order it was written."""
    recorded = {contact.at for contact in page.contacts}
    entries = [
        Entry(e.at, "act", e.actor, e.words, e.transition)
        for e in page.events
        if not (e.transition.startswith("CON-") and e.at in recorded)  # its line with the note stands below
    ]
    entries = [replace(e, who="") if e.words.startswith(e.who) else e for e in entries]
    entries += [_message(message) for message in page.messages]
    entries += [_contact(contact) for contact in page.contacts]
    return sorted(entries, key=lambda entry: entry.at)


def _message(message: Message) -> Entry:
    state = _STATES.get(message.state, message.state)
    why = f" ({message.error})" if message.error else ""
    words = f"{_KINDS.get(message.kind, message.kind)} to {message.to}: {state}{why}"
    return Entry(message.sent_at or message.at, "message", "hub", words, "", message.state in _TROUBLE)


def _contact(contact: ContactLine) -> Entry:
    reached = "reached the patient" if contact.reached else "did not reach the patient"
    note = f": {contact.note}" if contact.note else ""
    return Entry(contact.at, "contact", contact.by, f"{contact.way}: {reached}{note}")
