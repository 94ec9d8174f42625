"""The demo's phones: whose they are, and the answers a text offers, so that there is a button for each."""

import re
from collections.abc import Sequence
from dataclasses import replace

from hub.services.views.equipment import Phone

_OFFER = re.compile(r"\bReply (\d+)a (?:again )?to take it(?:, \d+(e) to pass on)?", re.IGNORECASE)
_REF = re.compile(r"\bref ([0-9A-Z]{4})\b|\b([0-9A-Z]{4}) became worse")
_SETTLED = re.compile(r"\b([0-9A-Z]{4}) is (?:with|over|passed on)\b")
LAST_RESORT = "Last resort"


def with_last_resort(phones: Sequence[Phone], number: str | None) -> list[Phone]:
    """All phones; the last resort's by name and after the staff's, also before it got a text."""
    staff = [phone for phone in phones if phone.role not in (None, "patient")]
    rest = [phone for phone in phones if phone not in staff]
    if number is None or any(phone.number == number for phone in staff):
        return [*staff, *rest]
    theirs = next((phone for phone in rest if phone.number == number), Phone(number, None, None, ()))
    return [*staff, replace(theirs, owner=LAST_RESORT, role=None), *(p for p in rest if p.number != number)]


def quick_replies(phone: Phone) -> list[tuple[str, str]]:
    """(what to send, what it does) of the newest text that asks for an answer and has none yet."""
    over: set[str] = set()
    for bubble in reversed(phone.bubbles):
        if bubble.inward:
            over.update(re.findall(r"\d+", bubble.body))
            continue
        over.update(_SETTLED.findall(bubble.body))
        offer, named = _OFFER.search(bubble.body), _REF.search(bubble.body)
        ref = (named[1] or named[2]) if named else ""
        if offer is not None and not {offer[1], ref} & over:
            return _buttons(offer[1], f" {ref}" if ref else "", may_pass=bool(offer[2]))
    return []


def _buttons(digit: str, about: str, *, may_pass: bool) -> list[tuple[str, str]]:
    take = [(f"{digit}a", f"{digit}a: take{about}")]
    return [*take, (f"{digit}e", f"{digit}e: pass on{about}")] if may_pass else take
