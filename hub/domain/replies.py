"""What a member of staff texts back, and the numbers they answer with (SF14)."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

NOT_REUSED = timedelta(days=7)
"""A number stays bound to its alert on a phone for so long after it was last told."""

BARE = timedelta(minutes=15)
"""A bare "ack" counts only for the single page sent to the phone within this."""


class Verb(StrEnum):
    """What the text asks for."""

    TAKE = "take"
    PASS = "pass"  # noqa: S105 - to the next person
    CLOSE = "close"


@dataclass(frozen=True, slots=True)
class Reply:
    """A text that says what to do; ``digit`` is None in a bare one."""

    verb: Verb
    digit: int | None = None


_WORDS = {
    "a": Verb.TAKE,
    "ack": Verb.TAKE,
    "acknowledge": Verb.TAKE,
    "take": Verb.TAKE,
    "e": Verb.PASS,
    "esc": Verb.PASS,
    "escalate": Verb.PASS,
    "pass": Verb.PASS,
    "c": Verb.CLOSE,
    "close": Verb.CLOSE,
}
_FORM = re.compile(r"(?:(?P<digit>\d{1,4})\s*)?(?P<word>[a-z]+)")
_TURNED = re.compile(r"(?P<word>[a-z]+)\s*(?P<digit>\d{1,4})")


def parse(body: str) -> Reply | None:
    """``1a``, ``1 A.``, ``ack 1``, bare ``ack``; None for all else: nothing is guessed from a sentence."""
    text = body.strip().strip(".!,\"'").strip().lower()
    match = _FORM.fullmatch(text) or _TURNED.fullmatch(text)
    if match is None or match["word"] not in _WORDS:
        return None
    return Reply(_WORDS[match["word"]], int(match["digit"]) if match["digit"] else None)


def next_digit(taken: Iterable[int]) -> int:
    """The lowest number from 1 that is not ``taken``; it grows beyond 9."""
    used = set(taken)
    return min(set(range(1, len(used) + 2)) - used)
