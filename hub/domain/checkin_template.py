"""What a check-in must satisfy before anybody signs it: its texts can be sent, and its answers mean one thing.

A copy in force was held to these when it was signed, and is read without them: a later version of the hub that is
stricter must not silence what a clinician has signed (SF21). ``rpmhub doctor`` says which copies it would not take.
"""

import re
from collections.abc import Mapping
from datetime import time
from decimal import Decimal

from hub.domain import danger
from hub.domain.checkin_texts import GAPS, gaps, question
from hub.domain.checkins import CheckIn, Choice, Step, heard_as, parse_checkin
from hub.domain.documents import broken
from hub.domain.metrics import plausible, quantise
from hub.domain.patient_texts import LONGEST_NUMBER
from hub.domain.text_lint import faults, reserved
from hub.domain.texts import LONGEST_CLINIC, Clinic
from hub.domain.units import canonical

EARLIEST, LATEST = time(7), time(22)
"""Nobody is texted outside of these, whatever is signed. [E]"""
_WIDEST = Clinic("W" * LONGEST_CLINIC, "UTC", "")
_LONGEST = "+" + "1" * (LONGEST_NUMBER - 1)


def parse_template(document: Mapping[str, object]) -> CheckIn:
    """The check-in a template describes; ``BrokenProtocol`` names the place of the first thing that is wrong."""
    checkin = parse_checkin(document)
    check_template(checkin)
    return checkin


def check_template(checkin: CheckIn) -> None:
    """Raise ``BrokenProtocol`` for what no clinician should be asked to sign."""
    if checkin.opens < EARLIEST or checkin.closes > LATEST:
        broken("between", f"must lie between {EARLIEST:%H:%M} and {LATEST:%H:%M}: nobody is woken")
    for index, step in enumerate(checkin.steps):
        path = f"steps[{index}]"
        for place, choice in enumerate(step.choices):
            _check_choice(f"{path}.choices[{place}]", choice)
        _check_apart(f"{path}.choices", step)
        _lint(f"{path}.ask", step.ask, step, first=index == 0)
        _lint(f"{path}.ask_again", step.ask_again, step, first=False)


def _check_choice(path: str, choice: Choice) -> None:
    for word in (choice.words, *choice.also):
        if not heard_as(word)[:1].isalpha():
            broken(path, f'"{word}" must begin with a letter: a number or a mark may be another answer')
        if reserved(word):
            broken(path, f'"{word}" means something by itself in a text, and can be no answer')
        if danger.found(word) is not None:
            broken(path, f'"{word}" is heard as danger before it is heard as an answer')


def _check_apart(path: str, step: Step) -> None:
    """No option is a value, and no text is two options."""
    for choice in step.choices:
        units = step.units if step.metric else ()
        if any(
            plausible(step.metric or "", quantise(step.metric or "", canonical(Decimal(choice.digit), unit)))
            for unit in units
        ):
            broken(path, f"{choice.digit} could be a value of {step.metric}")
    if any(one.forms & other.forms for one in step.choices for other in step.choices if one is not other):
        broken(path, "an answer could mean two of them")


def _lint(path: str, template: str, step: Step, *, first: bool) -> None:
    unknown = [name for name in gaps(template) if name not in GAPS]
    if unknown:
        broken(path, f"{{{unknown[0]}}} is not known; one of {', '.join(f'{{{name}}}' for name in GAPS)}")
    text = question(_WIDEST, _LONGEST, template, first=first)
    numbers = (_LONGEST, *(choice.digit for choice in step.choices))
    if "{clinic}" not in template:
        broken(path, "must say who writes: {clinic}")
    unsaid = [choice.digit for choice in step.choices if not re.search(rf"(?<![0-9]){choice.digit}(?![0-9])", template)]
    if unsaid:
        broken(path, f"must say what {unsaid[0]} means")
    wrong = faults(text, to_patient=True, numbers=numbers, names=(_WIDEST.name,))
    if wrong:
        broken(path, f"must be sent as it is: {wrong[0]}")
