"""What check-ins write to patients: the signed questions with their gaps filled in, and what follows an answer.

One segment each. No condition, no value, no word on whether an answer was good: nobody is diagnosed by text.
"""

import re

from hub.domain.gsm7 import fits, plain
from hub.domain.patient_texts import LONGEST_NUMBER
from hub.domain.texts import Clinic

GAPS = ("clinic", "emergency")
"""What a signed question may leave open: settings of the site, nothing of a patient."""

STOP = "STOP to end."
_GAP = re.compile(r"\{([^{}]*)\}")


def gaps(template: str) -> list[str]:
    """The names that stand in braces."""
    return _GAP.findall(template)


def question(clinic: Clinic, emergency: str, template: str, *, first: bool) -> str:
    """A question as it leaves; the first of a conversation says how to end them all."""
    filled = {"clinic": clinic.short, "emergency": plain(emergency, LONGEST_NUMBER)}
    words = _GAP.sub(lambda gap: filled[gap[1]], " ".join(template.split()))
    return _labelled(clinic, f"{words} {STOP}" if first else words)


def saved(clinic: Clinic) -> str:
    """``Riverside: saved, thank you. Wrong? Reply 0.``"""
    return _labelled(clinic, f"{clinic.short}: saved, thank you. Wrong? Reply 0.")


def saved_and_looked_at(clinic: Clinic, emergency: str) -> str:
    """After an answer that opened an alert: somebody is told, and nobody should wait for them."""
    words = f"{clinic.short}: saved, our staff are told. If you feel very unwell"
    number = plain(emergency, LONGEST_NUMBER)
    return _labelled(clinic, f"{words} call {number} now, do not wait for us. Wrong? Reply 0.")


def taken_back(clinic: Clinic) -> str:
    """After a 0 where nothing more is asked."""
    return _labelled(clinic, f"{clinic.short}: your last answer is taken back.")


def _labelled(clinic: Clinic, text: str) -> str:
    labelled = f"{clinic.label} {text}" if clinic.label else text
    return labelled if fits(labelled) else text
