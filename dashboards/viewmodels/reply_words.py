"""The demo's phones: whose they are, and the answers a text offers, so that there is a button for each."""

import re
from collections.abc import Sequence
from dataclasses import replace

from hub.services.views.equipment import Phone

_OFFER = re.compile(r"\bReply (\d+)a (?:again )?to take it(?:, \d+(e) to pass on)?", re.IGNORECASE)
_REF = re.compile(r"\bref ([0-9A-Z]{4})\b|\b([0-9A-Z]{4}) became worse")
_SETTLED = re.compile(r"\b([0-9A-Z]{4}) is (?:with|over|passed on)\b")
_EXAMPLE = re.compile(r"\breply like (\d{2,3}/\d{2,3})", re.IGNORECASE)
LAST_RESORT = "Last resort"
PATIENT = "patient"


def silent(phone: Phone) -> bool:
    """A patient's phone without a text: there may be many, and nothing happens on them."""
    return phone.role == PATIENT and not phone.bubbles


def with_last_resort(phones: Sequence[Phone], number: str | None) -> list[Phone]:
    """All phones; the last resort's by name and after the staff's, also before it got a text."""
    staff = [phone for phone in phones if phone.role not in (None, PATIENT)]
    rest = [phone for phone in phones if phone not in staff]
    if number is None or any(phone.number == number for phone in staff):
        return [*staff, *rest]
    theirs = next((phone for phone in rest if phone.number == number), Phone(number, None, None, ()))
    return [*staff, replace(theirs, owner=LAST_RESORT, role=None), *(p for p in rest if p.number != number)]


def quick_replies(phone: Phone) -> list[tuple[str, str]]:
    """(what to send, what it does) of the newest text that asks for an answer and has none yet."""
    if phone.role == PATIENT:
        return _to_check_in(phone)
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


def _to_check_in(phone: Phone) -> list[tuple[str, str]]:
    """What the newest text names as an answer; a question's options in the words of the check-in."""
    if not phone.bubbles or phone.bubbles[-1].inward:
        return []
    body = phone.bubbles[-1].body
    example = _EXAMPLE.search(body)
    offered = [(example[1], example[1])] if example else []
    offered += [(digit, f"{digit}: {words}") for digit, words in phone.offers]
    offered += [("0", "0: it was wrong")] if "Reply 0" in body else []
    return [*offered, ("STOP", "STOP")] if "STOP to end" in body else offered
