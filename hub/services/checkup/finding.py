"""What a check found."""

from dataclasses import dataclass
from enum import StrEnum


class Need(StrEnum):
    """How much a finding matters."""

    MUST = "must"
    """To be mended before any patient depends on this hub."""
    SHOULD = "should"
    FINE = "fine"


@dataclass(frozen=True, slots=True)
class Finding:
    """One sentence on what is so; where it is wrong, why that matters, and what to type or set.

    Nothing in it is secret, and nothing in it is about a patient: it is shown on terminals and pasted into tickets.
    """

    need: Need
    what: str
    why: str = ""
    mend: str = ""


Report = list[tuple[str, Finding]]
"""What was looked at, and what was found."""


def must(what: str, why: str, mend: str) -> Finding:
    """Wrong: no patient may depend on it."""
    return Finding(Need.MUST, what, why, mend)


def should(what: str, why: str, mend: str) -> Finding:
    """Not as it ought to be, yet nobody is left alone by it."""
    return Finding(Need.SHOULD, what, why, mend)


def fine(what: str) -> Finding:
    """As it ought to be."""
    return Finding(Need.FINE, what)
