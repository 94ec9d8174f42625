"""What patients read on their phones in answer to their own texts: one segment each, the clinic's name first.

Nothing of a patient's body is in them: a phone lies on the table, and the number may be somebody else's by now. The
emergency number is never left out of a text that speaks of one.
"""

from dataclasses import dataclass

from hub.domain.gsm7 import plain
from hub.domain.texts import LONGEST_CLINIC

LONGEST_NUMBER = 20
"""What a number of the settings may take: more digits than any country has."""


@dataclass(frozen=True, slots=True)
class Signature:
    """Who writes to patients. ``label`` is put first: "DEMO", "TEST". ``phone`` None: there is nobody to call."""

    name: str
    emergency_number: str
    phone: str | None = None
    label: str = ""

    @property
    def head(self) -> str:
        """``Riverside Home Care:``, with which every text begins."""
        return f"{self.label} {plain(self.name, LONGEST_CLINIC)}:".strip()

    @property
    def emergency(self) -> str:
        """The number to call when there is no time for texts."""
        return plain(self.emergency_number, LONGEST_NUMBER)

    @property
    def questions(self) -> str:
        """``Questions? Call 5550100. ``; empty where there is nobody to call."""
        return f"Questions? Call {plain(self.phone, LONGEST_NUMBER)}. " if self.phone else ""


def stopped(clinic: Signature) -> str:
    """To whoever wants no more texts."""
    return f"{clinic.head} you get no more texts from us. Your care goes on. {clinic.questions}Reply START for texts."


def started(clinic: Signature) -> str:
    """To whoever wants texts again."""
    return (
        f"{clinic.head} you get our texts again. Emergency? Call {clinic.emergency}, do not text. "
        "Reply HELP for help, STOP to end."
    )


def help_text(clinic: Signature) -> str:
    """To whoever asks who this is."""
    return (
        f"{clinic.head} home monitoring. {clinic.questions}Emergency? Call {clinic.emergency}. "
        "Msg & data rates may apply. STOP to end."
    )


def safety(clinic: Signature) -> str:
    """To whoever writes of danger: a person reads it, but nobody must wait for that."""
    return (
        f"{clinic.head} if this may be an emergency call {clinic.emergency} now, do not wait for us. "
        "Texts are not watched day and night."
    )


def courtesy(clinic: Signature) -> str:
    """To whoever writes what only a person can answer."""
    return (
        f"{clinic.head} a nurse will read this. Texts are not watched day and night. "
        f"Emergency? Call {clinic.emergency} now. STOP to end."
    )
