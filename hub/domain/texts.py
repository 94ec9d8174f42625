"""What staff read on their phones: one segment each, no patient, no value, times in the clinic's zone.

What does not fit is left out whole, in this order: the word DEMO, the link, the time of the next page. The reference,
the reply codes and how old a reading is are never left out.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from hub.domain.gsm7 import fits, plain
from hub.domain.severity import Severity

LONGEST_CLINIC = 20
LONGEST_NAME = 20
AGE_WORTH_SAYING = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Clinic:
    """What texts say of the site. ``label`` is put first where it fits: "DEMO", "TEST"."""

    name: str
    zone: str
    public_url: str
    label: str = ""

    @property
    def short(self) -> str:
        """The name, cut for a text."""
        return plain(self.name, LONGEST_CLINIC)

    def hhmm(self, at: datetime) -> str:
        """The clinic's wall clock."""
        return at.astimezone(ZoneInfo(self.zone)).strftime("%H:%M")

    def link(self, path: str) -> str:
        """An address on the dashboard. Nothing about a patient is in it."""
        return f"{self.public_url.rstrip('/')}/{path}"


def _first_name(name: str) -> str:
    words = [plain(name, LONGEST_NAME)] if name.startswith("the ") else plain(name, 120).split()
    return (words[0] if words else "somebody")[:LONGEST_NAME]


def _compose(clinic: Clinic, *parts: tuple[str, int]) -> str:
    """Join ``parts``, each with a rank: 0 always stays, of the others the highest goes first where all do not fit."""
    kept = [(clinic.label, 9), *parts] if clinic.label else list(parts)
    text = " ".join(words for words, _ in kept if words)
    while not fits(text) and any(rank for _, rank in kept):
        kept.remove(max(kept, key=lambda part: part[1]))
        text = " ".join(words for words, _ in kept if words)
    return text


def age_words(age: timedelta) -> str:
    """How old a reading is (SF2): empty while it is fresh, then ``2 h 10 min old``."""
    if age <= AGE_WORTH_SAYING:
        return ""
    minutes = int(age.total_seconds()) // 60
    hours, rest = divmod(minutes, 60)
    return " ".join(filter(None, [f"{hours} h" if hours else "", f"{rest} min" if rest or not hours else ""])) + " old"


@dataclass(frozen=True, slots=True)
class Page:
    """What a page is about."""

    severity: Severity
    ref: str
    digit: int
    at: datetime
    """When the alert was raised, or became worse."""
    age: timedelta
    """How old the reading was by then."""
    technical: bool
    next_at: datetime | None
    repeats: bool
    """The same person is paged again, as nobody comes after them."""


def page(clinic: Clinic, about: Page) -> str:
    """``Riverside RED 07:04 ref K7Q2. Reply 1a to take it, 1e to pass on. Next person is paged 07:09. Open …``"""
    old = age_words(about.age)
    what = f"{clinic.short} {'SYSTEM ' if about.technical else ''}{about.severity.name} {clinic.hhmm(about.at)}"
    head = f"{what}{f' (reading {old})' if old else ''} ref {about.ref}."
    how = f"Reply {about.digit}a to take it, {about.digit}e to pass on."
    then = ""
    if about.next_at is not None:
        who = "We page you again" if about.repeats else "Next person is paged"
        then = f"{who} {clinic.hhmm(about.next_at)}."
    return _compose(clinic, (head, 0), (how, 0), (then, 1), (f"Open {clinic.link(f'a/{about.ref}')}", 2))


def restored(clinic: Clinic, made_at: datetime, open_alerts: int, pages_at: datetime) -> str:
    """To everybody responsible, once after a restore: what was lost, and when pages begin again."""
    since = made_at.astimezone(ZoneInfo(clinic.zone)).strftime("%d %b %H:%M")
    lost = f"{clinic.short}: hub restored from {since}, what was done since is lost."
    then = f"{min(open_alerts, 999)} open alerts; pages begin again {clinic.hhmm(pages_at)}."
    return _compose(clinic, (lost, 0), (then, 0), (f"Look now: {clinic.link('')}", 1))


def taken(clinic: Clinic, ref: str, contact_by: datetime | None) -> str:
    """To whoever took it. ``contact_by`` is None where there is no patient to phone or no hurry."""
    if contact_by is None:
        return _compose(clinic, (f"You have {ref}. Resolve it on the page.", 0), (clinic.link(f"a/{ref}"), 1))
    by = clinic.hhmm(contact_by)
    return _compose(
        clinic, (f"You have {ref}. Contact the patient by {by} and record it on the page, or we page again.", 0)
    )


def taken_technical(clinic: Clinic, ref: str, by: datetime) -> str:
    """To whoever took a red about the system."""
    return _compose(clinic, (f"You have {ref}. Resolve it on the page by {clinic.hhmm(by)}, or we page again.", 0))


def stand_down(clinic: Clinic, ref: str, name: str, since: datetime) -> str:
    """To everybody else who was paged; also to whoever takes it too late (E9)."""
    who = f"{ref} is with {_first_name(name)} since {clinic.hhmm(since)}. You need do nothing."
    return _compose(clinic, (who, 0))


def over(clinic: Clinic, ref: str, how: str) -> str:
    """To everybody paged about an alert that ended while it was open."""
    return _compose(clinic, (f"{ref} is over: {plain(how, 60)}. You need do nothing.", 0))


def passed_on(clinic: Clinic, ref: str) -> str:
    """To whoever passed it on."""
    return _compose(clinic, (f"{ref} is passed on. You need do nothing.", 0))


def not_passed_on(clinic: Clinic, ref: str, why: str) -> str:
    """To whoever could not."""
    return _compose(clinic, (f"{ref} was not passed on: {plain(why, 50)}.", 0), (clinic.link(f"a/{ref}"), 1))


def no_such_code(clinic: Clinic, digit: int | None, codes: Sequence[tuple[int, str]]) -> str:
    """To whoever answered with a number that no page on this phone carries, or with none where several are open."""
    shown = ", ".join(f"{number}a for {ref}" for number, ref in codes[:4])
    said = f"There is no page {digit % 1000} on this phone." if digit is not None else "Say which page you mean."
    how = f"Reply {shown}." if shown else "None waits for your answer."
    return _compose(clinic, (said, 0), (how, 0))


def old_code(clinic: Clinic, digit: int, ref: str, why: str) -> str:
    """To whoever answered a page whose alert is over: what became of it."""
    return _compose(clinic, (f"Page {digit} was {ref}: {plain(why, 70)}. You need do nothing.", 0))


def worse_since(clinic: Clinic, severity: Severity, ref: str, digit: int, at: datetime) -> str:
    """To whoever takes what was a lesser alert when they were paged."""
    words = f"{ref} became worse {clinic.hhmm(at)}: it is {severity.name} now. Reply {digit}a again to take it."
    return _compose(clinic, (words, 0), (clinic.link(f"a/{ref}"), 1))


def not_by_text(clinic: Clinic, ref: str) -> str:
    """To whoever tries to close an alert from the phone (SF13)."""
    return _compose(
        clinic, (f"{ref} cannot be closed by text. Resolve it on the page.", 0), (clinic.link(f"a/{ref}"), 1)
    )


def not_understood(clinic: Clinic) -> str:
    """To staff whose text says nothing we know."""
    return _compose(clinic, ("Not understood. Reply the page's number with a to take it (1a) or e to pass on (1e).", 0))


def how_to_answer(clinic: Clinic) -> str:
    """To staff who ask for help."""
    words = "Reply a page's number with a to take it (1a) or e to pass it on (1e)."
    return _compose(clinic, (f"{clinic.short}: pages of home monitoring. {words}", 0), (clinic.link(""), 1))


def task_overdue(clinic: Clinic, task_id: int, due_at: datetime) -> str:
    """To whoever has to answer for a task."""
    words = f"{clinic.short} task {task_id} was due {clinic.hhmm(due_at)} and is not done."
    return _compose(clinic, (words, 0), (f"Open {clinic.link('tasks')}", 1))
