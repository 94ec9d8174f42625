"""Texts with one patient as a conversation: who or what wrote each, how far it came, and what it was understood as."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from zoneinfo import ZoneInfo

from dashboards.viewmodels import times
from dashboards.viewmodels.values import label
from hub.domain.answers import takes_back
from hub.domain.checkins import PRESSURES
from hub.domain.metrics import METRICS
from hub.services.consents import SMS
from hub.services.views.texts import AnswerLine, Exchange, TextLine, TextsPage

_STATES = {
    "pending": "waiting to be sent",
    "sending": "being sent",
    "accepted": "with the provider",
    "sent": "sent",
    "delivered": "delivered",
    "undelivered": "not delivered",
    "failed": "not sent",
    "cancelled": "cancelled",
    "stale": "too old, not sent",
    "unknown": "unclear whether it left",
}
_TROUBLE = frozenset({"undelivered", "failed", "unknown"})
_KINDS = {"checkin": "Check-in", "answer": "Answer", "courtesy": "Courtesy answer"}
_ENDS = {
    "answered": "Answered",
    "expired": "Expired without an answer",
    "not_understood": "Ended: the answer was not understood, a person reads it",
    "measured": "Over: the reading came from a device",
    "not_sent": "Not asked: the text did not leave in time",
    "cancelled": "Cancelled",
}


@dataclass(frozen=True, slots=True)
class Bubble:
    """One text. ``state`` is words; ``read_id`` names what can be marked as read."""

    id: str
    inward: bool
    who: str
    body: str
    at: datetime
    when: str
    state: str
    trouble: bool
    notes: tuple[str, ...] = ()
    danger: str = ""
    read_id: int | None = None


@dataclass(frozen=True, slots=True)
class Group:
    """Texts in a row that belong together. ``title`` is empty where they belong to no check-in."""

    title: str
    cause: str
    end: str
    bubbles: tuple[Bubble, ...]


@dataclass(frozen=True, slots=True)
class Clocks:
    """Times as the patient reads them, and as the clinic does where that differs."""

    theirs: str
    clinic: str
    now: datetime

    def words(self, at: datetime) -> str:
        """``09:00``; where the clinic's clock shows something else ``09:00 (clinic 10:00)``."""
        own = times.clock(at, self.theirs, self.now)
        here = times.clock(at, self.clinic, self.now)
        same = at.astimezone(ZoneInfo(self.theirs)).utcoffset() == at.astimezone(ZoneInfo(self.clinic)).utcoffset()
        return own if same else f"{own} (clinic {here})"


def groups(page: TextsPage, clocks: Clocks) -> list[Group]:
    """The texts, oldest first, those of one check-in together under its name."""
    runs = [(key, tuple(lines)) for key, lines in groupby(page.lines, key=lambda line: line.conversation_id)]
    keys = [key for key, _ in runs]
    return [
        _group(page, key, [_bubble(page, line, clocks) for line in lines], clocks, keys[:place], keys[place + 1 :])
        for place, (key, lines) in enumerate(runs)
    ]


def newest(page: TextsPage, clocks: Clocks, most: int) -> list[Group]:
    """The last exchange alone, of it the last ``most`` texts."""
    last = groups(page, clocks)[-1:]
    return [Group(one.title, one.cause, one.end, one.bubbles[-most:]) for one in last]


def _group(
    page: TextsPage,
    key: int | None,
    bubbles: Sequence[Bubble],
    clocks: Clocks,
    before: Sequence[int | None],
    after: Sequence[int | None],
) -> Group:
    """A check-in that goes on after other texts says so, and how it ended stands after its last."""
    talk = page.exchanges.get(key) if key is not None else None
    if talk is None:
        return Group("", "", "", tuple(bubbles))
    cause = f"Continued. {_cause(talk, clocks)}" if key in before else _cause(talk, clocks)
    end = "It goes on below." if key in after else _end(page, talk, clocks)
    return Group(f"Check-in: {talk.title}", cause, end, tuple(bubbles))


def _cause(talk: Exchange, clocks: Clocks) -> str:
    because = {"missing": "an expected reading had not come", "schedule": "as planned"}.get(talk.cause, talk.cause)
    if talk.due_at is not None:
        because = f"the reading due {clocks.words(talk.due_at)} had not come"
    return f"Version {talk.version}, asked {clocks.words(talk.asked_at)}: {because}"


def _end(page: TextsPage, talk: Exchange, clocks: Clocks) -> str:
    if talk.state == "open":
        until = f"; if nothing comes, the hub goes on {clocks.words(talk.check_at)}" if talk.check_at else ""
        return f"Waiting for an answer{until}"
    words = _ENDS.get(talk.state, talk.state.replace("_", " ").capitalize())
    at = f"{words} {clocks.words(talk.ended_at)}" if talk.ended_at is not None else words
    return f"{at}, then taken back: no answer stands" if _all_taken_back(page, talk) else at


def _all_taken_back(page: TextsPage, talk: Exchange) -> bool:
    """A check-in that was answered reads as fine; one whose answers were all withdrawn must not."""
    answers = [one for line in page.lines if line.conversation_id == talk.id for one in line.answers]
    return talk.state == "answered" and bool(answers) and all(one.withdrawn_at is not None for one in answers)


def _bubble(page: TextsPage, line: TextLine, clocks: Clocks) -> Bubble:
    talk = page.exchanges.get(line.conversation_id) if line.conversation_id is not None else None
    if not line.inward:
        return Bubble(
            id=f"out-{line.id}",
            inward=False,
            who=_wrote(line),
            body=line.body,
            at=line.at,
            when=clocks.words(line.at),
            state=_state(page, line, talk),
            trouble=line.state in _TROUBLE,
        )
    return Bubble(
        id=f"in-{line.id}",
        inward=True,
        who="The patient" if line.whose else "From this number, which several patients have",
        body=line.body,
        at=line.at,
        when=clocks.words(line.at),
        state=_heard(line, talk, clocks),
        trouble=line.unread,
        notes=_notes(line),
        danger=line.danger or "",
        read_id=line.id if line.unread else None,
    )


def _wrote(line: TextLine) -> str:
    if line.kind == "answer" and line.urgent:
        return "Safety answer"
    return _KINDS.get(line.kind, line.kind.replace("_", " ").capitalize())


def _state(page: TextsPage, line: TextLine, talk: Exchange | None) -> str:
    words = _STATES.get(line.state, line.state)
    why = line.error or ""
    if line.state == "cancelled" and not why:
        why = _why_cancelled(page, line, talk)
    return f"{words}: {why}" if why else words


def _why_cancelled(page: TextsPage, line: TextLine, talk: Exchange | None) -> str:
    """The row says nothing of it: what ended between its writing and its leaving does."""
    if talk is not None and talk.state == "measured":
        return "the reading came from a device"
    ended = [entry.revoked_at for entry in page.consents if entry.scope == SMS and entry.revoked_at is not None]
    if any(at >= line.wrote_at for at in ended):
        return "the consent ended"
    return "no longer needed"


def _heard(line: TextLine, talk: Exchange | None, clocks: Clocks) -> str:
    if line.answers:
        return "; ".join(_answer(answer, talk, clocks) for answer in line.answers)
    if takes_back(line.body) and line.understood is not None:
        return "understood: takes the answer before it back"
    if takes_back(line.body) and line.unread and line.handled:
        return "unread: may take an answer back, ask the patient"
    if line.understood is not None:
        return f"understood: {line.understood}"
    if line.read_at is not None:
        return f"read by a person {clocks.words(line.read_at)}"
    if line.danger is not None:
        return "unread"
    return "unread: not understood" if line.handled else "unread: just came in"


def _answer(answer: AnswerLine, talk: Exchange | None, clocks: Clocks) -> str:
    choices = talk.choices.get(answer.step, {}) if talk is not None else {}
    words = f"understood as “{value_words(answer.value, choices)}”"
    if answer.withdrawn_at is not None:
        words += f", withdrawn by the patient {clocks.words(answer.withdrawn_at)}"
    return words


def value_words(kept: str, choices: Mapping[str, str] | None = None) -> str:
    """``120/80``, ``a bit worse``: out of the JSON that is kept of an answer."""
    try:
        value = json.loads(kept)
    except ValueError:
        return kept
    if isinstance(value, dict):
        return _fields_words(value, choices or {})
    return (choices or {}).get(str(value), str(value))


def _fields_words(value: Mapping[str, object], choices: Mapping[str, str]) -> str:
    rest = {name: str(one) for name, one in value.items() if one is not None}
    parts = []
    if all(name in rest for name in PRESSURES):
        parts.append("/".join(rest.pop(name) for name in PRESSURES))
    parts += [
        f"{label(name).lower()} {one}" if name in METRICS else choices.get(one, one) for name, one in rest.items()
    ]
    return ", ".join(parts)


def _notes(line: TextLine) -> tuple[str, ...]:
    if not line.media:
        return ()
    return (f"{line.media} picture{'s' if line.media > 1 else ''} came with it: see it at the provider",)
