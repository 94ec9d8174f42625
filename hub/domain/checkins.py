"""A check-in as signed into force: what a patient is asked by text, when, and what each answer means."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from hub.domain.documents import Fields, broken
from hub.domain.metrics import METRICS
from hub.domain.severity import Severity
from hub.domain.slots import WEEKDAYS, local_instant
from hub.domain.units import UNITS

KINDS = ("choice", "blood_pressure", "number")
PRESSURES = ("systolic_blood_pressure", "diastolic_blood_pressure")

LONGEST_ID = 32
_DAY = timedelta(days=1)
_DIGITS = "123456789"
_NUMBER_WORDS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
_GAPS_WITHIN = (" ", ". ", ", ", ": ", " - ", "-", ") ")
_KEYCAP = re.compile("[\ufe0f\u20e3]")


@dataclass(frozen=True, slots=True)
class Choice:
    """One option. With a ``severity`` it opens an alert that says ``sentence``."""

    digit: str
    words: str
    also: tuple[str, ...] = ()
    severity: Severity | None = None
    sentence: str | None = None

    @property
    def forms(self) -> frozenset[str]:
        """All that is heard as this option, as ``heard_as`` has it: ``2``, ``two``, ``a bit``, ``2. a bit``."""
        digits = (self.digit, _NUMBER_WORDS[int(self.digit)])
        words = [heard_as(said) for said in (self.words, *self.also)]
        return frozenset(
            [*digits, *words, *(f"{n}{gap}{said}" for n in digits for gap in _GAPS_WITHIN for said in words)]
        )


@dataclass(frozen=True, slots=True)
class Step:
    """One question. A measurement may have options too, such as "I cannot"."""

    id: str
    kind: str
    ask: str
    ask_again: str
    choices: tuple[Choice, ...] = ()
    metric: str | None = None
    units: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Schedule:
    """Asked at this time of the patient's day, on these weekdays (0 Monday)."""

    at: time
    days: frozenset[int]


@dataclass(frozen=True, slots=True)
class CheckIn:
    """A check-in. ``signed_by`` is None for a template: its alerts say "not signed off"."""

    id: str
    title: str
    version: int
    for_protocols: tuple[str, ...]
    missing: tuple[str, ...]
    """Metrics whose late reading it asks for."""
    schedule: Schedule | None
    opens: time
    closes: time
    """Nobody is texted before ``opens`` or from ``closes`` on, by the patient's clock."""
    too_old: timedelta
    """A question that could not leave within this is not asked."""
    ask_again: timedelta
    """Silence this long after a question left is answered by asking once more."""
    expires: timedelta
    """Silence this long after the last question left ends it."""
    steps: tuple[Step, ...]
    signed_by: str | None = None


def heard_as(body: str) -> str:
    """A text as options are compared: small letters, one space between words, nothing around them."""
    return " ".join(_KEYCAP.sub("", body).split()).strip(" .!,;()\"'").casefold()


def parse_checkin(document: Mapping[str, object], *, signed_by: str | None = None) -> CheckIn:
    """The check-in a document describes; ``BrokenProtocol`` names the place of the first thing that is wrong.

    Whether it may be signed is ``checkin_template``'s to say.
    """
    fields = Fields(document)
    opens, closes = _between(fields)
    checkin = CheckIn(
        fields.name("id"),
        fields.text("title"),
        fields.integer("version", least=1),
        _names(fields, "for"),
        fields.names("missing", sorted(METRICS)) if fields.has("missing") else (),
        _schedule(fields.fields("schedule"), opens, closes) if fields.has("schedule") else None,
        opens,
        closes,
        fields.duration("too_old"),
        fields.duration("ask_again"),
        fields.duration("expires"),
        _steps(fields),
        signed_by,
    )
    fields.close()
    if len(checkin.id) > LONGEST_ID or any(len(step.id) > LONGEST_ID // 2 for step in checkin.steps):
        broken(
            "id", f"must be at most {LONGEST_ID} letters, that of a step {LONGEST_ID // 2}: alerts are named by them"
        )
    if not checkin.missing and checkin.schedule is None:
        broken("document", "needs missing or schedule: else nobody is ever asked")
    if checkin.ask_again >= checkin.expires:
        broken("ask_again", "must be shorter than expires: else nobody is asked again")
    return checkin


def _between(fields: Fields) -> tuple[time, time]:
    value = fields.get("between")
    if not isinstance(value, list | tuple) or len(value) != 2:
        broken(fields.where("between"), 'must be two local times such as ["08:00", "20:00"]')
    ends = Fields({"opens": value[0], "closes": value[1]}, fields.where("between"))
    opens, closes = ends.clock("opens"), ends.clock("closes")
    if opens >= closes:
        broken(fields.where("between"), "must end after it begins, on the same day")
    return opens, closes


def _names(fields: Fields, key: str) -> tuple[str, ...]:
    return tuple(Fields({"name": item}, path).name("name") for path, item in fields.items(key))


def _schedule(fields: Fields, opens: time, closes: time) -> Schedule:
    at = fields.clock("at")
    days = fields.names("days", WEEKDAYS) if fields.has("days") else WEEKDAYS
    fields.close()
    if not opens <= at < closes:
        broken(fields.where("at"), f"must lie between {opens:%H:%M} and {closes:%H:%M}, when it may be asked")
    return Schedule(at, frozenset(WEEKDAYS.index(day) for day in days))


def _steps(fields: Fields) -> tuple[Step, ...]:
    steps: list[Step] = []
    for path, item in fields.items("steps"):
        step = _step(Fields(item, path))
        if any(step.id == other.id for other in steps):
            broken(f"{path}.id", f"{step.id} stands there twice")
        steps.append(step)
    return tuple(steps)


def _step(fields: Fields) -> Step:
    kind = fields.one_of("kind", KINDS)
    metric, units = _number(fields) if kind == "number" else (None, ())
    choices = _choices(fields) if kind == "choice" or fields.has("choices") else ()
    step = Step(fields.name("id"), kind, fields.text("ask"), fields.text("ask_again"), choices, metric, units)
    fields.close()
    return step


def _number(fields: Fields) -> tuple[str, tuple[str, ...]]:
    metric = fields.one_of("metric", sorted(UNITS))
    return metric, fields.names("units", UNITS[metric])


def _choices(fields: Fields) -> tuple[Choice, ...]:
    choices = tuple(_choice(Fields(item, path)) for path, item in fields.items("choices"))
    said: set[str] = set()
    for index, choice in enumerate(choices):
        both = next((word for word in (choice.digit, choice.words, *choice.also) if heard_as(word) in said), None)
        if both is not None:
            broken(f"{fields.where('choices')}[{index}]", f'"{both}" stands for two options')
        said |= choice.forms
    return choices


def _choice(fields: Fields) -> Choice:
    severity = fields.severity("severity") if fields.has("severity") else None
    sentence = fields.text("sentence") if fields.has("sentence") else None
    choice = Choice(fields.text("digit"), fields.text("words"), _also(fields), severity, sentence)
    fields.close()
    if len(choice.digit) != 1 or choice.digit not in _DIGITS:
        broken(fields.where("digit"), 'must be one digit in quotes, "1" to "9": 0 takes an answer back')
    if (severity is None) != (sentence is None):
        broken(fields.path, "needs both severity and sentence, or neither")
    return choice


def _also(fields: Fields) -> tuple[str, ...]:
    if not fields.has("also"):
        return ()
    return tuple(Fields({"also": item}, path).text("also") for path, item in fields.items("also"))


def next_time(schedule: Schedule, zone: ZoneInfo, after: datetime) -> datetime:
    """When it is asked next after an instant. A clock change moves it as it moves a slot."""
    day = (after - 2 * _DAY).date()
    while True:
        at = local_instant(schedule.at, day, zone) if day.weekday() in schedule.days else None
        if at is not None and at > after:
            return at
        day += _DAY


def may_leave(checkin: CheckIn, zone: ZoneInfo, at: datetime) -> datetime:
    """``at``, or the next opening where the patient's clock then shows a quiet hour."""
    local = at.astimezone(zone)
    if checkin.opens <= local.time() < checkin.closes:
        return at
    day = local.date()
    while True:
        opening = local_instant(checkin.opens, day, zone)
        if opening is not None and opening > at:
            return opening
        day += _DAY


def must_have_left(checkin: CheckIn, zone: ZoneInfo, at: datetime) -> datetime | None:
    """When the quiet hours begin after ``at``; None: they have begun."""
    local = at.astimezone(zone)
    if not checkin.opens <= local.time() < checkin.closes:
        return None
    return local_instant(checkin.closes, local.date(), zone)


def step_of(checkin: CheckIn, step_id: str) -> Step | None:
    """The step of this id."""
    found: Sequence[Step] = [step for step in checkin.steps if step.id == step_id]
    return found[0] if found else None
